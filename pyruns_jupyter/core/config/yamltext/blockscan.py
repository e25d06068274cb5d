"""Find the keys and values of block mappings and lists line by line, before YAML reads the text.

Sweep syntax need not be YAML (`dims: [64, 32] | [128, 64]`, `name: "a" | "b"`), so it is found first, in the
raw text. The scan only looks at the shape of lines; the YAML parser checks the rest.
"""

from __future__ import annotations

import re
from bisect import bisect_left

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


class BlockScan:
    """The `spans` of sweep syntax in a text, in order, and the keys of its block mappings."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: list[BatchSpan] = []
        self.parents: list[tuple[int, str, bool]] = []  # open keys: column, name, whether it is in a list
        self.keys: list[str | None] = []  # dotted; None in a list
        self.key_starts: list[int] = []
        self.value_ends: list[int] = []

    def run(self) -> None:
        """Scan the text.

        Raises:
            ScanError: when sweep syntax cannot be separated from the rest; what was found before it stays.
        """
        position = 0
        while position < len(self.text):
            check_time()
            position = self.line(position)

    def key_at(self, index: int) -> str | None:
        """Return the dotted key whose value contains `index`; None when there is none or it is in a list."""
        at = bisect_left(self.key_starts, index) - 1
        ended = at < 0 or (at < len(self.value_ends) and index >= self.value_ends[at])
        return None if ended else self.keys[at]

    def key_before(self, index: int) -> str | None:
        """Return the last dotted key before `index`; None when there is none or it is in a list."""
        at = bisect_left(self.key_starts, index) - 1
        return self.keys[at] if at >= 0 else None

    def add_key(self, name: str, start: int, column: int, in_list: bool) -> None:
        while self.parents and self.parents[-1][0] >= column:
            self.parents.pop()
        self.parents.append((column, name, in_list))
        is_listed = any(listed for _, _, listed in self.parents)
        self.keys.append(None if is_listed else ".".join(key for _, key, _ in self.parents))
        self.key_starts.append(start)

    def line_end(self, position: int) -> int:
        """Return the index after the line break."""
        found = _LINE.match(self.text, position)
        assert found is not None
        return max(found.end(), position + 1)

    def line(self, start: int) -> int:
        """Scan the line at `start`; return where the next one to scan begins."""
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
        in_list = dashes.end() > position
        if in_list:
            parent = text.rfind("-", position, dashes.end()) - start
            position = dashes.end()
        if text[position : position + 1] in ("", "\n", "\r", "#"):
            return self.line_end(position)
        name, after = self.key(position)
        if name:
            self.add_key(name, position, position - start, in_list)
        if after > position:
            parent = position - start
        found = _PROPERTY.match(text, after)
        following = self.value(found.end() if found else after, parent, marked=found is not None)
        if name:
            self.value_ends.append(following)
        return following

    def key(self, position: int) -> tuple[str, int]:
        """Return the key at `position`, empty when there is none, and where its value begins."""
        text = self.text
        name = ""
        if _COLON.match(text, position):  # the value of a key that begins with ?
            end = position + 1
        elif text[position] in "\"'":
            closing = quoted_end(text, position)
            if closing is None or not _COLON_AFTER_QUOTES.match(text, closing):
                return "", position
            name = text[position + 1 : closing - 1]
            end = text.index(":", closing) + 1
        else:
            found = _PLAIN_KEY.match(text, position)
            if found is None or _COMMENT.search(found.group()):
                return "", position
            name, end = found.group()[:-1].rstrip(), found.end()
        while text[end : end + 1] in (" ", "\t"):
            end += 1
        return name, end

    def value(self, start: int, parent: int, marked: bool) -> int:
        """Scan the value at `start` of a key or dash in column `parent`; return where the next line is."""
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
            self.spans.append(BatchSpan(begin, end, in_flow=False))
        elif first in "[{":
            self.spans += flow_spans(text, begin)[0]
        return following

    def extent(self, position: int, parent: int) -> tuple[int, int]:
        """Return where the value that continues at `position` ends, and where the next line begins."""
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
        """Return where a comment begins between two indices of one line; a # in quotes does not count."""
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
