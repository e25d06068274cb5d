"""Find separators in YAML values: not in quotes or in nested brackets; `\\|` is a literal bar."""

from __future__ import annotations

import re
from collections.abc import Iterator

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = frozenset(OPEN.values())
# A double-quoted or single-quoted scalar, over lines if need be.
_QUOTED = {
    '"': re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL),
    "'": re.compile(r"'[^']*(?:''[^']*)*'"),
}
_MARK = re.compile(r"""[\\"'()\[\]{},|#:]|[^\\"'()\[\]{},|#:\s]+""")
_LINE_END = re.compile(r"[\r\n]|\Z")
_NOT_BLANK = re.compile(r"\S")


class ScanError(ValueError):
    """The text of a value is wrong at `offset` (0-based, within that text)."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def sentence(message: str) -> str:
    """Return a message with a capital letter and a full stop."""
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")


def quoted_end(text: str, start: int) -> int | None:
    """Return the index after the quoted scalar that begins at `start`, None when it is not closed."""
    found = _QUOTED[text[start]].match(text, start)
    return found.end() if found else None


def line_end(text: str, position: int) -> int:
    """Return where the line that holds `position` ends, before its line break."""
    found = _LINE_END.search(text, position)
    return found.start() if found else len(text)


def skip_blank(text: str, position: int) -> int:
    """Return the index of the first character at or after `position` that is not white space."""
    found = _NOT_BLANK.search(text, position)
    return found.start() if found else len(text)


def marks(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, str]]:
    """Yield the index and character of each bracket, comma, bar, and # of a comment between two indices.

    Quoted scalars and the text of comments are skipped. A quote only counts where a token can begin. One that
    is never closed is yielded last. An escaped bar is yielded as a backslash.
    """
    stop = len(text) if end is None else end
    position, fresh = start, True
    while True:
        found = _MARK.search(text, position, stop)
        if found is None:
            return
        position, character = found.start(), text[found.start()]
        after = found.end()
        if character in "\"'" and fresh:
            closing = quoted_end(text, position)
            if closing is None:
                yield position, character
                return
            position, fresh = closing, False
            continue
        if character == "\\":
            if text[after : after + 1] == "|":
                yield position, character
                after += 1
        elif character == "#" and position and text[position - 1].isspace():
            yield position, character
            after = line_end(text, position)
        elif character in "()[]{},|":
            yield position, character
        fresh = character in "([{,|:"
        position = after


def split_top(text: str, separator: str) -> list[tuple[int, int]]:
    """Return the spans of `text` between separators outside quotes and brackets, not stripped.

    Raises:
        ScanError: when a quote or a bracket is not closed.
    """
    spans: list[tuple[int, int]] = []
    begin = 0
    stack: list[tuple[str, int]] = []
    for position, character in marks(text):
        if character in "\"'":
            raise ScanError("this quote is never closed", position)
        if character == separator and not stack:
            spans.append((begin, position))
            begin = position + 1
        elif character in OPEN:
            stack.append((OPEN[character], position))
        elif character in CLOSE and stack:
            if stack[-1][0] != character:
                raise ScanError(
                    f"{text[stack[-1][1]]!r} is closed by {character!r}. Quote the value if it is text",
                    position,
                )
            stack.pop()
    if stack:
        raise ScanError(
            f"{text[stack[-1][1]]!r} is never closed. Quote the value if it is text", stack[-1][1]
        )
    spans.append((begin, len(text)))
    return spans


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the white space at its ends."""
    inside = text[start:end]
    bare = inside.strip()
    if not bare:
        return end, end
    start += len(inside) - len(inside.lstrip())
    return start, start + len(bare)


def matching_close(text: str, start: int) -> int | None:
    """Return the index of the bracket that closes the one at `start`, None when it is not closed."""
    stack: list[str] = []
    for position, character in marks(text, start):
        if character in OPEN:
            stack.append(OPEN[character])
        elif character in CLOSE:
            if stack.pop() != character:
                return None
            if not stack:
                return position
    return None


def has_bar(text: str, live: bool = False) -> bool:
    """Return whether there is a bar (`live`: an unescaped one) outside quotes; True for an unclosed quote."""
    if "|" not in text:
        return False
    wanted = "|\"'" if live else "|\"'\\"
    return any(character in wanted for _, character in marks(text))
