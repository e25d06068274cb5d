"""The statistics of curves, from which `min`, `max`, `best` and `mean` follow without reading the points.

They are computed while the points are read, and stored in our own part of the task file at the end of a run:
`"aggregates": {run: {key: [count, minimum, maximum, sum]}}`. NaN values count only for the sum. The minimum
and the maximum are null when all values are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.common.json_floats import decode_nonfinite, encode_nonfinite
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, set_run_fact

from .expressions import MAX, MEAN, MIN, Aggregate

MAX_KEYS = 1000  # of a run; those of further curves are read from their points
_MAX_RUNS = 20  # of a task; earlier runs are only exported, which reads their points anyway
MAX_KEY = 200  # characters, as of the metrics of a row
KEY = "aggregates"


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
        return value_of(aggregate.function, self.count, self.low, self.high, self.total)


def value_of(function: str, count: float, low: float, high: float, total: float) -> float | None:
    """Return an aggregate that needs no points from the statistics of a curve, None without a number."""
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
    known = {key: one.to_list() for key, one in found.items() if one.count and len(key) <= MAX_KEY}
    set_run_fact(info, KEY, run, known if len(found) <= MAX_KEYS else None, _MAX_RUNS)
