"""Searching and sorting rows.

The grammar: terms between white space, all of which have to match. A word stands somewhere in the name, the
swept values or the notes, whatever its case; `"exact words"` likewise; `-term` excludes;
`status:failed,running`; `lr<0.01`, `acc>=0.9`, `opt=adam`, `opt!=adam` compare swept values, figures, and
`duration`, `runs`, `exit_code`, `progress`; `name:text`, `note:text`, `kind:shell` look in one place. The
last parts of a dotted key suffice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from ..errors import InvalidInput
from ..rows import TaskRow
from ..runs import STATUSES

_OPERATORS = ("<=", ">=", "!=", "<", ">", "=")
_COMPARISON = re.compile(r"(?P<key>[^\s\"<>=!:]+)(?P<op><=|>=|!=|<|>|=)")
_SCOPE = re.compile(r"(?P<key>status|name|note|notes|kind):", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")
_NUMBERS: dict[str, Callable[[TaskRow], float | int | None]] = {
    "duration": lambda row: row.duration,
    "runs": lambda row: row.runs,
    "exit_code": lambda row: row.exit_code,
    "progress": lambda row: row.progress,
}
_SORTS: dict[str, Callable[[TaskRow], Any]] = {
    **_NUMBERS,
    "status": lambda row: STATUSES.index(row.status),
    "created": lambda row: row.created_at,
    "started": lambda row: row.started_at,
    "finished": lambda row: row.finished_at,
    "kind": lambda row: row.kind,
    "message": lambda row: row.message,
}


class Term(Protocol):
    """One condition of a query."""

    def matches(self, row: TaskRow) -> bool:
        """Tell whether `row` fulfils it."""

    def __str__(self) -> str:
        """The condition as it is written."""


@dataclass(frozen=True)
class Query:
    """Conditions that all have to hold. `str(query)` is a text that means the same."""

    terms: tuple[Term, ...] = ()

    def matches(self, row: TaskRow) -> bool:
        """Tell whether `row` fulfils every term; an empty query matches everything."""
        return all(term.matches(row) for term in self.terms)

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))


@dataclass(frozen=True)
class Words:
    """A text that stands somewhere; `scope` is `name`, `note`, or empty for name, swept values and notes."""

    text: str
    scope: str = ""

    def matches(self, row: TaskRow) -> bool:
        wanted = self.text.casefold()
        if self.scope != "note" and wanted in row.name.casefold():
            return True
        if self.scope != "name" and wanted in row.notes.casefold():
            return True
        if self.scope:
            return False
        return any(wanted in f"{key}={value_text(value)}".casefold() for key, value in row.swept.items())

    def __str__(self) -> str:
        return (f"{self.scope}:" if self.scope else "") + quote(self.text)


@dataclass(frozen=True)
class OneOf:
    """A property (`status` or `kind`) that is one of some words."""

    key: str
    values: tuple[str, ...]

    def matches(self, row: TaskRow) -> bool:
        return (row.status if self.key == "status" else row.kind) in self.values

    def __str__(self) -> str:
        return f"{self.key}:{','.join(self.values)}"


@dataclass(frozen=True)
class Comparison:
    """A swept value, figure or number of the task compared with a constant; what is missing never matches."""

    key: str
    operator: str
    text: str

    def matches(self, row: TaskRow) -> bool:
        found = _value(row, self.key)
        if found is _MISSING:
            # A task's own name may hold such a text: `ablation_1_lr=0.01`.
            return self.operator == "=" and f"{self.key}={self.text}".casefold() in row.name.casefold()
        number = _number(self.text)
        if number is not None and isinstance(found, (int, float)) and not isinstance(found, bool):
            return _COMPARE[self.operator](found, number)
        if self.operator in ("=", "!="):
            equal = value_text(found).casefold() == self.text.casefold()
            return equal == (self.operator == "=")
        return False

    def __str__(self) -> str:
        return f"{self.key}{self.operator}{quote(self.text)}"


@dataclass(frozen=True)
class Not:
    """A term that must not match."""

    term: Term

    def matches(self, row: TaskRow) -> bool:
        return not self.term.matches(row)

    def __str__(self) -> str:
        return f"-{self.term}"


_MISSING = object()
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        InvalidInput: with `field` "query" and the column that is wrong.
    """
    terms: list[Term] = []
    position = _skip(text, 0)
    while position < len(text):
        term, position = _term(text, position)
        terms.append(term)
        position = _skip(text, position)
    return Query(tuple(terms))


