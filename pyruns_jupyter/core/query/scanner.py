"""Places in a query's text, its smallest parts, and how a text is written so that it is taken literally."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyruns_jupyter.core.common.errors import InvalidInput

OPERATORS = ("<=", ">=", "!=", "<", ">", "=", ":")
KEYWORDS = ("OR", "AND", "NOT")
# What a bare word may not hold without meaning something else.
_SPECIAL = re.compile(r"[\s\"\\<>=!:,()\[\]{}≤≥≠*]")
# White space may stand around an operator, but `a :b` is two words; `lr:<0.1` is `lr<0.1`.
_OPERATOR = re.compile(r"[^\S\n]*:?(<=|>=|!=|==|[<>=≤≥≠])[^\S\n]*|(:)[^\S\n]*|[^\S\n]+(:)[^\S\n]+")
_WRITTEN = {"==": "=", "≤": "<=", "≥": ">=", "≠": "!="}
OPERATOR_WITHIN = re.compile(r"(.*?)(?:(<=|>=|[<>≤≥])(.*))?\Z", re.DOTALL)  # of `lr<0.1`, in parts
_SIGNS = re.compile(r"[<>=!:≤≥≠]+")
_KEY = re.compile(r"[^\s\"<>=!:,()\[\]{}≤≥≠]+")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Span:
    """A part of the text of a query: character positions from 0, the end not included."""

    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class QueryText:
    """The text that a query was read from; equal to any other one, as it is not part of the meaning."""

    text: str = field(default="", compare=False)

    def place(self, position: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character position."""
        before = self.text[:position]
        return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1

    def wrong(self, message: str, position: int, suggestions: Sequence[str] = ()) -> InvalidInput:
        """Return the error that says what is wrong at a position."""
        line, column = self.place(position)
        return InvalidInput(message, field="query", line=line, column=column, suggestions=suggestions)

    def replaced(self, span: Span, by: str) -> str:
        """Return the text with one part of it replaced."""
        return self.text[: span.start] + by + self.text[span.end :]


def quote(text: str) -> str:
    """Return `text` so that a query takes it literally, whatever it holds."""
    plain = text and not _SPECIAL.search(text) and text[0] not in "-/" and text not in KEYWORDS
    return text if plain else quoted(text)


def quoted(text: str) -> str:
    """Return `text` between quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def slashed(pattern: str) -> str:
    """Return a regular expression between slashes."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        width = 2 if pattern[position] == "\\" else 1
        part = pattern[position : position + width]
        parts.append("\\/" if part == "/" else part)
        position += width
    return f"/{''.join(parts)}/"


def skip_space(text: str, position: int, *, within_line: bool = False) -> int:
    """Return the first position from `position` on that is not white space, or a line break `within_line`."""
    while position < len(text) and text[position].isspace() and not (within_line and text[position] == "\n"):
        position += 1
    return position


def bare_word(text: str, start: int, stop: str = "") -> int:
    """Return where the bare word at `start` ends: at white space, a parenthesis that it did not open itself,
    or one of `stop` outside brackets.
    """
    depth = 0
    position = start
    while position < len(text):
        character = text[position]
        if character.isspace() or (depth == 0 and character in stop):
            break
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            if depth == 0 and character == ")":
                break
            depth = max(0, depth - 1)
        position += 1
    return position


def has_open_bracket(text: str) -> bool:
    """Return whether a bracket stays open in a bare word, so that it would swallow what follows."""
    depth = 0
    for character in text:
        depth += (character in _OPENING) - (character in _CLOSING and depth > 0)
    return depth > 0


def quoted_text(source: QueryText, start: int) -> tuple[str, int]:
    """Return the text between the quotes that open at `start`, and where it ends.

    Raises:
        InvalidInput: when they never close.
    """
    text = source.text
    parts: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == '"':
            return "".join(parts), position + 1
        if character == "\\" and text[position + 1 : position + 2] in ("\\", '"'):
            position += 1
            character = text[position]
        parts.append(character)
        position += 1
    raise source.wrong("A quote is opened here and never closed.", start)


def slashed_text(source: QueryText, start: int) -> tuple[str, int]:
    """Return the regular expression between the slashes that open at `start`, and where it ends.

    Raises:
        InvalidInput: when they never close, or words follow without a space.
    """
    text = source.text
    parts: list[str] = []
    position = start + 1
    while position < len(text) and text[position] != "/":
        part = text[position : position + 2] if text[position] == "\\" else text[position]
        parts.append("/" if part == "\\/" else part)
        position += len(part)
    if position >= len(text):
        raise source.wrong(
            "A regular expression begins here with / and never ends. To search for the text, quote it.",
            start,
            _quoting(source, start),
        )
    position += 1
    if text[position : position + 1] == "i":  # the case never counts
        position += 1
    if position < len(text) and not text[position].isspace() and text[position] not in "),":
        raise source.wrong(
            "A regular expression ends at the second /. Write \\/ for one inside, or quote it.",
            position,
            _quoting(source, start),
        )
    return "".join(parts), position


def _quoting(source: QueryText, start: int) -> list[str]:
    """Return the text with the word at `start` quoted."""
    span = Span(start, bare_word(source.text, start))
    return [source.replaced(span, quoted(source.text[span.start : span.end]))]


def key_at(source: QueryText, start: int) -> tuple[str, Span, str, int] | None:
    """Return the key, its place, the operator and where the value begins of a comparison that begins at
    `start`, if one does.
    """
    text = source.text
    if text[start] == "/":
        return None  # a regular expression, also with a `=` in it
    if text[start] == '"':
        try:
            key, end = quoted_text(source, start)
        except InvalidInput:
            return None
    else:
        word = _KEY.match(text, start)
        if word is None:
            return None
        key, end = word.group(), word.end()
    found = _OPERATOR.match(text, end)
    if found is None or not key:
        return None
    operator = found[1] or found[2] or found[3]
    return key, Span(start, end), _WRITTEN.get(operator, operator), found.end()


def check_word(source: QueryText, start: int, end: int) -> None:
    """Check that a bare word is not a comparison that went wrong.

    Raises:
        InvalidInput: when it begins with an operator or an exclamation mark.
    """
    word = source.text[start:end]
    signs = _SIGNS.match(word)
    if signs is None:
        return
    quoting = [source.replaced(Span(start, end), quoted(word))]
    if word[0] == "!" and len(signs.group()) == 1 and len(word) > 1:
        turned = [source.replaced(Span(start, start + 1), "-")]
        raise source.wrong(f"-{word[1:]} excludes a word; to search for {word!r}, quote it.", start, turned)
    raise source.wrong(
        f"{signs.group()!r} stands between a field and a value, as in lr<0.01 or opt=adam. "
        "To search for the text, quote it.",
        start,
        quoting,
    )


def bracket_end(text: str, start: int) -> int | None:
    """Return where the list ends that a bracket opens at `start`, None when it does not close in its line."""
    depth = 0
    for position in range(start, len(text)):
        character = text[position]
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth == 0:
            return position + 1
        if character == "\n" or character == '"':
            return None
    return None
