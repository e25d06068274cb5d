"""A program that searches logs for regular expressions: it can be killed, and its memory is not the server's.

Each line of its standard input is a request in JSON, a `LogSearch` (see `search`) with the path `log`. It
prints lines of JSON, the last of which has `done`:

- `hits`: `[offset, length, line, text]` each: `offset` and `length` count bytes, `line` is the offset of the
  line, and `text` a part of it around the hit;
- `searched`: the byte up to which the log was searched; `total`: the number of hits so far;
- `message`: why the search ended early; `problem` alone: why the pattern is not a regular expression.

With `first_of` it prints one line: `first` is `[number, text]` of the first line with a match (the number is
null far from the beginning), or null. In a log of more than `first_of` bytes, only the first quarter of that
number and the end are searched, and `is_cut` is true. `is_late` replaces `first` after the time limit.

A match is within one line, or within one version of a line that a progress bar redraws with `\\r`. At most
100 hits per line are counted. Bytes that are not UTF-8 match only `.` and the like.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.regular_expressions import compile_regex
from pyruns_jupyter.core.fs.regular_files import open_regular

if TYPE_CHECKING:
    from regex import Match, Pattern

_BLOCK = 4 * 1024 * 1024  # bytes
_MAX_LINE = 16 * 1024 * 1024  # bytes; a longer line is searched in such pieces
_BEFORE, _TEXT = 80, 400  # bytes shown before a hit, and in total
_MAX_IN_LINE = 100  # hits counted in one line: a log may be a single line

Hit = tuple[int, int, int, str]


class Block:
    """Whole lines of a log, searched as text and located as bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._lines = data.decode("utf-8", "surrogateescape")
        self._text = self._lines.replace("\r", "\n")
        self._is_ascii = len(data) == len(self._text)
        self._last = (0, 0)

    def matches(
        self, pattern: Pattern[str], seconds: float, *, empty: bool = False
    ) -> Iterator[tuple[Match[str], int]]:
        """Yield the matches within lines, and where each line begins (characters).

        Raises:
            TimeoutError, MemoryError: if the expression takes too long, or too much memory.
        """
        deadline = time.monotonic() + seconds
        text, at, line, count = self._text, 0, -1, 0
        while at <= len(text):
            left = max(0.0, deadline - time.monotonic())
            candidate = pattern.search(text, at, timeout=left)
            if candidate is None:
                return
            # A candidate may extend beyond the line; only matches within the line count.
            start, end = text.rfind("\n", 0, candidate.start()) + 1, _line_end(text, candidate.start())
            at = end + 1
            whole = self._lines.rfind("\n", 0, start) + 1
            line, count = whole, count if whole == line else 0
            for match in pattern.finditer(text, start, end, timeout=left):
                if match.start() == match.end() and not empty:
                    continue
                if count == _MAX_IN_LINE:
                    at = _line_end(self._lines, start) + 1
                    break
                count += 1
                yield match, line

    def offset(self, position: int) -> int:
        """Return the byte offset of a character; fast for positions close to the last one."""
        if self._is_ascii:
            return position
        last, offset = self._last
        between = self._text[min(last, position) : max(last, position)]
        size = len(between.encode("utf-8", "surrogateescape"))
        offset += size if position >= last else -size
        self._last = (position, offset)
        return offset

    def excerpt(self, match: Match[str]) -> tuple[int, int, str]:
        """Return the offset of the line of a match (or of its redrawn version), and the offset and the text
        of the excerpt around the match. Offsets are in bytes.
        """
        position = self._text.rfind("\n", 0, match.start()) + 1
        end = self.offset(_line_end(self._text, match.end()))
        start = self.offset(position)
        shown = max(start, self.offset(match.start()) - _BEFORE)
        return start, shown, self.data[shown : min(end, shown + _TEXT)].decode("utf-8", "replace")


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def hits(pattern: Pattern[str], data: bytes, begin: int, seconds: float = 60.0) -> Iterator[Hit]:
    """Yield the hits in a block of whole lines at byte `begin` of the log."""
    block = Block(data)
    for match, line in block.matches(pattern, seconds):
        at, first, last = (block.offset(place) for place in (line, match.start(), match.end()))
        yield begin + first, last - first, begin + at, block.excerpt(match)[2]


