"""Notices about a query: what its terms found, what may be meant, why no task is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.run_aggregates import unread_sentence
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES

from .ast import FieldTest, Term, Text, TextValue
from .fields import MISSING, Fields, QueryField, UnknownField
from .scanner import QueryText, Span, quote, quoted, written
from .values import value_text

_MAX_VALUES_SHOWN = 5
_MAX_FIELDS_SHOWN = 6
_MAX_TERM = 100  # characters of a term in a message
_OPERATORS = {
    **dict.fromkeys(("or", "|", "||"), "OR"),
    **dict.fromkeys(("and", "&", "&&"), "AND"),
    "not": "NOT",
}
_STATUS_WORDS = (*SHOWN_STATUSES, "active", "pinned", "damaged")


class QueryNotice(Struct, frozen=True):
    """A sentence about a query, with a position, and suggested queries.

    `is_serious`: the result is not what was asked for, so no action should use it. `is_partial`: this is
    because not everything could be searched.
    """

    code: str
    message: str
    line: int | None = None
    column: int | None = None
    suggestions: tuple[str, ...] = ()
    is_serious: bool = False
    field: str = "query"
    is_partial: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as a `FieldError`."""
        return {**self.error().to_dict(), "code": self.code}

    def error(self) -> InvalidInput:
        """Return it as an error."""
        return InvalidInput(
            self.message, field=self.field, line=self.line, column=self.column, suggestions=self.suggestions
        )


def notice(
    source: QueryText,
    span: Span,
    code: str,
    message: str,
    *,
    suggestions: Sequence[str] = (),
    is_serious: bool = False,
) -> QueryNotice:
    """Return a notice about a part of a query."""
    line, column = source.place(span.start) if source.text else (None, None)
    return QueryNotice(code, message, line, column, tuple(suggestions), is_serious)


def names(keys: Sequence[str], last: str = "or") -> str:
    """Return `a`, `b` or `c`."""
    marked = [f"`{key}`" for key in keys]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} {last} {marked[-1]}"


