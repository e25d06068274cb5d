"""The statistics of curves, from which `min`, `max`, `best` and `mean` follow without reading the points.

They are computed while the points are read, and stored in our own part of the task file at the end of a run:
`"aggregates": {run: {key: [count, minimum, maximum, sum]}}`. NaN values count only for the sum. The minimum
and the maximum are null when all values are NaN.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any

from pyruns_jupyter.core.common.json_floats import decode_nonfinite, encode_nonfinite
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own

from .expressions import MAX, MEAN, MIN, Aggregate

MAX_KEYS = 1000  # of a run; those of further curves are read from their points
_MAX_RUNS = 20  # of a task; earlier runs are only exported, which reads their points anyway
_MAX_KEY = 200  # characters, as of the metrics of a row
_WIDTH = 4
_KEY = "aggregates"


class CurveStatistics:
    """Count, minimum, maximum and sum of the numbers of a curve."""

    __slots__ = ("count", "high", "low", "total")

    def __init__(self) -> None:
        self.count = 0
        self.low, self.high, self.total = math.inf, -math.inf, 0.0

    def add(self, values: list[Any]) -> None:
        """Add values; those that are not numbers, or are outside of the range of a float, are ignored."""
        if not values:
            return
        try:
            total, low, high = float(sum(values)), float(min(values)), float(max(values))
            if total - total == 0.0:  # neither infinite nor NaN, and no value is
                self._extend(len(values), low, high, total)
                return
        except (TypeError, OverflowError):
            pass
        numbers = [one for value in values if (one := numeric(value)) is not None]
        known = [one for one in numbers if one == one]
        self._extend(len(numbers), min(known, default=math.inf), max(known, default=-math.inf), sum(numbers))

    def _extend(self, count: int, low: float, high: float, total: float) -> None:
        self.count += count
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.total += total

    def merged(self, other: CurveStatistics | None) -> CurveStatistics:
        """Return the statistics of the values of both curves."""
        found = CurveStatistics()
        for one in (self, other):
            if one is not None:
                found._extend(one.count, one.low, one.high, one.total)
        return found

    def to_list(self) -> list[Any]:
        """Return the statistics as a task file stores them."""
        ends = [self.low, self.high] if self.low <= self.high else [None, None]
        return [self.count, *encode_nonfinite(ends), encode_nonfinite(self.total)]

    def value(self, aggregate: Aggregate) -> float | None:
        """Return the value of an aggregate that needs no points, None without a number."""
        return _value(aggregate.function, (self.count, self.low, self.high, self.total))


class RowStatistics:
    """The statistics of all curves of a run, in little memory."""

    __slots__ = ("_keys", "_numbers")

    def __init__(self, keys: tuple[str, ...], numbers: array[float]) -> None:
        self._keys, self._numbers = keys, numbers

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RowStatistics) and self._keys == other._keys and self._numbers == other._numbers
        )

    __hash__ = None  # type: ignore[assignment]  # rows are not hashed either

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def pack(self) -> tuple[tuple[str, ...], bytes]:
        """Return the statistics as values for MessagePack."""
        return self._keys, self._numbers.tobytes()

    @classmethod
    def unpack(cls, keys: Iterable[str], numbers: bytes) -> RowStatistics:
        """Return what `pack` was called for.

        Raises:
            ValueError: if it was something else.
        """
        return cls(tuple(map(intern, keys)), array("d", numbers))

    def value(self, aggregate: Aggregate) -> float | None:
        """Return the value of an aggregate that needs no points, None if there is none."""
        try:
            start = _WIDTH * self._keys.index(aggregate.key)
        except ValueError:
            return None
        return _value(aggregate.function, self._numbers[start : start + _WIDTH])


def _value(function: str, numbers: Iterable[float]) -> float | None:
    count, low, high, total = numbers
    if not count:
        return None
    if function == MEAN:
        return total / count
    found = {MIN: low, MAX: high}[function]
    return float(found) if low <= high else None


def numeric(value: Any) -> float | None:
    """Return a value of a curve as a number, which may be NaN or infinite; None if it is not one."""
    if isinstance(value, str):
        value = decode_nonfinite(value)
    if not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def store_statistics(info: TaskInfo, run: int, found: Mapping[str, CurveStatistics]) -> None:
    """Store the statistics of the curves of run `run` (from 1) in a task file, unless there are too many."""
    stored = own(info).get(_KEY)
    if not isinstance(stored, dict):
        stored = own(info)[_KEY] = {}
    stored.pop(str(run), None)
    if len(found) <= MAX_KEYS:
        stored[str(run)] = {
            key: one.to_list() for key, one in found.items() if one.count and len(key) <= _MAX_KEY
        }
    for number in sorted(stored, key=lambda text: (len(text), text))[:-_MAX_RUNS]:
        del stored[number]


def stored_statistics(facts: Mapping[str, Any], run: int) -> RowStatistics | None:
    """Return the statistics of run `run` in our own part of a task file, None if they are not there.

    Raises nothing, whatever the file contains: invalid ones are omitted.
    """
    stored = facts.get(_KEY)
    found = stored.get(str(run)) if isinstance(stored, dict) else None
    if not isinstance(found, dict):
        return None
    keys: list[str] = []
    numbers = array("d")
    for key, four in found.items():
        if not isinstance(four, list) or len(four) != _WIDTH:
            continue
        try:
            numbers.extend(four)
        except (TypeError, OverflowError):  # null, NaN, or damaged
            del numbers[len(keys) * _WIDTH :]
            known = [numeric(one) for one in four]
            numbers.extend(math.nan if one is None else one for one in known)
        keys.append(intern(key))
    return RowStatistics(tuple(keys), numbers)
