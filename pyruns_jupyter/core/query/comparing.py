"""Tests of a value by its type, and of all texts of a task. They ignore case."""

from __future__ import annotations

import math
import operator as operators
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, TypeVar

from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import Range, Regex, TextValue, Value
from .scanner import quote
from .values import Moment, moment, number, value_text

# True or False; None when the type of the value does not allow the comparison.
Test = Callable[[Any], bool | None]
# The same for all values of a column. It also gets the types of those that are not missing.
ColumnTest = Callable[[Sequence[Any], frozenset[type]], Sequence[bool | None]]
Keep = Callable[[Sequence[TaskRow]], Sequence[TaskRow]]  # returns those rows that match, in their order
Searcher = Callable[[Regex], Callable[[str], bool]]
T = TypeVar("T")

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
_NUMBERS = frozenset({int, float})
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})  # as in YAML
_REVERSED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def glob(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a whole text matches a pattern in which `*` matches any text."""
    first, *inner, last = pattern.casefold().split("*")

    def matches(text: str) -> bool:
        text = text.casefold()
        position, end = len(first), len(text) - len(last)
        if position > end or not (text.startswith(first) and text.endswith(last)):
            return False
        for part in inner:
            position = text.find(part, position, end)
            if position < 0:
                return False
            position += len(part)
        return True

    return matches


def text_test(operator: str, values: Sequence[Value], searcher: Searcher) -> Test:
    """Return the test of a text that contains (`:`) or equals (`=`, `!=`) one of the values."""
    tests = [_text_test(value, searcher, operator == ":") for value in values]
    return lambda found: any(test(found) for test in tests)


def label_test(values: Sequence[Value], searcher: Searcher, is_partial: bool) -> Test:
    """Return the test of one or several labels, of which one must equal one of the values.

    With `is_partial`, a value that is not a number may be a part of a label.
    """
    tests = [_text_test(value, searcher, is_partial and not _written(value).isdigit()) for value in values]

    def test(found: Any) -> bool:
        labels = (found,) if isinstance(found, str) else found
        return any(test(label) for label in labels for test in tests)

    return test


def _text_test(value: Value, searcher: Searcher, is_partial: bool) -> Callable[[str], bool]:
    if isinstance(value, Regex):
        return searcher(value)
    wanted = _written(value).casefold()
    if isinstance(value, TextValue) and value.is_glob:
        return glob(wanted)
    if is_partial:
        return lambda found: wanted in found.casefold()
    return lambda found: wanted == found.casefold()


def measure_test(kind: str, operator: str, values: Sequence[Value], searcher: Searcher, now: float) -> Test:
    """Return the test of a field that is a `number`, a `time` (epoch seconds) or a `duration` (seconds).

    Raises:
        ValueError: when a value has another type; the message says what the field is.
    """
    tests: list[Callable[[Any], bool]] = []
    for value in values:
        if isinstance(value, Regex):
            search = searcher(value)
            tests.append(lambda found, search=search: search(value_text(found)))  # type: ignore[misc]
        elif kind == "time":
            tests.append(_time_test(operator, value, now))
        else:
            read = _number if kind == "number" else _seconds
            tests.append(_range_test(operator, value, read))
    return tests[0] if len(tests) == 1 else lambda found: any(test(found) for test in tests)


def value_test(operator: str, values: Sequence[Value], searcher: Searcher) -> ColumnTest:
    """Return the test of a parameter or a metric."""
    if operator in _COMPARE:
        limit = number(_written(values[0]))
        compare = _COMPARE[operator]

        def are_ordered(column: Sequence[Any], kinds: frozenset[type]) -> Sequence[bool | None]:
            if not kinds <= _NUMBERS:
                numbers = map(_as_number, column)
                return [None if one is None else compare(one, limit) for one in numbers]
            return [*map(compare, column, repeat(limit))]

        return are_ordered
    tests = [_equal_test(value, searcher) for value in values]
    test = tests[0] if len(tests) == 1 else lambda found: _any(tests, found)

    def are_equal(column: Sequence[Any], kinds: frozenset[type]) -> Sequence[bool | None]:
        if str not in kinds:
            return [*map(test, column)]
        if kinds == {str}:  # and None
            results = {text: test(text) for text in set(column)}  # the tasks of a sweep share their texts
            return [*map(results.__getitem__, column)]
        results = {text: test(text) for text in {one for one in column if type(one) is str}}
        return [results[one] if type(one) is str else test(one) for one in column]

    return are_equal


def _any(tests: Sequence[Test], found: Any) -> bool | None:
    matches: bool | None = None
    for test in tests:
        result = test(found)
        if result:
            return True
        if result is False:
            matches = False
    return matches


def _equal_test(value: Value, searcher: Searcher) -> Test:
    if isinstance(value, Regex):
        search = searcher(value)
        return lambda found: search(value_text(found))
    if isinstance(value, Range):
        low, high = _ends(value, number)
        if low is None or high is None:
            return lambda found: None

        def within(found: Any) -> bool | None:
            if type(found) is float:
                return low <= found <= high
            measured = _as_number(found)
            return None if measured is None else low <= measured <= high

        return within
    wanted = value.text.casefold()
    if value.is_glob:
        matches = glob(wanted)

        def fits(found: Any) -> bool:
            items = found if isinstance(found, (list, tuple)) else ()
            return found is not None and any(matches(value_text(one)) for one in (found, *items))

        return fits
    limit = None if value.is_quoted else number(value.text)
    if limit is not None:
        is_nan = math.isnan(limit)

        def same_number(found: Any) -> bool:
            if type(found) is float or type(found) is int:
                return found == limit or (is_nan and found != found)
            return _is_text(found, wanted) or (isinstance(found, str) and number(found) == limit)

        return same_number
    return lambda found: _is_text(found, wanted)


def _is_text(found: Any, wanted: str) -> bool:
    """Return whether the text of a value, or of an item of a list, equals `wanted`."""
    if isinstance(found, str):
        return found.casefold() == wanted
    if isinstance(found, (list, tuple)):
        text = value_text(found).casefold()
        return text.replace(" ", "") == wanted.replace(" ", "") or any(_is_text(one, wanted) for one in found)
    if found is True or found is False:
        return wanted in (_TRUE if found else _FALSE)
    return value_text(found).casefold() == wanted


def _as_number(found: Any) -> float | None:
    if type(found) is float or type(found) is int:
        return found
    return number(found) if isinstance(found, str) else None


def _written(value: Value) -> str:
    return value.text if isinstance(value, TextValue) else str(value)


def _number(text: str) -> float:
    found = number(text)
    if found is None:
        raise ValueError(f"must be compared with a number, not {quote(text)}")
    return found


def _seconds(text: str) -> float:
    found = number(text) if duration(text) is None else duration(text)
    if found is None:
        raise ValueError(f"must be compared with a duration such as 90s, 10m or 1h30m, not {quote(text)}")
    return found


def _ends(value: Range, read: Callable[[str], T]) -> tuple[T | float, T | float]:
    """Return both ends of a range as numbers; an open end is infinite."""
    return read(value.low) if value.low else -math.inf, read(value.high) if value.high else math.inf


def _range_test(operator: str, value: Value, read: Callable[[str], float]) -> Callable[[Any], bool]:
    if isinstance(value, Range):
        low, high = _ends(value, read)
        return lambda found: low <= found <= high
    limit = read(_written(value))
    compare: Callable[[Any, Any], bool] = _COMPARE.get(operator, operators.eq)
    return lambda found: compare(found, limit)


def _time_test(operator: str, value: Value, now: float) -> Callable[[Any], bool]:
    """Return the test of a time. A duration is the time since then: `>2d` is more than two days ago."""
    if isinstance(value, Range):
        low, high = value.low, value.high
        if None not in [duration(end) for end in (low, high) if end]:
            start = now - (duration(high) or 0.0) if high else -math.inf
            end = now - (duration(low) or 0.0) if low else math.inf
            return lambda found: start <= found <= end
        start = _moment(low, now).start if low else -math.inf
        end = _moment(high, now).end if high else math.inf
        return lambda found: start <= found < end
    text = _written(value)
    age = duration(text)
    if age is not None:
        if operator not in _COMPARE:
            raise ValueError(
                f"can only be compared with a duration by < or >, where <{text} means less than {text} ago"
            )
        compare = _COMPARE[_REVERSED[operator]]
        return lambda found: compare(found, now - age)
    period = _moment(text, now)
    if operator == "<":
        return lambda found: found < period.start
    if operator == "<=":
        return lambda found: found < period.end
    if operator == ">":
        return lambda found: found >= period.end
    if operator == ">=":
        return lambda found: found >= period.start
    return lambda found: period.start <= found < period.end


def _moment(text: str, now: float) -> Moment:
    found = moment(text, now)
    if found is None:
        raise ValueError(
            "must be compared with a date such as 2026-11-01 or a duration such as 2h or 3d, not "
            f"{quote(text)}"
        )
    return found


def without(rows: Iterable[TaskRow], others: Iterable[TaskRow]) -> list[TaskRow]:
    """Return the rows that are not among `others`."""
    gone = set(map(id, others))
    return [row for row in rows if id(row) not in gone]


def any_text(test: Callable[[str], bool]) -> Keep:
    """Return what keeps the tasks of which one text passes a test: name, swept values, notes, tags."""
    # The tasks of a sweep share their values, so each value of a key is tested once.
    known: dict[str, dict[Any, bool]] = {}

    def is_swept(row: TaskRow) -> bool:
        for key, value in zip(row.shape.swept, row.cells, strict=False):  # metrics come after them
            kind = type(value)
            if kind is bool or kind is list or kind is dict:  # True equals 1 as a key; others cannot be keys
                result: bool | None = test(f"{key}={value_text(value)}")
            else:
                results = known.get(key)
                if results is None:
                    results = known[key] = {}
                result = results.get(value)
                if result is None:
                    result = results[value] = test(f"{key}={value_text(value)}")
            if result:
                return True
        return False

    def keep(rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
        left = [row for row in rows if not test(row.name)]
        left = [row for row in left if not is_swept(row)]
        left = [row for row in left if not (row.notes and test(row.notes))]
        left = [row for row in left if not any(map(test, row.tags))]
        return without(rows, left)

    return keep
