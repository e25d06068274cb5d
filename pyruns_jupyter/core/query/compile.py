"""Compile the terms of a query to functions that keep those rows that match."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.taskfile.runs import ACTIVE
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES, UNREADABLE, TaskRow

from . import diagnostics, logs
from .ast import And, FieldTest, Not, Or, PresenceTest, Query, Regex, StatusTest, Term, Text, TextValue
from .comparing import (
    ColumnTest,
    Keep,
    Test,
    any_text,
    glob,
    label_test,
    measure_test,
    text_test,
    value_test,
    without,
)
from .diagnostics import QueryNotice, Tally, names, notice
from .fields import MISSING, NO_VALUES, AmbiguousField, Fields, QueryField, UnknownField
from .parser import KINDS
from .pattern import QUICK_TEXT, TimeBudget, compile_pattern, is_quadratic
from .scanner import QueryText, Span, quote, written
from .values import moment

# The cost of terms; cheap terms are tested first.
FIELD, WORDS, VALUES, PATTERNS, POINTS, LOGS = range(6)
PATTERN_SECONDS = 3.0


class Binder:
    """Compiles a query for some rows and collects notices about it. Use it for one query only."""

    def __init__(self, fields: Fields, now: float, is_given_up: Callable[[], bool] | None = None) -> None:
        self.fields = fields
        self.now = now
        self.time = TimeBudget(PATTERN_SECONDS, is_given_up)
        self.logs = logs.LogQuery(fields.sources.log, logs.SECONDS, is_given_up)
        self._notices: list[QueryNotice] = []
        self._tallies: list[tuple[FieldTest, QueryField, Callable[[], Tally]]] = []
        self._source = QueryText()

    def bind(self, query: Query) -> list[tuple[Term, Keep]]:
        """Return the terms, which must all match, and what keeps their rows, in the order of their cost.

        Raises:
            InvalidInput: when a field is ambiguous, or does not allow the comparison.
        """
        self._source = query.source
        if query.term is None:
            return []
        terms = query.term.terms if isinstance(query.term, And) else (query.term,)
        return [(term, keep) for _, term, keep in self._cheap_first(terms)]

    def notices(self) -> list[QueryNotice]:
        """Return the notices after the rows were tested."""
        notices = list(self._notices)
        known: set[tuple[str, str]] = set()
        for term, field, count in self._tallies:
            for one in diagnostics.of_comparison(self._source, self.fields, term, field, count()):
                if one.code == "missing" and self.fields.unread:
                    continue  # the tasks may have a value that was not read
                if one.code == "no_value" or (one.code, field.name) not in known:
                    known.add((one.code, field.name))
                    notices.append(one)
        return notices + self.logs.notices()

    def nothing(self, term: Term, count: int, is_first: bool) -> QueryNotice:
        """Return the notice that a term matches none of `count` tasks; `is_first`: none was tested before."""
        return diagnostics.of_nothing(self._source, self.fields, term, count, is_first)

    def _term(self, term: Term) -> tuple[int, Keep]:
        if isinstance(term, (And, Or)):
            return self._several(term)
        if isinstance(term, Not):
            cost, keep = self._term(term.term)
            return cost, lambda rows: without(rows, keep(rows))
        if isinstance(term, Text):
            about_word = diagnostics.of_word(self._source, term)
            if about_word is not None:
                self._notices.append(about_word)
            wanted = term.text.casefold()
            test = glob(f"*{wanted}*") if term.is_glob else lambda found: wanted in found.casefold()
            return WORDS, any_text(test)
        if isinstance(term, Regex):
            return PATTERNS, any_text(self._searcher(term))
        if isinstance(term, StatusTest):
            return FIELD, _in_state(term.words)
        if isinstance(term, PresenceTest):
            return self._presence(term)
        return self._comparison(term)

    def _several(self, term: And | Or) -> tuple[int, Keep]:
        parts = self._cheap_first(term.terms)
        keeps = [keep for _, _, keep in parts]
        if isinstance(term, Or):
            return parts[-1][0], _any_of(keeps)

        def all_of(rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
            for keep in keeps:
                rows = keep(rows)
            return rows

        return parts[-1][0], all_of

    def _cheap_first(self, terms: Sequence[Term]) -> list[tuple[int, Term, Keep]]:
        """Return the cost, term and what keeps the rows of each term, the cheapest first."""
        parts = [(cost, term, keep) for term in terms for cost, keep in [self._term(term)]]
        return sorted(parts, key=itemgetter(0))

    def _presence(self, term: PresenceTest) -> tuple[int, Keep]:
        keeps: list[Keep] = []
        cost = FIELD
        for key, span in zip(term.keys, term.spans or [Span()] * len(term.keys), strict=True):
            if key.lower() == "log":
                keeps.append(lambda rows: [row for row in rows if row.run > 0])
                continue
            field = self._field(key, span)
            if field is not None:
                keeps.append(_has(field))
                cost = max(cost, _cost(field))
        has = _any_of(keeps)
        return cost, has if term.wanted else lambda rows: without(rows, has(rows))

    def _comparison(self, term: FieldTest) -> tuple[int, Keep]:
        if term.key.lower() == "log":
            return self._log(term)
        if self._is_pasted(term):
            return self._pasted(term)
        field = self._field(term.key, term.span)
        if field is None:
            return FIELD, lambda rows: []
        is_equal = term.operator != "!="
        if field.kind != "value":
            test = self._test(term, field)
            if field.name in ("status", "kind") and all(isinstance(one, TextValue) for one in term.values):
                words = frozenset(map(str, term.values))
                return FIELD, _where(field, lambda value: (value in words) is is_equal)
            return FIELD, _where(field, lambda value: value is not None and bool(test(value)) is is_equal)
        test_all = self._value_test(term, field)
        seen = missing = mistyped = matching = 0
        nulls = term.operator in (":", "=", "!=")

        def keep(rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
            nonlocal seen, missing, mistyped, matching
            values = field.values(rows)
            seen += len(rows)
            kinds = frozenset(map(type, values))
            if not NO_VALUES.isdisjoint(kinds):
                having = [value is not MISSING and (nulls or value is not None) for value in values]
                rows, values = [*compress(rows, having)], [*compress(values, having)]
                missing += len(having) - len(rows)
            results = test_all(values, kinds - NO_VALUES)
            mistyped += results.count(None)
            kept = [*compress(rows, results if is_equal else [result is False for result in results])]
            matching += len(kept)
            return kept

        self._tallies.append((term, field, lambda: Tally(seen, missing, mistyped, matching)))
        return _cost(field), keep

    def _test(self, term: FieldTest, field: QueryField) -> Test:
        operator = term.operator
        if field.kind in ("number", "time", "duration"):
            try:
                return measure_test(field.kind, operator, term.values, self._searcher, self.now)
            except ValueError as error:
                raise self._source.wrong(f"`{field.name}` {error}.", term.span.start) from None
        if operator in ("<", "<=", ">", ">="):
            raise self._source.wrong(
                f"`{field.name}` is text; {operator!r} only compares numbers, durations and times.",
                term.span.start,
            )
        if field.kind == "label":
            is_partial = field.name == "gpu" and operator == ":"
            return label_test(term.values, self._searcher, is_partial)
        return text_test(operator, term.values, self._searcher)

    def _value_test(self, term: FieldTest, field: QueryField) -> ColumnTest:
        for value in term.values:
            if isinstance(value, TextValue) and term.operator in ("<", "<=", ">", ">="):
                self._refuse_units(term, field, value)
        return value_test(term.operator, term.values, self._searcher)

    def _refuse_units(self, term: FieldTest, field: QueryField, value: TextValue) -> None:
        unit = "a duration" if duration(value.text) is not None else "a time"
        if duration(value.text) is not None or moment(value.text, self.now) is not None:
            raise self._source.wrong(
                f"`{field.name}` can only be compared with numbers, but {value.text} is {unit}.",
                term.span.start,
            )

    def _log(self, term: FieldTest) -> tuple[int, Keep]:
        if term.operator != ":":
            raise self._source.wrong("Write log:word or log:/regex/ to find text in logs.", term.span.start)
        needles = [logs.log_needle(value) for value in term.values]
        return LOGS, lambda rows: [row for row in rows if self.logs.contains(row, needles)]

    def _searcher(self, regex: Regex) -> Callable[[str], bool]:
        """Return a function that searches texts with a pattern within the time limit of the query."""
        find, time, source = compile_pattern(regex.pattern).search, self.time, self._source
        is_quick = is_quadratic(regex.pattern)

        def search(text: str) -> bool:
            try:
                left = time.remaining()
                if is_quick and len(text) <= QUICK_TEXT:
                    return find(text) is not None
                return find(text, timeout=left) is not None
            except (TimeoutError, MemoryError):
                raise source.wrong(
                    f"Matching {regex} took longer than {time.seconds:g} s and was stopped. "
                    "Use a simpler expression.",
                    regex.span.start,
                ) from None

        return search

    # -- fields -----------------------------------------------------------

    def _field(self, key: str, span: Span) -> QueryField | None:
        """Return the field of a key; when it does not exist, add a notice and return None."""
        source = self._source
        try:
            field = self.fields.find(key)
        except AmbiguousField as error:
            raise source.wrong(
                f"`{key}` is ambiguous and can be {names(error.candidates)}. "
                f"{error.advice or 'Use a longer name.'}",
                span.start,
                [source.replaced(span, written(one)) for one in error.candidates[:5]],
            ) from None
        except InvalidInput as error:  # arguments of an aggregate after `has:`
            raise source.wrong(error.message, span.start) from None
        except UnknownField as error:
            if not self.fields.rows:
                return None
            self._notices.append(diagnostics.of_unknown(source, self.fields, error, span))
            return None
        if field.hint:
            self._notices.append(notice(source, span, "goal", field.hint))
        other = self.fields.shadowed(key)
        if other is not None:
            message = f"`{key}` is a property of the task. The parameter or metric of this name is `{other}`."
            self._notices.append(
                notice(source, span, "shadowed", message, suggestions=[source.replaced(span, quote(other))])
            )
        return field

    def _is_pasted(self, term: FieldTest) -> bool:
        """Return whether a term that looks like a comparison is a part of a task's name: `lr_1_lr=0.01`."""
        if term.operator != "=" or not self._source.text or self.fields.has(term.key):
            return False
        wanted = self._written(term).casefold()
        return any(wanted in row.name.casefold() for row in self.fields.rows)

    def _pasted(self, term: FieldTest) -> tuple[int, Keep]:
        written = self._written(term)
        wanted = written.casefold()
        message = f"Unknown field `{term.key}`. Searched for `{written}` in task names."
        self._notices.append(notice(self._source, term.span, "as_name", message))
        return WORDS, lambda rows: [row for row in rows if wanted in row.name.casefold()]

    def _written(self, term: FieldTest) -> str:
        return self._source.text[term.span.start : term.end]


