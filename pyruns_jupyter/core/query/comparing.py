"""Tests of one value by its type, and of all texts of a task; the case of letters does not count."""

from __future__ import annotations

import math
import operator as operators
from collections.abc import Callable, Sequence
from typing import Any

from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import Range, Regex, TextValue, Value
from .scanner import quote
from .values import Moment, moment, number, value_text

# True or False, or None when the value is of a type that cannot be compared so.
Test = Callable[[Any], bool | None]
Check = Callable[[TaskRow], bool]
Searcher = Callable[[Regex], Callable[[str], bool]]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})  # as in YAML
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def glob(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a whole text matches a pattern in which `*` matches anything."""
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
    """Return the test of a text that is found in parts (`:`) or as a whole (`=`, `!=`)."""
    tests = [_text_test(value, searcher, operator == ":") for value in values]
    return lambda found: any(test(found) for test in tests)


def label_test(values: Sequence[Value], searcher: Searcher, is_partial: bool) -> Test:
    """Return the test of a word, or of several of which one has to be it.

    With `is_partial` a word that is not a number may be a part of it.
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
    """Return the test of a fact that is a `number`, a `time` (epoch, s) or a `duration` (s).

    Raises:
        ValueError: saying what the fact is, when a value is something else.
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


def value_test(operator: str, values: Sequence[Value], searcher: Searcher) -> Test:
    """Return the test of what a configuration or a figure holds."""
    if operator in _COMPARE:
        limit = number(_written(values[0]))
        compare = _COMPARE[operator]

        def ordered(found: Any) -> bool | None:
            if type(found) is float:
                return compare(found, limit)
            measured = _measured(found)
            return None if measured is None else compare(measured, limit)

        return ordered
    tests = [_equal_test(value, searcher) for value in values]
    texts: dict[str, bool | None] = {}  # the tasks of a sweep share their values

    def one_of(found: Any) -> bool | None:
        if type(found) is not str:
            return _any(tests, found)
        told = texts.get(found, ...)
        if told is ...:
            told = texts[found] = _any(tests, found)
        return told

    return one_of


def _any(tests: Sequence[Test], found: Any) -> bool | None:
    told: bool | None = None
    for test in tests:
        answer = test(found)
        if answer:
            return True
        told = answer if told is None else told
    return told


def _equal_test(value: Value, searcher: Searcher) -> Test:
    if isinstance(value, Regex):
        search = searcher(value)
        return lambda found: search(value_text(found))
    if isinstance(value, Range):
        low = number(value.low) if value.low else -math.inf
        high = number(value.high) if value.high else math.inf
        if low is None or high is None:
            return lambda found: None

        def within(found: Any) -> bool | None:
            if type(found) is float:
                return low <= found <= high
            measured = _measured(found)
            return None if measured is None else low <= measured <= high

        return within
    wanted = value.text.casefold()
    if value.is_glob:
        matches = glob(wanted)
        return lambda found: found is not None and any(matches(value_text(one)) for one in _parts(found))
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
    """Return whether a value, or an element of a list, is written like `wanted`."""
    if isinstance(found, str):
        return found.casefold() == wanted
    if isinstance(found, (list, tuple)):
        text = value_text(found).casefold()
        return text.replace(" ", "") == wanted.replace(" ", "") or any(_is_text(one, wanted) for one in found)
    if found is True or found is False:
        return wanted in (_TRUE if found else _FALSE)
    return value_text(found).casefold() == wanted


def _parts(found: Any) -> list[Any]:
    """Return a value, and the elements of a list."""
    return [found, *found] if isinstance(found, (list, tuple)) else [found]


def _measured(found: Any) -> float | None:
    if type(found) is float or type(found) is int:
        return found
    return number(found) if isinstance(found, str) else None


def _written(value: Value) -> str:
    return value.text if isinstance(value, TextValue) else str(value)


def _number(text: str) -> float:
    found = number(text)
    if found is None:
        raise ValueError(f"is a number, and {quote(text)} is none")
    return found


def _seconds(text: str) -> float:
    found = duration(text)
    if found is None:
        found = number(text)
    if found is None:
        raise ValueError(f"is a duration such as 90s, 10m or 1h30m, and {quote(text)} is none")
    return found


def _range_test(operator: str, value: Value, read: Callable[[str], float]) -> Callable[[Any], bool]:
    if isinstance(value, Range):
        low = read(value.low) if value.low else -math.inf
        high = read(value.high) if value.high else math.inf
        return lambda found: low <= found <= high
    limit = read(_written(value))
    compare: Callable[[Any, Any], bool] = _COMPARE.get(operator, operators.eq)
    return lambda found: compare(found, limit)


def _time_test(operator: str, value: Value, now: float) -> Callable[[Any], bool]:
    """A duration says how long ago: `>2d` is more than two days ago. A date is a point in time."""
    if isinstance(value, Range):
        low, high = value.low, value.high
        ages = [duration(end) for end in (low, high) if end]
        if None not in ages:
            nearest = duration(low) if low else None
            farthest = duration(high) if high else None
            start = -math.inf if farthest is None else now - farthest
            end = math.inf if nearest is None else now - nearest
            return lambda found: start <= found <= end
        start = _stretch(low, now).start if low else -math.inf
        end = _stretch(high, now).end if high else math.inf
        return lambda found: start <= found < end
    text = _written(value)
    age = duration(text)
    if age is not None:
        if operator not in _COMPARE:
            raise ValueError(f"is compared with a duration by < or >: <{text} is less than {text} ago")
        compare = _COMPARE[_TURNED[operator]]
        return lambda found: compare(found, now - age)
    stretch = _stretch(text, now)
    if operator == "<":
        return lambda found: found < stretch.start
    if operator == "<=":
        return lambda found: found < stretch.end
    if operator == ">":
        return lambda found: found >= stretch.end
    if operator == ">=":
        return lambda found: found >= stretch.start
    return lambda found: stretch.start <= found < stretch.end


def _stretch(text: str, now: float) -> Moment:
    found = moment(text, now)
    if found is None:
        raise ValueError(
            "is a time, compared with how long ago (2h, 3d) or a date (2026-11-01), "
            f"and {quote(text)} is neither"
        )
    return found


def any_text_check(test: Callable[[str], bool]) -> Check:
    """Return the check whether a text of a task passes a test: its name, swept values, notes or tags."""
    # The tasks of a sweep share their values: each pair of key and value is tested once.
    pairs: dict[tuple[str, Any], bool] = {}

    def look(pair: tuple[str, Any]) -> bool:
        key, value = pair
        told = test(f"{key}={value_text(value)}")
        if not isinstance(value, (bool, list, dict)):  # true is as good as 1 in a dictionary
            pairs[pair] = told
        return told

    def check(row: TaskRow) -> bool:
        for pair in row.swept.items():
            try:
                told = pairs.get(pair)
            except TypeError:  # a list
                told = None
            if told is None or pair[1].__class__ is bool:
                told = look(pair)
            if told:
                return True
        if test(row.name):
            return True
        return bool((row.notes and test(row.notes)) or (row.tags and any(map(test, row.tags))))

    return check
