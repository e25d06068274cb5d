"""Searching one log from end to end for a regular expression, as a program of its own.

A search of a gigabyte in the server would hold the interpreter, and a pattern that backtracks without bound
would hold it for ever; a process can be killed. It is started by its path (`-I search_worker.py`) and imports
nothing of ours, so that it is there at once. The log is its standard input. What it looks for is JSON in the
environment variable `PYRUNS_SCAN`: `pattern`, `ignore_case`, `start` (a byte), `limit` (it ends with the line
in which there are so many hits).

It writes lines of JSON after each block: `hits` as `[offset, length, line, text]`, where `offset` and
`length` count bytes, `line` is the offset of the line and `text` a part of it around the hit; `searched`, the
byte up to which it has looked; `total`, how many hits there were so far; `done` in the last one. A pattern
matches within a line, of which the first 100 hits count. Bytes that are no UTF-8 match nothing but `.` and
the like. What is no pattern is answered with `problem` alone.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from itertools import islice

_BLOCK = 4 * 1024 * 1024  # bytes; a longer line is looked at in such pieces
_BEFORE, _TEXT = 80, 400  # bytes before a hit and in all that are told
_IN_A_LINE = 100  # hits of one line that are told: a log may be a single line
_STDIN = 0

Hit = tuple[int, int, int, str]


def hits(pattern: re.Pattern[str], block: bytes, begin: int) -> Iterator[Hit]:
    """Yield the hits in whole lines, the first of which begins at byte `begin` of the log."""
    text = block.decode("utf-8", "surrogateescape")
    place = _Places(block, text)
    at = 0
    while (candidate := pattern.search(text, at)) is not None:
        start = text.rfind("\n", 0, candidate.start()) + 1
        end = text.find("\n", candidate.start())
        end = len(text) if end < 0 else end
        # A candidate may reach over the line's end; only what matches within the line counts.
        within = (found for found in pattern.finditer(text, start, end) if found.start() < found.end())
        line = place.of(start)
        for found in islice(within, _IN_A_LINE):
            first, last = place.of(found.start()), place.of(found.end())
            shown = max(line, first - _BEFORE)
            stop = block.find(b"\n", last)
            told = block[shown : min(len(block) if stop < 0 else stop, shown + _TEXT)]
            yield begin + first, last - first, begin + line, told.decode("utf-8", "replace")
        at = end + 1
        if at > len(text):
            return


class _Places:
    """Turns places in a text into places in its bytes; they are asked for in their order, nearly."""

    def __init__(self, block: bytes, text: str) -> None:
        self._text = text
        self._is_plain = len(block) == len(text)
        self._known = (0, 0)

    def of(self, place: int) -> int:
        """Return the byte at which the character at `place` begins."""
        if self._is_plain:
            return place
        characters, length = self._known
        between = self._text[min(characters, place) : max(characters, place)]
        size = len(between.encode("utf-8", "surrogateescape"))
        length += size if place >= characters else -size
        self._known = (place, length)
        return length


def blocks(descriptor: int, start: int) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines from byte `start` of a file on, and where each block of them begins."""
    os.lseek(descriptor, start, os.SEEK_SET)
    kept, begin = b"", start
    while True:
        read = os.read(descriptor, _BLOCK)
        data = kept + read
        end = data.rfind(b"\n") + 1
        if not read or (not end and len(data) >= _BLOCK):
            end = len(data)
        if end:
            yield data[:end], begin
        kept, begin = data[end:], begin + end
        if not read:
            return


def main() -> None:
    """Search, and tell."""
    if hasattr(os, "nice"):
        os.nice(5)
    wanted = json.loads(os.environ["PYRUNS_SCAN"])
    flags = re.MULTILINE | (re.IGNORECASE if wanted["ignore_case"] else 0)
    warnings.simplefilter("ignore")  # of Python to programmers
    try:
        pattern = re.compile(wanted["pattern"], flags)
    except (re.error, OverflowError, RecursionError) as error:
        _tell({"problem": str(error) or type(error).__name__})
        return
    total, searched = 0, wanted["start"]
    for block, begin in blocks(_STDIN, wanted["start"]):
        told: list[Hit] = []
        searched = begin + len(block)
        for hit in hits(pattern, block, begin):
            if total >= wanted["limit"] and hit[2] != told[-1][2]:
                searched = hit[2]  # all lines before are done with
                break
            total += 1
            told.append(hit)
        is_enough = total >= wanted["limit"]
        _tell({"hits": told, "searched": searched, "total": total, "done": is_enough})
        if is_enough:
            return
    _tell({"hits": [], "searched": searched, "total": total, "done": True})


def _tell(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
