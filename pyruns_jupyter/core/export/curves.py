"""The curves of runs with all their points, and as a table in long form: one row per value."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.metrics.aggregate import JournalReader
from pyruns_jupyter.core.metrics.curves import curves_of_run
from pyruns_jupyter.core.metrics.downsample import STEP_KEYS, Curve, CurveDownsampler, number
from pyruns_jupyter.core.metrics.read import run_metrics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

COLUMNS = ("task", "run", "metric", "step", "time", "value")
# What a file with types stores for each column.
TYPES = dict(zip(COLUMNS, ("text", "integer", "text", "number", "time", "number"), strict=True))
MAX_POINTS = 200_000  # of a curve in a journal; of a longer one, the extreme values of equal parts are kept
MAX_RUN_POINTS = 5_000_000  # of all curves in a journal, which bounds the memory


class CurvePoint(NamedTuple):
    """A value of a curve. `step` is its index if no step was logged; `time` is in epoch seconds."""

    step: float
    time: float | None
    value: float


def full_curves(info: TaskInfo, run: runs.Run, paths: TaskPaths) -> dict[str, list[CurvePoint]]:
    """Return all points of the curves of a run. Values that are not numbers are left out."""
    tracks = run_metrics(info, run, paths).tracks
    journal = _journal_curves(paths, run.index)
    known = curves_of_run(info, run, paths)
    found: dict[str, list[CurvePoint]] = {}
    for key, values in tracks.items():
        if key in STEP_KEYS and len(tracks) > 1:
            continue
        curve = journal.get(key)
        if curve is None or curve.total < len(values):
            points = list(_points_of(key, values, tracks, known.get(key)))
        else:
            points = list(_curve_points(curve, values))
        if points:
            found[key] = points
    return found


def _journal_curves(paths: TaskPaths, run: int) -> dict[str, Curve]:
    downsampler = CurveDownsampler(MAX_POINTS, MAX_RUN_POINTS)
    try:
        JournalReader(1, 1, downsampler).feed(paths.journal(run))
    except OSError:
        return {}
    return downsampler.curves()


def _points_of(
    key: str, values: list[Any], tracks: Mapping[str, list[Any]], curve: Curve | None
) -> Iterator[CurvePoint]:
    """Yield the points of a curve in a task file; of a long one, only some have a time."""
    times: Mapping[int, float] = {}
    if curve is not None and curve.total == len(values):
        times = dict(zip(curve.places, curve.times or (), strict=False))
    if curve is not None and len(curve.places) == len(values):
        steps = _steps_of(curve)
    else:
        name = next(
            (one for one in STEP_KEYS if one != key and len(tracks.get(one, ())) == len(values)), None
        )
        steps = None if name is None else [number(value) for value in tracks[name]]
    for place, value in enumerate(values):
        if type(value) in (int, float):
            step = place if steps is None else steps[place]
            yield CurvePoint(place if step is None else step, times.get(place), value)


def _curve_points(curve: Curve, values: list[Any]) -> Iterator[CurvePoint]:
    """Yield the points of a curve in a journal. `values` are the same values as they were logged, if they are
    known: a curve has None for what is not a finite number.
    """
    steps, times, is_known = _steps_of(curve), curve.times, curve.total == len(values)
    for at, place in enumerate(curve.places):
        value: Any = values[place] if is_known else curve.values[at]
        step = None if steps is None else steps[at]
        if type(value) in (int, float):
            yield CurvePoint(place if step is None else step, times[at] if times else None, value)


def with_times(points: list[CurvePoint]) -> list[CurvePoint]:
    """Return points with the times that are not known interpolated between those that are; unchanged if none
    is known.
    """
    known = [(at, point.time) for at, point in enumerate(points) if point.time is not None]
    if not known or len(known) == len(points):
        return points
    found: list[CurvePoint] = []
    for at, point in enumerate(points):
        place = bisect_right(known, (at, math.inf))
        (before, first), (after, last) = known[max(place - 1, 0)], known[min(place, len(known) - 1)]
        part = (at - before) / (after - before) if after > before else 0.0
        found.append(point._replace(time=first + (last - first) * part))
    return found


def _steps_of(curve: Curve) -> list[float | None] | None:
    return next((curve.steps[key] for key in STEP_KEYS if key in curve.steps), None)


class CurveTable:
    """The curves of some runs as a table, which is read while it is written. `count`: rows so far."""

    times = frozenset({"time"})
    types = TYPES

    def __init__(self, workspace: WorkspaceFolder, names: Iterable[str], which: str) -> None:
        self.count = 0
        self._workspace, self._names, self._which = workspace, names, which

    @property
    def columns(self) -> list[str]:
        """The titles of the columns."""
        return list(COLUMNS)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each value as a dictionary of all columns by title."""
        for paths, info, run in runs_of(self._workspace, self._names, self._which):
            for metric, points in full_curves(info, run, paths).items():
                for point in points:
                    self.count += 1
                    yield dict(zip(COLUMNS, (paths.name, run.index, metric, *point), strict=True))


def runs_of(
    workspace: WorkspaceFolder, names: Iterable[str], which: str
) -> Iterator[tuple[TaskPaths, TaskInfo, runs.Run]]:
    """Yield the runs of tasks, `all` or the `latest` of each; tasks that cannot be read are skipped."""
    for name in names:
        with suppress(NotFound, Unreadable, OSError):
            paths = workspace.existing(name)
            info = read_task(paths.folder)
            history = runs.runs(info)
            for run in history[-1:] if which == "latest" else history:
                yield paths, info, run