def blocks(descriptor: int, start: int, end: int | None = None) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines of a file from byte `start` to `end`, and the offset of each block."""
    os.lseek(descriptor, start, os.SEEK_SET)
    kept, begin = b"", start
    while True:
        left = _BLOCK if end is None else min(_BLOCK, end - begin - len(kept))
        read = os.read(descriptor, left)
        data = kept + read
        cut = data.rfind(b"\n") + 1
        if not read or (not cut and len(data) >= _MAX_LINE):
            cut = data.rfind(b"\r") + 1 if read else 0
            cut = cut or len(data)
        if cut or not (read or begin > start):  # an empty log is one empty line
            yield data[:cut], begin
        kept, begin = data[cut:], begin + cut
        if not read:
            return


def search(wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the results of one request."""
    try:
        pattern = compile_regex(
            wanted["pattern"], ignore_case=wanted["ignore_case"], multiline=True, literal=wanted["literal"]
        )
    except ValueError as error:
        yield {"problem": str(error)}
        return
    try:
        descriptor = open_regular(wanted["log"])
    except OSError as error:
        yield {"hits": [], "message": f"The log cannot be read: {error.strerror or error}.", "done": True}
        return
    try:
        if wanted["first_of"] is None:
            yield from _all_hits(descriptor, pattern, wanted)
        else:
            yield {**_first_line(descriptor, pattern, wanted), "done": True}
    finally:
        os.close(descriptor)


def _all_hits(descriptor: int, pattern: Pattern[str], wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    total, searched, limit, seconds = 0, wanted["start"], wanted["limit"], wanted["seconds"]
    for data, begin in blocks(descriptor, searched):
        found: list[Hit] = []
        searched = begin + len(data)
        try:
            for hit in hits(pattern, data, begin, seconds):
                if total >= limit and hit[2] != found[-1][2]:
                    searched = hit[2]  # all lines before it are complete
                    break
                total += 1
                found.append(hit)
        except (TimeoutError, MemoryError):
            message = f"The search was stopped because it took more than {seconds:g} s for a part of the log."
            yield {"hits": found, "searched": begin, "total": total, "message": message, "done": True}
            return
        is_enough = total >= limit
        yield {"hits": found, "searched": searched, "total": total, "done": is_enough}
        if is_enough:
            return
    yield {"hits": [], "searched": searched, "total": total, "done": True}


def _first_line(descriptor: int, pattern: Pattern[str], wanted: dict[str, Any]) -> dict[str, Any]:
    size, most = os.fstat(descriptor).st_size, wanted["first_of"]
    is_cut = size > most
    head = most // 4 if is_cut else size
    deadline = time.monotonic() + wanted["seconds"]
    parts = [(0, head), *([(size - (most - head), size)] if is_cut else [])]
    before = 0
    try:
        for begin, data in (
            (start, data) for start, end in parts for data, _ in blocks(descriptor, start, end)
        ):
            block = Block(data)
            for match, _ in block.matches(pattern, deadline - time.monotonic(), empty=True):
                line, shown, text = block.excerpt(match)
                number = None if begin else 1 + before + _count_lines(data[:line])
                return {"first": [number, text if shown == line else f"…{text}"], "is_cut": is_cut}
            before += _count_lines(data)
    except (TimeoutError, MemoryError):
        return {"is_late": True}
    return {"first": None, "is_cut": is_cut}


def _count_lines(data: bytes) -> int:
    """Return how many lines end in `data`; each version of a redrawn line counts."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def main() -> None:
    """Process requests until there are no more."""
    if hasattr(os, "nice"):
        os.nice(5)
    for line in sys.stdin.buffer:
        for answer in search(json.loads(line)):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
