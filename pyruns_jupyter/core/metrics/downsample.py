"""Downsample curves to the points that a chart needs, in bounded memory.

A curve is divided into parts of equal length. The smallest and the largest value of each part are kept, with
their position, time and steps, and so are the first and the last point of the curve. At the end of a run
these points are written to `runN.curves.jsonl`: first a line `{"version": 1, "journal": bytes}`, then a line
per curve, `{"key": ..., "total": points, "places": [...], "values": [...], "began": epoch seconds, "times":
[seconds since then], "steps": {"epoch": [...]}}`. A value that is not a finite number is null. The file is a
cache of the journal: without it reading is slower, and short runs have no times.
"""

from __future__ import annotations

import json
import math
import os
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.regular_files import open_regular

from .columns import Columns
from .journal import MAX_KEYS, TRACK

POINTS = 2000  # of a curve
TOTAL_POINTS, _MIN_POINTS = 500_000, 100  # of all curves together, and of each if there are more
STEP_KEYS = (
    "step",
    "global_step",
    "iteration",
    "iter",
    "epoch",
)  # the steps of the curves that are tracked with them
_VERSION = 1
_MAX_EPOCH = 1e12  # epoch seconds; a later time is not valid
_MAX_BYTES = 64 * 1024 * 1024

_Point = tuple[int, "float | None", float, dict[str, Any]]  # place, value, epoch seconds, steps


class Curve(NamedTuple):
    """Some points of a curve, in order. `total`: the number of all points. `places`: the indexes of the
    points among all. `values`: None for a value that is not a finite number. `times`: epoch seconds; None
    when unknown. `steps`: by key of the step; None where a point has no such step.
    """

    total: int
    places: list[int]
    values: list[float | None]
    times: list[float] | None
    steps: dict[str, list[float | None]]