def _cost(field: QueryField) -> int:
    if field.kind != "value":
        return FIELD
    return POINTS if field.reads_points else VALUES


def _any_of(keeps: Sequence[Keep]) -> Keep:
    def any_of(rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
        left = rows
        for keep in keeps:
            left = without(left, keep(left))
        return without(rows, left)

    return keeps[0] if len(keeps) == 1 else any_of


def _where(field: QueryField, test: Callable[[Any], bool]) -> Keep:
    return lambda rows: [*compress(rows, map(test, field.values(rows)))]


def _has(field: QueryField) -> Keep:
    return _where(field, lambda value: value is not None and value is not MISSING)


def _in_state(words: Sequence[str]) -> Keep:
    keeps: list[Keep] = []
    statuses = frozenset(word for word in words if word in SHOWN_STATUSES)
    kinds = frozenset(word for word in words if word in KINDS)
    if "active" in words:
        statuses |= ACTIVE
    if "damaged" in words:
        statuses |= {UNREADABLE}
    if statuses:
        keeps.append(lambda rows: with_status(rows, statuses))
    if kinds:
        keeps.append(lambda rows: [row for row in rows if row.kind in kinds])
    if "pinned" in words:
        keeps.append(lambda rows: [row for row in rows if row.pinned])
    return _any_of(keeps)


def with_status(rows: Sequence[TaskRow], statuses: Container[str]) -> list[TaskRow]:
    """Return the rows with one of these shown statuses."""
    return [row for row in rows if (row.status if row.readable else UNREADABLE) in statuses]
