"""The names of the metrics of a run whose points are in several files, and the limits of such a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from pyruns_jupyter.core.metrics.downsample import STEP_KEYS
from pyruns_jupyter.core.metrics.journal import MAX_LINE_BYTES

from .base import Point
from .formats import Format

MAX_SOURCES = 1000  # of a run
TOO_MANY_SOURCES = f"The run has more than {MAX_SOURCES:,} metric files, so this and later ones are not read."
MAX_POINTS, MAX_VALUES = 20_000_000, 60_000_000  # the values include steps
TOO_MANY = f"The run has more than {MAX_POINTS:,} points or {MAX_VALUES:,} values, so the rest is not read."
TOO_LONG = f"It has a point of more than {MAX_LINE_BYTES >> 20} MiB, so the rest is not read."
_MAX_KEYS = 10_000  # of a run
TOO_MANY_KEYS = f"The run has more than {_MAX_KEYS:,} metrics, so further ones are not read."
_CHECKPOINT = "checkpoint-"  # the start of the name of a folder that a Trainer writes
_STEPS = frozenset(STEP_KEYS)
MAX_TIME = 1e11  # epoch seconds; a larger time of a point is not valid


class _Owner(NamedTuple):
    """What files have in common if their points of a key are one curve.

    Attributes:
        kind: the family of the format, else the format.
        file: the name of the file, if each one has curves of its own.
        format: of a family, the formats have the same points, so that only the first one counts.
    """

    kind: str
    folder: str
    file: str
    format: str


class MetricNames:
    """Gives each metric of a file a name that no metric of another file has.

    Attributes:
        is_full: whether there were more metrics than a run can have.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._owners: dict[str, _Owner] = {}  # the first one of each metric
        self._counts: dict[str, int] = {}  # points by output folder, of formats that are cumulative
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
            points = self._further(path, points)
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

    def _further(self, path: str, points: list[Point]) -> list[Point]:
        """Return the points that no earlier file of the same training has: each has all points so far."""
        folder, name = os.path.split(os.path.dirname(path))
        if not name.startswith(_CHECKPOINT):
            folder = os.path.join(folder, name)
        count = self._counts.get(folder, 0)
        self._counts[folder] = max(count, len(points))
        return points[count:]

    def _name(self, owner: _Owner, key: str) -> str:
        """Return the name of a metric: its key, with a prefix if another source has a metric of this name;
        empty if the metric does not count.
        """
        if key in STEP_KEYS:
            return key
        for prefix in self._prefixes(owner, key):
            name = prefix + key
            known = self._owners.get(name, owner)
            if known[:3] != owner[:3]:
                continue
            if known != owner:
                return ""
            if len(self._owners) >= _MAX_KEYS and name not in self._owners:
                self.is_full = True
                return ""
            self._owners[name] = owner
            return name
        return ""

    def _prefixes(self, owner: _Owner, key: str) -> Iterator[str]:
        """Yield the prefixes that can make the name of a key unique: format, folder, file."""
        yield ""
        kind, first, before = f"{owner.kind.lower()}/", self._owners.get(key, owner), ""
        if first.kind != owner.kind:
            before = kind
            yield before
            first = self._owners.get(before + key, owner)
        if first.folder != owner.folder:
            below = os.path.relpath(owner.folder, os.path.commonpath((first.folder, owner.folder)))
            if below == os.curdir:
                below = os.path.basename(owner.folder)
            before += f"{below}/"
            yield before
        if owner.file:
            yield f"{before}{os.path.splitext(owner.file)[0]}/"
            yield f"{before}{owner.file}/"
        if not before.startswith(kind):
            yield kind + before


def _owner(path: str, file_format: Format) -> _Owner:
    if file_format.family:
        return _Owner(file_format.family, os.sep, "", file_format.name)
    folder, file = os.path.split(path)
    return _Owner(file_format.name, folder, file if file_format.is_alone else "", file_format.name)
