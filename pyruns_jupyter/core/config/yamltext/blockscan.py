"""Finding the values of block mappings and lists line by line, before YAML reads the text.

Batch syntax need not be YAML (`dims: [64, 32] | [128, 64]`, `name: "a" | "b"`), so its places are found
first, on the raw text. Only the shape of lines is judged here; whether the rest is YAML is for the YAML
parser to say.
"""

from __future__ import annotations

import re

from pyruns_jupyter.core.common.time_limit import check_time

from .batch_spans import BatchSpan, flow_spans, looks_batch
from .textscan import marks, matching_close, quoted_end, strip_span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_DASHES = re.compile(r"(?:-[ \t]+)*")
_PLAIN_KEY = re.compile(r"""[^\s#&*!|>'"%@`\[\]{},][^\r\n]*?:(?=[ \t\r\n]|\Z)""")
_COLON = re.compile(r":(?=[ \t])")
_COLON_AFTER_QUOTES = re.compile(r"[ \t]*:(?=[ \t\r\n]|\Z)")
_COMMENT = re.compile(r"[ \t]#")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]{0,2}[ \t]*(?:[ \t]#[^\r\n]*)?(?=[\r\n]|\Z)")
_MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_PROPERTY = re.compile(r"(?:[&!]\S*(?:[ \t]+|(?=[\r\n]|\Z)))+")


def find_batch_spans(text: str) -> list[BatchSpan]:
    """Return the places with batch syntax, in order.

    Raises:
        ScanError: at the offset of something that cannot be told apart.
    """
    return _Scan(text).spans()


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[BatchSpan] = []

    def spans(self) -> list[BatchSpan]:
        position = 0
        while position < len(self.text):
            check_time()
            position = self.line(position)
        return self.found

    def line_end(self, position: int) -> int:
        """Return the index after the line break."""
        found = _LINE.match(self.text, position)
        assert found is not None
        return max(found.end(), position + 1)

    def line(self, start: int) -> int:
        """Look at the line at `start`; return where the next one to look at begins."""
        text = self.text
        position = start
        while text[position : position + 1] == " ":
            position += 1
        if text[position : position + 1] in ("", "\n", "\r", "#", "\t", "%", "?") or _MARKER.match(
            text, start
        ):
            return self.line_end(position)
        dashes = _DASHES.match(text, position)
        assert dashes is not None
        parent = position - start - 1
        if dashes.end() > position:
            parent = text.rfind("-", position, dashes.end()) - start
            position = dashes.end()
        if text[position : position + 1] in ("", "\n", "\r", "#"):
            return self.line_end(position)
        after = self.after_key(position)
        if after is not None:
            parent = position - start
            position = after
        found = _PROPERTY.match(text, position)
        marked = found is not None
        if found:
            position = found.end()
        return self.value(position, parent, marked)

    def after_key(self, position: int) -> int | None:
        """Return where the value of the key at `position` begins, None when there is no key."""
        text = self.text
        if _COLON.match(text, position):  # the value of a key that begins with ?
            end = position + 1
        elif text[position] in "\"'":
            closing = quoted_end(text, position)
            if closing is None or not _COLON_AFTER_QUOTES.match(text, closing):
                return None
            end = text.index(":", closing) + 1
        else:
            found = _PLAIN_KEY.match(text, position)
            if found is None or _COMMENT.search(found.group()):
                return None
            end = found.end()
        while text[end : end + 1] in (" ", "\t"):
            end += 1
        return end

    def value(self, start: int, parent: int, marked: bool) -> int:
        """Look at the value at `start` of a key or dash in column `parent`; return the next line's start."""
        text = self.text
        first = text[start : start + 1]
        if first in ("", "\n", "\r", "#", "*"):
            return self.line_end(start)
        if _BLOCK_SCALAR.match(text, start):
            return self.after_block_scalar(start, parent)
        position = start
        if first in "[{":
            close = matching_close(text, start)
            position = len(text) if close is None else close + 1
        elif first in "\"'":
            position = quoted_end(text, start) or start
        end, following = self.extent(position, parent)
        begin, end = strip_span(text, start, end)
        if not marked and looks_batch(text[begin:end]):
            self.found.append(BatchSpan(begin, end, in_flow=False))
        elif first in "[{":
            self.found += flow_spans(text, begin)[0]
        return following

    def extent(self, position: int, parent: int) -> tuple[int, int]:
        """Return where the value that goes on at `position` ends, and where the line after it begins."""
        text = self.text
        while True:
            check_time()
            following = self.line_end(position) if position < len(text) else position
            line = text[position:following].rstrip("\r\n")
            comment = self.comment(position, position + len(line))
            if comment is not None:
                return comment, following
            end = position + len(line)
            next_line = text[following : self.line_end(following)] if following < len(text) else ""
            bare = next_line.lstrip(" ")
            if not bare.strip() or bare[0] == "#" or len(next_line) - len(bare) <= parent:
                return end, following
            position = following

    def comment(self, start: int, end: int) -> int | None:
        """Return where a comment begins between two indices of one line; # in quotes begins none."""
        for position, character in marks(self.text, start, end):
            if character == "#":
                return position
        return None

    def after_block_scalar(self, start: int, parent: int) -> int:
        position = self.line_end(start)
        while position < len(self.text):
            following = self.line_end(position)
            line = self.text[position:following]
            bare = line.lstrip(" ")
            if bare.strip() and len(line) - len(bare) <= parent:
                break
            position = following
        return position
