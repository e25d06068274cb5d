"""The names of the metrics of a run whose points are in several files, and the limits of such a run."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

from pyruns_jupyter.core.metrics.downsample import STEP_KEYS
from pyruns_jupyter.core.metrics.journal import MAX_LINE_BYTES

from .base import STEP, Point
from .formats import Format

MAX_SOURCES = 1000  # of a run
MAX_POINTS, MAX_VALUES = 20_000_000, 60_000_000  # the values include steps
TOO_MANY = f"The run has more than {MAX_POINTS:,} points or {MAX_VALUES:,} values, so the rest is not read."
TOO_LONG = f"It has a point of more than {MAX_LINE_BYTES >> 20} MiB, so the rest is not read."
_MAX_KEYS = 10_000  # of a run
_STEPS = frozenset(STEP_KEYS)
MAX_TIME = 1e11  # epoch seconds; a larger time of a point is not valid


class MetricNames:
    """Gives each metric of a file a name that no metric of another file has."""

    def __init__(self) -> None:
        # The first source of each metric: format or family, folder, format.
        self._owners: dict[str, tuple[str, str, str]] = {}
        self._last_steps: dict[tuple[str, str, str], float] = {}  # of formats that are cumulative
        self._names: dict[tuple[str, str], dict[str, str]] = {}  # by path and format, then by key
        self._unchanged: dict[tuple[str, str], set[str]] = {}  # the keys that are their own names

    def named(
        self, path: str, file_format: Format, points: list[Point]
    ) -> Iterator[tuple[float | None, dict[str, float]]]:
        """Yield the time (epoch seconds, None if it is not known or not valid) and the values by name of the
        next points of a file, without those that have no metrics.
        """
        names = self._names.setdefault((path, file_format.name), {})
        unchanged = self._unchanged.setdefault((path, file_format.name), set())
        owner = _owner(path, file_format)
        if file_format.is_cumulative:
            points = self._further(owner, points)
        for point in points:
            values = point.values
            if not unchanged.issuperset(values):
                values = {}
                for key, value in point.values.items():
                    name = names.get(key) or self._name(owner, key)
                    if name:
                        names[key] = name
                        values[name] = value
                        if name == key:
                            unchanged.add(key)
            if not _STEPS.issuperset(values):
                is_valid = point.time is not None and 0 <= point.time < MAX_TIME
                yield point.time if is_valid else None, values

    def _further(self, owner: tuple[str, str, str], points: list[Point]) -> list[Point]:
        """Return the points after the last step of the earlier files."""
        last = self._last_steps.get(owner, -math.inf)
        further = [point for point in points if point.values.get(STEP, 0) > last]
        self._last_steps[owner] = max([last, *(point.values.get(STEP, 0) for point in further)])
        return further

    def _name(self, owner: tuple[str, str, str], key: str) -> str:
        """Return the name of a metric: its key, with a prefix if another source has a metric of this name;
        empty if the metric does not count.
        """
        if key in STEP_KEYS:
            return key
        kind, folder, _ = owner
        first = self._owners.get(key, owner)
        below = os.path.relpath(folder, os.path.commonpath((first[1], folder)))
        if below == os.curdir:
            below = os.path.basename(folder)
        prefixes = [f"{below}/", f"{kind.lower()}/{below}/"]
        if first[0] != kind:
            prefixes[0] = f"{kind.lower()}/"
        for prefix in ("", *prefixes):
            name = prefix + key
            known = self._owners.get(name, owner)
            if known[:2] != owner[:2]:
                continue
            if known != owner or (len(self._owners) >= _MAX_KEYS and name not in self._owners):
                return ""
            self._owners[name] = owner
            return name
        return ""


def _owner(path: str, file_format: Format) -> tuple[str, str, str]:
    """Return what files have in common if their points of a key are one curve."""
    if file_format.family:
        return file_format.family, os.sep, file_format.name
    return file_format.name, os.path.dirname(path), file_format.name
