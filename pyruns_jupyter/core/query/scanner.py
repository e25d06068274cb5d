"""Positions and tokens in the text of a query, and quoting."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import TEXT as AGGREGATE

OPERATORS = ("<=", ">=", "!=", "<", ">", "=", ":")
KEYWORDS = ("OR", "AND", "NOT")
# Characters that have a special meaning in a bare word.
_SPECIAL = re.compile(r"[\s\"\\<>=!:,()\[\]{}≤≥≠*]")
# White space is allowed around an operator, but `a :b` is two words; `lr:<0.1` is `lr<0.1`.
_OPERATOR = re.compile(r"[^\S\n]*:?(<=|>=|!=|==|[<>=≤≥≠])[^\S\n]*|(:)[^\S\n]*|[^\S\n]+(:)[^\S\n]+")
_WRITTEN = {"==": "=", "≤": "<=", "≥": ">=", "≠": "!="}
OPERATOR_WITHIN = re.compile(r"(.*?)(?:(<=|>=|[<>≤≥])(.*))?\Z", re.DOTALL)  # of `lr<0.1`, in parts
_SIGNS = re.compile(r"[<>=!:≤≥≠]+")
_KEY = re.compile(r"[^\s\"<>=!:,()\[\]{}≤≥≠]+")
_QUOTED = re.compile(r'"((?:\\[\\"]|\\(?![\\"])|[^"\\])*)"')
_ESCAPE = re.compile(r'\\([\\"])')
_SLASHED = re.compile(r"/((?:\\.|[^/\\])*)/", re.DOTALL)
_SLASH = re.compile(r"\\.|/", re.DOTALL)  # or an escaped character
_OPENING, _CLOSING = "([{", ")]}"


class Span(Struct, frozen=True):
    """A part of the text of a query: character positions from 0, end excluded."""

    start: int = 0
    end: int = 0


class QueryText(Struct, frozen=True):
    """The text of a query."""

    text: str = ""

    def place(self, position: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character position."""
        before = self.text[:position]
        return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1

    def wrong(self, message: str, position: int, suggestions: Sequence[str] = ()) -> InvalidInput:
        """Return an error at a position."""
        line, column = self.place(position)
        return InvalidInput(message, field="query", line=line, column=column, suggestions=suggestions)

    def replaced(self, span: Span, by: str) -> str:
        """Return the text with one part of it replaced."""
        return self.text[: span.start] + by + self.text[span.end :]


def quote(text: str) -> str:
    """Return `text` so that a query takes it literally."""
    plain = text and not _SPECIAL.search(text) and text[0] not in "-/" and text not in KEYWORDS
    return text if plain else quoted(text)


def quoted(text: str) -> str:
    """Return `text` in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(key: str) -> str:
    """Return the key of a field, or an aggregate, as a query has it."""
    return key if AGGREGATE.fullmatch(key) else quote(key)


def slashed(pattern: str) -> str:
    """Return a regular expression between slashes."""
    return "/" + _SLASH.sub(lambda part: r"\/" if part[0] == "/" else part[0], pattern) + "/"


def skip_space(text: str, position: int, *, within_line: bool = False) -> int:
    """Return the first position at or after `position` that is not white space; `within_line`, a line break
    too.
    """
    while position < len(text) and text[position].isspace() and not (within_line and text[position] == "\n"):
        position += 1
    return position


def bare_word(text: str, start: int, stop: str = "") -> int:
    """Return where the bare word at `start` ends: at white space, an unmatched parenthesis, or one of `stop`
    outside brackets.
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
    """Return whether a bracket in a bare word is not closed, so that the word would extend too far."""
    depth = 0
    for character in text:
        depth += (character in _OPENING) - (character in _CLOSING and depth > 0)
    return depth > 0


def quoted_text(source: QueryText, start: int) -> tuple[str, int]:
    """Return the text in the quotes that start at `start`, and where they end.

    Raises:
        InvalidInput: when they are not closed.
    """
    found = _QUOTED.match(source.text, start)
    if found is None:
        raise source.wrong("This quote is never closed.", start)
    return _ESCAPE.sub(r"\1", found[1]), found.end()


def slashed_text(source: QueryText, start: int) -> tuple[str, int]:
    """Return the regular expression between the slashes that start at `start`, and where they end.

    Raises:
        InvalidInput: when they are not closed, or text follows without a space.
    """
    text = source.text
    found = _SLASHED.match(text, start)
    if found is None:
        raise source.wrong(
            "This regular expression is never closed by a second /. To search for this text, quote it.",
            start,
            _quoting(source, start),
        )
    position = found.end()
    if text[position : position + 1] == "i":  # case is always ignored
        position += 1
    if position < len(text) and not text[position].isspace() and text[position] not in "),":
        raise source.wrong(
            "A regular expression ends at the second /. Write \\/ for a slash, or quote the text.",
            position,
            _quoting(source, start),
        )
    return _SLASH.sub(lambda part: "/" if part[0] == "\\/" else part[0], found[1]), position


def _quoting(source: QueryText, start: int) -> list[str]:
    """Return the text with the word at `start` quoted."""
    span = Span(start, bare_word(source.text, start))
    return [source.replaced(span, quoted(source.text[span.start : span.end]))]


def key_at(source: QueryText, start: int) -> tuple[str, Span, str, int] | None:
    """Return the key, its position, the operator and the position of the value of the comparison at `start`,
    None when there is no comparison.
    """
    text = source.text
    if text[start] == "/":
        return None  # a regular expression, which may contain `=`
    if text[start] == '"':
        try:
            key, end = quoted_text(source, start)
        except InvalidInput:
            return None
    else:
        word = AGGREGATE.match(text, start) or _KEY.match(text, start)
        if word is None:
            return None
        key, end = word.group(), word.end()
    found = _OPERATOR.match(text, end)
    if found is None or not key:
        return None
    operator = found[1] or found[2] or found[3]
    return key, Span(start, end), _WRITTEN.get(operator, operator), found.end()


def check_word(source: QueryText, start: int, end: int) -> None:
    """Check that a bare word is not an invalid comparison.

    Raises:
        InvalidInput: when it begins with an operator or an exclamation mark.
    """
    word = source.text[start:end]
    signs = _SIGNS.match(word)
    if signs is None:
        return
    quoting = [source.replaced(Span(start, end), quoted(word))]
    if word[0] == "!" and len(signs.group()) == 1 and len(word) > 1:
        negated = [source.replaced(Span(start, start + 1), "-")]
        raise source.wrong(
            f"Write -{word[1:]} to exclude a word. To search for {word!r}, quote it.", start, negated
        )
    raise source.wrong(
        f"{signs.group()!r} needs a field before it and a value after it, as in lr<0.01 or opt=adam. "
        "To search for this text, quote it.",
        start,
        quoting,
    )


def bracket_end(text: str, start: int) -> int | None:
    """Return where the list that a bracket opens at `start` ends, None when it is not closed in its line."""
    depth = 0
    for position in range(start, len(text)):
        character = text[position]
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth == 0:
            return position + 1
        if character == "\n" or character == '"':
            return None
    return None