def quote(text: str) -> str:
    """Return `text` so that a query takes it literally, whatever it holds."""
    plain = text and not re.search(r"[\s\"\\<>=!:,]", text) and text[0] != "-"
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def select(
    rows: Iterable[TaskRow],
    query: str | Query = "",
    statuses: Iterable[str] | None = None,
    sort: str = "created",
    order: str = "desc",
    offset: int = 0,
    limit: int | None = 200,
) -> tuple[list[TaskRow], int]:
    """Return a page of the rows that match, and how many match.

    Pinned tasks come first. `sort` is name, status, created, started, finished, duration, runs, exit_code,
    progress, kind, message, or a key of swept values or figures; what has no such value comes last in either
    order. Numbers within names count as numbers. `order` is `asc` or `desc`; no `limit` (None) gives all.

    Raises:
        InvalidInput: when the query, a status or the order is not understood.
    """
    if order not in ("asc", "desc"):
        raise InvalidInput(f"The order is asc or desc, not {order!r}.", field="order")
    parsed = parse(query) if isinstance(query, str) else query
    found = [row for row in rows if parsed.matches(row)]
    if statuses is not None:
        wanted = {_status(status, None) for status in statuses}
        found = [row for row in found if row.status in wanted]
    ordered = _sorted(found, sort, order == "desc")
    ordered.sort(key=lambda row: not row.pinned)
    offset = max(0, offset)
    end = None if limit is None else offset + max(0, limit)
    return ordered[offset:end], len(found)


@lru_cache(maxsize=32768)
def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that takes digits in a name as numbers: `a2` before `a10`."""
    parts = _DIGITS.split(name.casefold())
    return tuple((1, int(part), part) if number % 2 else (0, 0, part) for number, part in enumerate(parts))


def value_text(value: Any) -> str:
    """Return a swept value or figure as people write it in a query."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _sorted(rows: list[TaskRow], sort: str, descending: bool) -> list[TaskRow]:
    if sort == "name":
        return sorted(rows, key=lambda row: natural_key(row.name), reverse=descending)
    getter = _SORTS.get(sort)
    rows = sorted(rows, key=lambda row: natural_key(row.name))
    keyed: list[tuple[tuple[int, Any], TaskRow]] = []
    missing: list[TaskRow] = []
    for row in rows:
        value = getter(row) if getter else _value(row, sort)
        if value is None or value is _MISSING or value != value:
            missing.append(row)
        else:
            keyed.append((_sort_key(value), row))
    keyed.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in keyed] + missing


def _sort_key(value: Any) -> tuple[int, Any]:
    if isinstance(value, (int, float)):
        return 0, value
    return 1, natural_key(value if isinstance(value, str) else value_text(value))


def _value(row: TaskRow, key: str) -> Any:
    """Return a swept value, figure or number of a row by its key or the last parts of it."""
    for values in (row.swept, row.figures):
        if key in values:
            return values[key]
    if key in _NUMBERS:
        number = _NUMBERS[key](row)
        return _MISSING if number is None else number
    suffix = f".{key}"
    for values in (row.swept, row.figures):
        for name, value in values.items():
            if name.endswith(suffix):
                return value
    return _MISSING


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _term(text: str, start: int) -> tuple[Term, int]:
    if text[start] == "-":
        if start + 1 >= len(text) or text[start + 1].isspace():
            raise _wrong("'-' excludes the term that follows it without a space", start)
        term, end = _term(text, start + 1)
        return Not(term), end
    scope = _SCOPE.match(text, start)
    if scope:
        return _scoped(text, scope)
    found = _COMPARISON.match(text, start)
    if found:
        value, end = _word(text, found.end())
        if not value and text[found.end() : end] != '""':
            raise _wrong(f"after {found.group()!r} a value is missing", found.end())
        operator = found.group("op")
        if operator in ("<", "<=", ">", ">=") and _number(value) is None:
            raise _wrong(f"{found.group()!r} compares numbers, and {value!r} is none", found.end())
        return Comparison(found.group("key"), operator, value), end
    word, end = _word(text, start)
    return Words(word), end


def _scoped(text: str, scope: re.Match[str]) -> tuple[Term, int]:
    key = scope.group("key").lower()
    value, end = _word(text, scope.end())
    if key in ("name", "note", "notes"):
        return Words(value, "name" if key == "name" else "note"), end
    if key == "kind":
        if value not in ("python", "shell"):
            raise _wrong(f"a task's kind is python or shell, not {value!r}", scope.end())
        return OneOf("kind", (value,)), end
    return OneOf("status", tuple(_status(part, scope.end()) for part in value.split(","))), end


def _status(word: str, position: int | None) -> str:
    status = word.strip().lower()
    if status in STATUSES:
        return status
    close = difflib.get_close_matches(status, STATUSES, 1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(STATUSES)}."
    column = None if position is None else position + 1
    raise InvalidInput(f"There is no status {word!r}: {hint}", field="query", column=column)


def _word(text: str, start: int) -> tuple[str, int]:
    """Return the word at `start`, quoted or up to the next white space, and where it ends."""
    if start < len(text) and text[start] == '"':
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
        raise _wrong("a quote is opened and never closed", start)
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end], end


def _wrong(problem: str, position: int) -> InvalidInput:
    return InvalidInput(
        f"The search cannot be understood: {problem}.", field="query", line=1, column=position + 1
    )
