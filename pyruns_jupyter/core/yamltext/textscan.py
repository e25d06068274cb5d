"""Finding separators in YAML values: quotes protect, brackets nest, `\\|` is a literal bar."""

from __future__ import annotations

import re

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = frozenset(OPEN.values())
# A double-quoted or single-quoted scalar, over lines if need be.
_QUOTED = {'"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL), "'": re.compile(r"'(?:[^']|'')*'")}
_INTERESTING = re.compile(r"[\\\"'()\[\]{},|#\s]")


class ScanError(ValueError):
    """The text of a value is wrong at `offset` (0-based, within that text)."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def quoted_end(text: str, start: int) -> int | None:
    """Return the index after the quoted scalar that begins at `start`, None when it is not closed."""
    found = _QUOTED[text[start]].match(text, start)
    return found.end() if found else None


def split_top(text: str, separator: str) -> list[tuple[int, int]]:
    """Return the spans of `text` between separators outside quotes and brackets, not stripped.

    Raises:
        ScanError: when a quote or a bracket is not closed.
    """
    spans: list[tuple[int, int]] = []
    begin = position = 0
    stack: list[tuple[str, int]] = []
    fresh = True  # at the start of a token, where alone a quote quotes
    while True:
        found = _INTERESTING.search(text, position)
        if found is None:
            break
        if found.start() > position:
            fresh = False
        position = found.start()
        character = text[position]
        if character == "\\":
            position += 2 if text[position + 1 : position + 2] == "|" else 1
            fresh = False
            continue
        if character in "\"'":
            if fresh:
                end = quoted_end(text, position)
                if end is None:
                    raise ScanError("a quote is opened and never closed", position)
                position = end
            else:
                position += 1
            fresh = False
            continue
        if character == separator and not stack:
            spans.append((begin, position))
            begin = position + 1
            fresh = True
        elif character in OPEN:
            stack.append((OPEN[character], position))
            fresh = True
        elif character in CLOSE:
            if stack:
                if stack[-1][0] != character:
                    raise ScanError(
                        f"{text[stack[-1][1]]!r} is closed by {character!r}; quote the value if it is text",
                        position,
                    )
                stack.pop()
            fresh = False
        elif character in ",|":
            fresh = True
        elif character == "#":
            fresh = False
        position += 1
    if stack:
        raise ScanError(
            f"{text[stack[-1][1]]!r} is opened and never closed; quote the value if it is text", stack[-1][1]
        )
    spans.append((begin, len(text)))
    return spans


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def matching_close(text: str, start: int) -> int | None:
    """Return the index of the bracket that closes the one at `start`, None when there is none."""
    stack: list[str] = []
    position, fresh = start, True
    while position < len(text):
        character = text[position]
        if character in "\"'" and fresh:
            end = quoted_end(text, position)
            if end is None:
                return None
            position, fresh = end, False
            continue
        if character in OPEN:
            stack.append(OPEN[character])
        elif character in CLOSE:
            if stack.pop() != character:
                return None
            if not stack:
                return position
        elif character == "#" and text[position - 1].isspace():
            line_end = re.compile(r"[\r\n]|$").search(text, position)
            position = line_end.start() if line_end else len(text)
            continue
        if not character.isspace():
            fresh = character in "([{,|:"
        position += 1
    return None


def unescape_bars(text: str) -> str:
    """Return `text` with every `\\|` turned into a bar."""
    return text.replace("\\|", "|")


def has_bar(text: str, live: bool = False) -> bool:
    """Tell whether a bar stands outside quotes (`live`: one not escaped); True if quotes are broken."""
    position, fresh = 0, True
    if "|" not in text:
        return False
    while position < len(text):
        character = text[position]
        if character in "\"'" and fresh:
            end = quoted_end(text, position)
            if end is None:
                return True
            position, fresh = end, False
            continue
        if live and character == "\\" and text[position + 1 : position + 2] == "|":
            position, fresh = position + 2, False
            continue
        if character == "|":
            return True
        if not character.isspace():
            fresh = character in "([{,:"
        position += 1
    return False
