"""From the terms of a query to functions that test a row, for the fields that some rows have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from ..rows import TaskRow
from ..runs import ACTIVE, STATUSES
from . import logs
from .comparing import Test, label_test, measure_test, text_test, value_test
from .fields import MISSING, AmbiguousField, Field, Fields, UnknownField
from .notices import Notice, names, notice, number_of
from .parser import KINDS
from .pattern import Clock, TimeIsOver, compile_pattern
from .scanner import Source, Span, quote, slashed
from .searching import search_check, text_check
from .terms import And, Comparison, Not, Or, Presence, Query, Regex, State, Term, Text, Word
from .values import duration, moment, value_text

Check = Callable[[TaskRow], bool]

# What is cheap to look at is looked at first: facts, then words, fields, patterns, logs.
FACT, WORDS, VALUES, PATTERNS, LOGS = range(5)
PATTERN_SECONDS = 3.0


_VALUES_TOLD = 5
_NO_OPERATORS = {
    **dict.fromkeys(("or", "|", "||"), "OR"),
    **dict.fromkeys(("and", "&", "&&"), "AND"),
    "not": "NOT",
}


class Tally(NamedTuple):
    """What a comparison met: how many tasks, how many without the field, with a value of another type, and
    that fit.
    """

    seen: int
    missing: int
    odd: int
    fitting: int


class Binder:
    """Binds queries to rows; `notices` gathers what is to be said. Use it for one search."""

    def __init__(self, fields: Fields, now: float) -> None:
        self.fields = fields
        self.now = now
        self.clock = Clock(PATTERN_SECONDS)
        self.logs = logs.Search(fields.sources.log)
        self._said: list[Notice] = []
        self._tallies: list[tuple[Comparison, Field, Callable[[], Tally]]] = []
        self._source = Source()

    def bind(self, query: Query) -> list[Check]:
        """Return what tells whether a row matches: all of these, one after the other.

        Raises:
            InvalidInput: when a field is ambiguous, or cannot be compared like this.
        """
        self._source = query.source
        if query.term is None:
            return []
        terms = query.term.terms if isinstance(query.term, And) else (query.term,)
        return self._cheap_first(terms)[0]

    def notices(self) -> list[Notice]:
        """Return what is to be said, once rows were tested."""
        said = list(self._said)
        told: set[tuple[str, str]] = set()
        for term, field, count in self._tallies:
            tally = count()
            shown = f"`{field.name}`"
            if tally.missing and ("missing", field.name) not in told:
                told.add(("missing", field.name))
                if tally.missing < tally.seen:
                    have = "have" if tally.missing > 1 else "has"
                    message = f"{tally.missing:,} of {number_of(tally.seen)} {have} no {shown}."
                elif tally.seen == 1:
                    message = f"The only task left to look at has no {shown}."
                else:
                    message = f"None of {number_of(tally.seen)} has {shown}."
                others = self.fields.alike(field.name)[:3]
                if others:
                    what = "are other fields" if len(others) > 1 else "is another field"
                    message = f"{message[:-1]}; {names(others, 'and')} {what}."
                suggestions = [self._source.replaced(term.span, quote(one)) for one in others]
                said.append(notice(self._source, term.span, "missing", message, suggestions=suggestions))
            if tally.odd and ("odd", field.name) not in told:
                told.add(("odd", field.name))
                what = "a range" if term.operator == ":" else f"'{term.operator}'"
                message = (
                    f"{shown} is no number in {tally.odd:,} of {number_of(tally.seen)}; "
                    f"{what} compares numbers."
                )
                everywhere = tally.odd + tally.missing == tally.seen
                said.append(notice(self._source, term.span, "type", message, is_serious=everywhere))
            if not tally.fitting and tally.seen > tally.missing + tally.odd and term.operator in (":", "="):
                said.append(self._no_value(term, field, tally.seen - tally.missing))
        if self.clock.pieces:
            said.append(
                Notice(
                    "pieces",
                    f"{number_of(self.clock.pieces, 'text')} too long for such a regular expression: "
                    "only matches of some dozens of characters were found there.",
                    is_serious=True,
                    is_partial=True,
                )
            )
        return said + self.logs.notices()

    def _no_value(self, term: Comparison, field: Field, count: int) -> Notice:
        """Say which values there are instead of the one that nobody has."""
        found = Counter(
            value_text(value)
            for row in self.fields.rows
            if (value := field.get(row)) is not MISSING and value is not None
        )
        wanted = [value.text.casefold().strip("*") for value in term.values if isinstance(value, Word)]
        near = [text for text in found if any(word in text.casefold() for word in wanted)]
        most = [text for text, _ in found.most_common(_VALUES_TOLD)]
        shown = list(dict.fromkeys([*near, *most]))[:_VALUES_TOLD]
        others = f" and {len(found) - len(shown):,} more" if len(found) > len(shown) else ""
        told = ", ".join(text if len(text) <= 60 else text[:59] + "…" for text in shown)
        place = Span(term.span.start, term.end)
        return notice(
            self._source,
            term.span,
            "no_value",
            f"`{field.name}` is not {' or '.join(map(str, term.values))} in any of {number_of(count)}; "
            f"there are {told}{others}.",
            suggestions=[
                self._source.replaced(place, f"{quote(term.key)}{term.operator}{quote(text)}")
                for text in near[:3]
            ],
        )

    def _word(self, term: Text) -> None:
        """Say that a word is none of the operators that it looks like."""
        span = term.span
        if span is None:
            return
        meant = _NO_OPERATORS.get(term.text.lower())
        if meant is not None:
            message = f"`{term.text}` was looked for as a word; the operator is {meant}."
            suggestions = [self._source.replaced(span, meant)]
        elif "*" in term.text:
            pattern = slashed(".*".join(map(re.escape, term.text.strip("*").split("*"))))
            message = (
                f"`{term.text}` was looked for as it is: `*` stands for itself, and parts of words are found."
            )
            suggestions = [self._source.replaced(span, pattern)] if pattern != "//" else []
        else:
            return
        self._said.append(notice(self._source, span, "as_word", message, suggestions=suggestions))

    def _term(self, term: Term) -> tuple[int, Check]:
        if isinstance(term, (And, Or)):
            return self._several(term)
        if isinstance(term, Not):
            cost, check = self._term(term.term)
            return cost, lambda row: not check(row)
        if isinstance(term, Text):
            self._word(term)
            return WORDS, text_check(term.text)
        if isinstance(term, Regex):
            return PATTERNS, search_check(self._searcher(term))
        if isinstance(term, State):
            return FACT, _state_check(term.words)
        if isinstance(term, Presence):
            return self._presence(term)
        return self._comparison(term)

    def _several(self, term: And | Or) -> tuple[int, Check]:
        checks, cost = self._cheap_first(term.terms)
        if len(checks) <= 4:  # faster than a loop
            check = checks[-1]
            for before in reversed(checks[:-1]):
                check = _both(before, check) if isinstance(term, And) else _either(before, check)
            return cost, check
        if isinstance(term, And):
            return cost, lambda row: all(check(row) for check in checks)
        return cost, lambda row: any(check(row) for check in checks)

    def _cheap_first(self, terms: Sequence[Term]) -> tuple[list[Check], int]:
        """Return the checks of terms in the order of their costs, and the highest cost."""
        parts = sorted((self._term(term) for term in terms), key=lambda part: part[0])
        return [check for _, check in parts], parts[-1][0]

    def _presence(self, term: Presence) -> tuple[int, Check]:
        checks: list[Check] = []
        cost = FACT
        for key, span in zip(term.keys, term.spans or [Span()] * len(term.keys), strict=True):
            if key.lower() == "log":
                checks.append(lambda row: row.run > 0)
                continue
            field = self._field(key, span)
            if field is not None:
                checks.append(_has(field))
                cost = VALUES if field.kind == "value" else cost
        wanted = term.wanted
        return cost, lambda row: any(check(row) for check in checks) == wanted

    def _comparison(self, term: Comparison) -> tuple[int, Check]:
        if term.key.lower() == "log":
            return self._log(term)
        if self._is_pasted(term):
            return self._pasted(term)
        field = self._field(term.key, term.span)
        if field is None:
            return FACT, lambda row: False
        test = self._test(term, field)
        get = field.get
        if field.kind != "value":
            if field.name in ("status", "kind") and all(isinstance(one, Word) for one in term.values):
                words, get_word = frozenset(map(str, term.values)), attrgetter(field.name)
                if term.operator == "!=":
                    return FACT, lambda row: get_word(row) not in words
                return FACT, lambda row: get_word(row) in words
            if term.operator == "!=":
                return FACT, lambda row: (value := get(row)) is not None and not test(value)
            return FACT, lambda row: (value := get(row)) is not None and bool(test(value))
        seen = missing = odd = fitting = 0
        wanted = term.operator != "!="
        nulls = term.operator in (":", "=", "!=")

        def check(row: TaskRow) -> bool:
            nonlocal seen, missing, odd, fitting
            seen += 1
            value = get(row)
            if value is MISSING or (value is None and not nulls):
                missing += 1
                return False
            found = test(value)
            if found is wanted:
                fitting += 1
                return True
            if found is None:
                odd += 1
            return False

        self._tallies.append((term, field, lambda: Tally(seen, missing, odd, fitting)))
        return VALUES, check

    def _test(self, term: Comparison, field: Field) -> Test:
        operator = term.operator
        if field.kind == "value":
            for value in term.values:
                if isinstance(value, Word) and operator in ("<", "<=", ">", ">="):
                    self._refuse_units(term, field, value)
            return value_test(operator, term.values, self._searcher)
        if field.kind in ("number", "time", "duration"):
            try:
                return measure_test(field.kind, operator, term.values, self._searcher, self.now)
            except ValueError as error:
                raise self._source.wrong(f"`{field.name}` {error}.", term.span.start) from None
        if operator in ("<", "<=", ">", ">="):
            raise self._source.wrong(
                f"`{field.name}` is text; {operator!r} compares numbers, durations and times.",
                term.span.start,
            )
        if field.kind == "label":
            is_partial = field.name == "gpu" and operator == ":"
            return label_test(term.values, self._searcher, is_partial)
        return text_test(operator, term.values, self._searcher)

    def _refuse_units(self, term: Comparison, field: Field, value: Word) -> None:
        unit = "a duration" if duration(value.text) is not None else "a time"
        if duration(value.text) is not None or moment(value.text, self.now) is not None:
            raise self._source.wrong(
                f"`{field.name}` is compared with numbers, and {value.text} is {unit}.", term.span.start
            )

    def _log(self, term: Comparison) -> tuple[int, Check]:
        if term.operator != ":":
            raise self._source.wrong("Logs are searched with log:word or log:/regex/.", term.span.start)
        needles = [logs.needle(value) for value in term.values]
        return LOGS, lambda row: self.logs.contains(row, needles)

    def _searcher(self, regex: Regex) -> Callable[[str], bool]:
        """Return what searches texts with a pattern until its time is over."""
        pattern, clock, source = compile_pattern(regex.pattern), self.clock, self._source

        def search(text: str) -> bool:
            try:
                return pattern.search(text, clock)
            except TimeIsOver:
                raise source.wrong(
                    f"The search with {regex} takes longer than {clock.seconds:g} s and was given up.",
                    regex.span.start,
                ) from None

        return search

    # -- fields -----------------------------------------------------------

    def _field(self, key: str, span: Span) -> Field | None:
        """Return the field of a key; without one, say so."""
        source = self._source
        try:
            field = self.fields.find(key)
        except AmbiguousField as error:
            raise source.wrong(
                f"`{key}` may be {names(error.candidates)}. Write more of it.",
                span.start,
                [source.replaced(span, quote(one)) for one in error.candidates[:5]],
            ) from None
        except UnknownField as error:
            if not self.fields.rows:
                return None
            hint = f"; did you mean {names(error.close)}?" if error.close else "."
            quoting = " To search for the text, quote it." if not error.close else ""
            self._said.append(
                notice(
                    source,
                    span,
                    "unknown_field",
                    f"There is no field `{key}`{hint}{quoting}",
                    suggestions=[source.replaced(span, quote(one)) for one in error.close],
                    is_serious=True,
                )
            )
            return None
        other = self.fields.shadowed(key)
        if other is not None:
            message = f"`{key}` is the task's own; what was swept or reported is `{other}`."
            self._said.append(
                notice(source, span, "shadowed", message, suggestions=[source.replaced(span, quote(other))])
            )
        return field

    def _is_pasted(self, term: Comparison) -> bool:
        """Tell whether a term that looks like a comparison is a part of a task's name: `lr_1_lr=0.01`."""
        if term.operator != "=" or not self._source.text:
            return False
        try:
            self.fields.find(term.key)
        except AmbiguousField:
            return False
        except UnknownField:
            wanted = self._written(term).casefold()
            return any(wanted in row.name.casefold() for row in self.fields.rows)
        return False

    def _pasted(self, term: Comparison) -> tuple[int, Check]:
        written = self._written(term)
        wanted = written.casefold()
        message = f"There is no field `{term.key}`; `{written}` was looked for in the names."
        self._said.append(notice(self._source, term.span, "as_name", message))
        return WORDS, lambda row: wanted in row.name.casefold()

    def _written(self, term: Comparison) -> str:
        return self._source.text[term.span.start : term.end]


def _both(first: Check, second: Check) -> Check:
    return lambda row: first(row) and second(row)


def _either(first: Check, second: Check) -> Check:
    return lambda row: first(row) or second(row)


def _has(field: Field) -> Check:
    get = field.get
    return lambda row: (value := get(row)) is not None and value is not MISSING


def _state_check(words: Sequence[str]) -> Check:
    checks: list[Check] = []
    statuses = frozenset(word for word in words if word in STATUSES)
    kinds = frozenset(word for word in words if word in KINDS)
    if "active" in words:
        statuses |= ACTIVE
    if statuses:
        checks.append(lambda row: row.status in statuses)
    if kinds:
        checks.append(lambda row: row.kind in kinds)
    if "pinned" in words:
        checks.append(lambda row: row.pinned)
    if "damaged" in words:
        checks.append(lambda row: not row.readable)
    return checks[0] if len(checks) == 1 else lambda row: any(check(row) for check in checks)