class CurveDownsampler:
    """Downsamples all curves of a journal.

    `points` is the maximum number of points of a curve, `total_points` that of all curves. If there are many
    curves, each has up to 100 points nevertheless.
    """

    def __init__(self, points: int = POINTS, total_points: int = TOTAL_POINTS) -> None:
        self._points, self._total_points = points, total_points
        self._curves: dict[str, list[_Point]] = {}
        self._totals: dict[str, int] = {}

    def clear(self) -> None:
        """Remove all curves."""
        self._curves, self._totals = {}, {}

    def take(self, columns: Columns) -> None:
        """Add the values in the next lines of a journal."""
        curves, totals, limit = self._curves, self._totals, self._limit()
        moments: dict[int, tuple[float, dict[str, Any]]] = {}  # by line: its values share them
        for key in columns.replaced:
            curves.pop(key, None)
        for key, (values, rows) in columns.values.items():
            points = curves.get(key)
            if points is None:
                if len(curves) >= MAX_KEYS:
                    continue
                points, totals[key] = curves.setdefault(key, []), 0
            begin, numbers = totals[key], _numbers(values)
            total = totals[key] = begin + len(values)
            chosen: Sequence[int] = range(len(values))
            if total > 2 * limit:  # most of them would be left out later anyway
                chosen = _extremes(range(begin, total), numbers, _width(total, limit))
            for at in chosen:
                row = rows[at]
                if row not in moments:
                    moments[row] = _moment(columns.entries[row])
                time, steps = moments[row]
                points.append((begin + at, numbers[at], time, steps))
            if len(points) > 2 * limit:
                curves[key] = _reduced(points, total, limit)
        now = self._limit()
        if now < limit:  # new curves take the place of points of the others
            for key, points in curves.items():
                if len(points) > 2 * now:
                    curves[key] = _reduced(points, totals[key], now)

    def curves(self, keys: Collection[str] | None = None) -> dict[str, Curve]:
        """Return the curves up to the last line: all, or those of `keys`."""
        totals, limit = self._totals, self._limit()
        wanted = self._curves.keys() if keys is None else {*keys}
        return {
            key: _curve(_reduced(points, totals[key], limit), totals[key])
            for key, points in self._curves.items()
            if key in wanted
        }

    def _limit(self) -> int:
        return min(self._points, max(_MIN_POINTS, self._total_points // max(1, len(self._curves))))


def _moment(entry: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Return the time of a point in a journal, NaN if it is not known or not valid, and its steps."""
    point, epoch = entry[TRACK], entry.get("t", math.nan)
    time = epoch if type(epoch) in (float, int) and abs(epoch) < _MAX_EPOCH else math.nan
    return time, {name: point[name] for name in STEP_KEYS if name in point}


def _reduced(points: list[_Point], total: int, limit: int) -> list[_Point]:
    if total <= limit:
        return points
    places, values, *_ = zip(*points, strict=True)
    return [points[at] for at in _extremes(places, values, _width(total, limit))]


def _width(total: int, limit: int) -> int:
    # With powers of two, the parts of a longer curve consist of whole parts of a shorter one.
    width = 1
    while width * max(1, limit // 2 - 1) < total:
        width *= 2
    return width


def _curve(points: list[_Point], total: int) -> Curve:
    keys = [key for key in STEP_KEYS if any(key in point[3] for point in points)]
    times = [point[2] for point in points]
    return Curve(
        total,
        [point[0] for point in points],
        [point[1] for point in points],
        times if all(map(math.isfinite, times)) else None,
        {key: [number(point[3].get(key)) for point in points] for key in keys},
    )


def _extremes(places: Sequence[int], values: Sequence[float | None], width: int) -> list[int]:
    """Return the indexes of the smallest and the largest value in each part of `width` places, and of the
    first and the last value.
    """
    chosen, begin = {0, len(values) - 1}, 0
    while begin < len(values):
        end = max(begin + 1, bisect_left(places, (places[begin] // width + 1) * width, begin))
        part = values[begin:end]
        known = [value for value in part if value is not None]
        if known:
            chosen |= {begin + part.index(min(known)), begin + part.index(max(known))}
        begin = end
    return sorted(chosen)


def _numbers(values: list[Any]) -> list[float | None]:
    try:
        if set(map(type, values)) == {float} and math.isfinite(sum(values)):
            return values
    except OverflowError:
        pass
    return [*map(number, values)]


def select_points(
    values: Sequence[float | None], points: int, places: Sequence[int] | None = None
) -> list[int]:
    """Return the indexes of at most `points`, but at least two, values: the smallest and the largest of each
    of several parts of equal length, the first and the last.

    `places` are the positions of the values in a longer curve.
    """
    if len(values) <= max(points, 2):
        return list(range(len(values)))
    parts = (points - 2) // 2
    if parts < 1:
        return [0, len(values) - 1]
    places = range(len(values)) if places is None else places
    return _extremes(places, values, -(-(places[-1] + 1) // parts))


def thinned(curve: Curve, points: int) -> Curve:
    """Return a curve with at most `points`, but at least two, of its points."""
    chosen = select_points(curve.values, points, curve.places)
    if len(chosen) == len(curve.places):
        return curve
    return Curve(
        curve.total,
        [curve.places[at] for at in chosen],
        [curve.values[at] for at in chosen],
        None if curve.times is None else [curve.times[at] for at in chosen],
        {key: [values[at] for at in chosen] for key, values in curve.steps.items()},
    )


def number(value: Any) -> float | None:
    """Return a value for a chart: None when it is not a finite number."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is int or kind is bool:
        return value if -(1 << 60) < value < 1 << 60 else None
    return None


def write_curves(path: Path, curves: dict[str, Curve], journal: int) -> None:
    """Write the downsampled curves of a run whose journal has `journal` bytes.

    Raises:
        OSError: when they cannot be written.
    """
    lines: list[dict[str, Any]] = [{"version": _VERSION, "journal": journal}]
    for key, curve in curves.items():
        line: dict[str, Any] = {"key": key, "total": curve.total, "places": curve.places}
        line["values"] = curve.values
        if curve.times:
            line["began"] = curve.times[0]
            line["times"] = [round(time - curve.times[0], 2) for time in curve.times]
        lines.append({**line, "steps": curve.steps})
    text = "".join(f"{json.dumps(line, separators=(',', ':'), allow_nan=False)}\n" for line in lines)
    write_atomic(path, text.encode("utf-8", "replace"), durable=False)


def read_curves(path: Path, keys: Collection[str] | None = None) -> tuple[int, dict[str, Curve]]:
    """Return the size of the journal and the downsampled curves: all, or those of `keys`. The size is -1 when
    there is no file or its format is unknown.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            lines = stream.read(_MAX_BYTES).splitlines()
        head = json.loads(lines[0])
        if head["version"] != _VERSION or type(head["journal"]) is not int:
            return -1, {}
        return head["journal"], dict(_read_lines(lines[1:], keys))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return -1, {}


def _read_lines(lines: list[bytes], keys: Collection[str] | None) -> Iterator[tuple[str, Curve]]:
    wanted = None if keys is None else tuple(f'{{"key":{json.dumps(key)},'.encode() for key in keys)
    for line in lines:
        if wanted is not None and not line.startswith(wanted):
            continue  # parsing takes most of the time
        data = json.loads(line)
        places = data["places"]
        if {*map(type, places)} - {int} or places != sorted({*places}) or min(places, default=0) < 0:
            raise ValueError(data["key"])
        columns = [data["values"], *data["steps"].values(), *([data["times"]] if "times" in data else [])]
        if any(len(column) != len(places) or _numbers(column) != column for column in columns):
            raise ValueError(data["key"])
        if type(data["total"]) is not int or number(data.get("began", 0)) is None:
            raise ValueError(data["key"])
        times = [data["began"] + time for time in data["times"]] if "times" in data else None
        yield data["key"], Curve(data["total"], places, data["values"], times, data["steps"])