def number_of(count: int, noun: str = "task") -> str:
    """Return `1 task`, `1,200 tasks`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


class Tally(NamedTuple):
    """The results of a comparison: the number of tasks, of those without the field, of those with a value of
    another type, and of those that match.
    """

    seen: int
    missing: int
    mistyped: int
    matching: int


def of_word(source: QueryText, term: Text) -> QueryNotice | None:
    """Return a notice when a word looks like another kind of term."""
    span, word = term.span, term.text
    if span is None:
        return None
    operator = _OPERATORS.get(word.lower())
    if operator is not None:
        message, meant = f"the operator is {operator}.", operator
    elif word.lower() in _STATUS_WORDS:
        meant = f"is:{word.lower()}"
        message = f"{meant} finds tasks with this status."
    elif word[0] == "#" and len(word) > 1:
        meant = f"tag:{quote(word[1:])}"
        message = f"{meant} finds tasks with this tag."
    else:
        return None
    return notice(
        source,
        span,
        "as_word",
        f"`{_short(word)}` was searched as a word; {message}",
        suggestions=[source.replaced(span, meant)],
    )


def of_comparison(
    source: QueryText, fields: Fields, term: FieldTest, field: QueryField, tally: Tally
) -> Iterator[QueryNotice]:
    """Yield notices about tasks that could not be compared, and about the values that exist."""
    shown = f"`{field.name}`"
    if tally.missing:
        if tally.missing < tally.seen:
            have = "have" if tally.missing > 1 else "has"
            message = f"{tally.missing:,} of {number_of(tally.seen)} {have} no {shown}."
        elif tally.seen == 1:
            message = f"The only remaining task has no {shown}."
        else:
            message = f"None of {number_of(tally.seen)} has {shown}."
        others = fields.alike(field.name)[:3]
        if others:
            what = "are other fields" if len(others) > 1 else "is another field"
            message = f"{message} {names(others, 'and')} {what}."
        suggestions = [source.replaced(term.span, quote(one)) for one in others]
        yield notice(source, term.span, "missing", message, suggestions=suggestions)
    if tally.mistyped:
        what = "a range" if term.operator == ":" else f"'{term.operator}'"
        message = f"{shown} is not a number in {tally.mistyped:,} of {number_of(tally.seen)}, but "
        message += f"{what} compares numbers."
        everywhere = tally.mistyped + tally.missing == tally.seen
        yield notice(source, term.span, "type", message, is_serious=everywhere)
    if not tally.matching and tally.seen > tally.missing + tally.mistyped and term.operator in (":", "="):
        yield _of_values(source, fields, term, field, tally.seen - tally.missing)


def _of_values(
    source: QueryText, fields: Fields, term: FieldTest, field: QueryField, count: int
) -> QueryNotice:
    found = Counter(
        value_text(value) for value in field.values(fields.rows) if value is not MISSING and value is not None
    )
    wanted = [value.text.casefold().strip("*") for value in term.values if isinstance(value, TextValue)]
    near = [text for text in found if any(word and word in text.casefold() for word in wanted)]
    most = [text for text, _ in found.most_common(_MAX_VALUES_SHOWN)]
    shown = list(dict.fromkeys([*near, *most]))[:_MAX_VALUES_SHOWN]
    others = f" and {len(found) - len(shown):,} more" if len(found) > len(shown) else ""
    texts = ", ".join(text if len(text) <= 60 else text[:59] + "…" for text in shown)
    place = Span(term.span.start, term.end)
    return notice(
        source,
        term.span,
        "no_value",
        f"`{field.name}` is not {_short(' or '.join(map(str, term.values)))} in any of {number_of(count)}. "
        f"Its values are {texts}{others}.",
        suggestions=[
            source.replaced(place, f"{written(term.key)}{term.operator}{_value(text)}") for text in near[:3]
        ],
    )


def of_unknown(source: QueryText, fields: Fields, error: UnknownField, span: Span) -> QueryNotice:
    """Return the notice that no task has a field, with the fields that exist."""
    key = _short(error.key)
    if error.close:
        message = f"Unknown field `{key}`. Did you mean {names(error.close)}?"
    else:
        known = list(dict.fromkeys([*fields.metrics, *fields.swept]))
        shown = known[:_MAX_FIELDS_SHOWN] + (["…"] if len(known) > _MAX_FIELDS_SHOWN else [])
        valid = f". Valid fields: {', '.join(shown)}" if known else ""
        message = f"Unknown field `{key}`{valid}. To search for this text, quote it."
    return notice(
        source,
        span,
        "unknown_field",
        message,
        suggestions=[source.replaced(span, written(one)) for one in error.close],
        is_serious=True,
    )


def of_nothing(source: QueryText, fields: Fields, term: Term, count: int, is_first: bool) -> QueryNotice:
    """Return the notice that a term matches none of `count` tasks; `is_first`: no other term was tested."""
    what = f"`{_short(str(term))}`"
    if count == 1:
        message = f"{what} does not match the only task{'' if is_first else ' that matches other terms'}."
    elif is_first:
        message = f"{what} matches none of {number_of(count)}."
    else:
        message = f"{what} matches none of the {number_of(count)} that match other terms."
    span, suggestions = Span(), list[str]()
    if isinstance(term, FieldTest):
        span = term.span
        others = fields.alike(term.key)[:3]
        suggestions = [source.replaced(span, quote(one)) for one in others]
        message += f" Did you mean {names(others)}?" if others else ""
    elif isinstance(term, Text) and term.span is not None:
        span = term.span
        if fields.has(term.text):
            suggestions = [source.replaced(span, f"has:{quote(term.text)}")]
            message += (
                f" It was searched as a word. Use has:{quote(term.text)} to find tasks with this field."
            )
    return notice(source, span, "nothing", message, suggestions=suggestions)


def of_unread(fields: Fields, seconds: float) -> list[QueryNotice]:
    """Return the notice about tasks whose metrics were not read within a number of seconds, if any."""
    if not fields.unread:
        return []
    message = f"{unread_sentence(len(fields.unread), seconds)} To read more, retry."
    return [QueryNotice("points_unread", message, is_serious=True, is_partial=True)]


def _value(text: str) -> str:
    """Return a value as it is written after an operator."""
    return quoted(text) if "," in text and text[0] != "[" else quote(text)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_TERM else text[: _MAX_TERM - 1] + "…"
