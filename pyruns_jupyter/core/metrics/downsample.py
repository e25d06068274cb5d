"""Curves in as few points as a picture of them needs, in bounded memory however long they are.

Of each of equally long parts of a curve the smallest and the largest value stay, with the place, the time and
the steps that they had, and the first and the last point of all. At the end of a run the sketches of its
curves go into `runN.curves.jsonl`: first a line `{"version": 1, "journal": bytes}`, then a line a curve,
`{"key": ..., "total": points, "places": [...], "values": [...], "began": epoch seconds, "times": [seconds
since then], "steps": {"epoch": [...]}}`. A value that is no finite number is null. The file only saves
reading the journal again: without it everything is found all the same, but slower, and short runs have no
times.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.regular_files import open_regular

from .journal import TRACK

POINTS = 2000  # of a curve
MAX_KEYS = 10_000
STEP_KEYS = ("step", "global_step", "iteration", "iter", "epoch")  # tracked beside a curve, they number it
_VERSION = 1
_MAX_BYTES = 64 * 1024 * 1024

_Point = tuple[int, float | None, float, dict[str, Any]]  # place, value, epoch seconds, steps
_Part = tuple[_Point, _Point]  # the smallest and the largest one; the same twice where there is one


class Curve(NamedTuple):
    """Some points of a curve, in their order. `total`: how many it has in all. `places`: where the points
    stand among these, from 0. `values`: null for what is no finite number. `times`: epoch seconds; None when
    they are not known. `steps`: by key of the step, null where a point had none.
    """

    total: int
    places: list[int]
    values: list[float | None]
    times: list[float] | None
    steps: dict[str, list[float | None]]


class CurveDownsampler:
    """The sketches of all curves of a journal."""

    def __init__(self, points: int = POINTS) -> None:
        self._parts = max(1, points // 2 - 1)
        self._sketches: dict[str, _Sketch] = {}

    def clear(self) -> None:
        """Begin anew."""
        self._sketches = {}

    def take(self, entries: list[dict[str, Any]]) -> None:
        """Take up the lines of a journal that come next."""
        for entry in entries:
            point = entry.get(TRACK)
            if type(point) is not dict:
                continue
            epoch = entry.get("t")
            time = epoch if type(epoch) is float or type(epoch) is int else math.nan
            steps = {key: point[key] for key in STEP_KEYS if key in point}
            for key, value in point.items():
                sketch = self._sketches.get(key)
                if sketch is None:
                    if len(self._sketches) >= MAX_KEYS:
                        continue
                    sketch = self._sketches[key] = _Sketch(self._parts)
                sketch.add(number(value), time, steps)

    def curves(self) -> dict[str, Curve]:
        """Return what was taken up so far."""
        return {key: sketch.curve() for key, sketch in self._sketches.items()}


class _Sketch:
    def __init__(self, most: int) -> None:
        self._most = most
        self._width = 1  # points in a part
        self._parts: list[_Part] = []
        self._count = 0
        self._first: _Point | None = None
        self._last: _Point | None = None

    def add(self, value: float | None, time: float, steps: dict[str, Any]) -> None:
        point = (self._count, value, time, steps)
        if self._first is None:
            self._first = point
        if self._count % self._width == 0:
            if len(self._parts) == self._most:
                self._merge()
            if self._count % self._width == 0:
                self._parts.append((point, point))
        if self._width > 1 and value is not None:
            low, high = self._parts[-1]
            if low[1] is None or value < low[1]:
                low = point
            if high[1] is None or value > high[1]:
                high = point
            self._parts[-1] = (low, high)
        self._last = point
        self._count += 1

    def _merge(self) -> None:
        """Make one part of every two."""
        parts = self._parts
        self._parts = [_joined(parts[at], parts[at + 1]) for at in range(0, len(parts) - 1, 2)]
        if len(parts) % 2:
            self._parts.append(parts[-1])
        self._width *= 2

    def curve(self) -> Curve:
        found = {point[0]: point for part in self._parts for point in part}
        for point in (self._first, self._last):
            if point is not None:
                found[point[0]] = point
        points = [found[place] for place in sorted(found)]
        keys = [key for key in STEP_KEYS if any(key in point[3] for point in points)]
        times = [point[2] for point in points]
        return Curve(
            self._count,
            [point[0] for point in points],
            [point[1] for point in points],
            times if all(map(math.isfinite, times)) else None,
            {key: [number(point[3].get(key)) for point in points] for key in keys},
        )


def _joined(one: _Part, other: _Part) -> _Part:
    points = [point for point in (*one, *other) if point[1] is not None]
    if not points:
        return one
    return min(points, key=_value), max(points, key=_value)


def _value(point: _Point) -> float:
    return point[1] if point[1] is not None else math.nan


def number(value: Any) -> float | None:
    """Return a value as a point of a picture: None when it is no finite number."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is int or kind is bool:
        return value if -(1 << 60) < value < 1 << 60 else None
    return None


def write_curves(path: Path, curves: dict[str, Curve], journal: int) -> None:
    """Write the sketches of a run whose journal has `journal` bytes.

    Raises:
        OSError: when the disk does not take them.
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
    """Return how long the journal was, and the sketches, of all curves or of some; -1 when there is no file
    that we know.
    """
    found: dict[str, Curve] = {}
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            lines = stream.read(_MAX_BYTES).splitlines()
        head = json.loads(lines[0])
        if head["version"] != _VERSION or type(head["journal"]) is not int:
            return -1, {}
        for key, curve in _read_lines(lines[1:], keys):
            found[key] = curve
        return head["journal"], found
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError):
        return -1, {}


def _read_lines(lines: list[bytes], keys: Collection[str] | None) -> Iterator[tuple[str, Curve]]:
    wanted = None if keys is None else tuple(f'{{"key":{json.dumps(key)},'.encode() for key in keys)
    for line in lines:
        if wanted is not None and not line.startswith(wanted):
            continue  # most of the time goes into parsing what nobody asked for
        said = json.loads(line)
        length = len(said["places"])
        columns = [said["values"], *said["steps"].values(), *([said["times"]] if "times" in said else [])]
        if any(len(column) != length for column in columns):
            raise ValueError(said["key"])
        times = [said["began"] + time for time in said["times"]] if "times" in said else None
        yield said["key"], Curve(said["total"], said["places"], said["values"], times, said["steps"])
