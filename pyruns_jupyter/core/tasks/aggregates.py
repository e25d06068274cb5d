"""Aggregates of the metrics of tasks, such as `min(loss)`.

Most follow from the statistics that each row has from its task file. Others, and those of runs without stored
statistics, are read once per change of the task and cached; of a running task, only new points are read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.metrics.expressions import AT, LAST, Aggregate
from pyruns_jupyter.core.metrics.journal import Remaining
from pyruns_jupyter.core.metrics.run_aggregates import JournalAggregates, Points
from pyruns_jupyter.core.metrics.statistics import CurveStatistics, numeric
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import RUNNING, runs
from pyruns_jupyter.core.taskfile.task_file import read_task

from .row import TaskRow

_MAX_EXPRESSIONS = 32  # that need points; further ones replace the oldest


class _Task:
    """What was read of a task. Hold its `lock` to use it.

    `statistics` and `values` are those of `row`; `statistics` is None as long as they were not needed.
    `points` is being read for the aggregates `wanted`. `live` has the number of the run.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.live: tuple[int, JournalAggregates] | None = None
        self.clear(None)

    def clear(self, row: TaskRow | None) -> None:
        """Remove what is known about the task file, for a new row."""
        self.row = row
        self.statistics: dict[str, CurveStatistics] | None = None
        self.values: dict[Aggregate, float | None] = {}
        self.wanted: list[Aggregate] = []
        self.points: Points | None = None


class TaskAggregates:
    """Aggregates of the latest runs of the tasks of one workspace; `paths` returns the paths of a task."""

    def __init__(self, paths: Callable[[str], TaskPaths]) -> None:
        self._paths = paths
        self._tasks: dict[str, _Task] = {}
        self._expressions: dict[Aggregate, None] = {}  # that need points, the latest last
        self._expressions_lock = threading.Lock()

    def value(self, row: TaskRow, aggregate: Aggregate, remaining: Remaining | None = None) -> float | None:
        """Return the value of an aggregate (not `best`), None if the latest run has none, or if it cannot be
        read.

        It may read the points of the run. `remaining` returns the seconds that this may still take.

        Raises:
            TimeoutError: when the time is over; the next call continues from there.
        """
        key = aggregate.key
        if key not in row.shape.figures:
            return None
        if aggregate.function == LAST:
            return numeric(row.metric(key))
        if row.status != RUNNING and row.statistics is not None:
            if key not in row.statistics:
                # A summary value without a curve, which has no step.
                return None if aggregate.function == AT else numeric(row.metric(key))
            if not aggregate.needs_points:
                return row.statistics.value(aggregate)
        task = self._tasks.setdefault(row.name, _Task())
        if not task.lock.acquire(blocking=False):
            seconds = threading.TIMEOUT_MAX if remaining is None else remaining()
            if not task.lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
                raise TimeoutError
        try:
            return self._live(task, row, aggregate, remaining)
        except TimeoutError:
            raise
        except (PyrunsError, OSError, IndexError):  # not cached: it may be possible later
            task.clear(None)
            return None
        finally:
            task.lock.release()

    def forget(self, names: Iterable[str]) -> None:
        """Remove what is known about tasks, without waiting for threads that read them."""
        for name in names:
            self._tasks.pop(name, None)

    def _live(
        self, task: _Task, row: TaskRow, aggregate: Aggregate, remaining: Remaining | None
    ) -> float | None:
        if row.status != RUNNING:
            task.live = None
            return self._read(task, row, aggregate, remaining)
        run, live = task.live or (0, None)
        if live is None or run != row.run:
            live = JournalAggregates(self._paths(row.name).journal(row.run))
            task.live = row.run, live
        value = live.value(aggregate, remaining)
        return self._read(task, row, aggregate, remaining) if value is None and live.is_empty else value

    def _read(
        self, task: _Task, row: TaskRow, aggregate: Aggregate, remaining: Remaining | None
    ) -> float | None:
        if task.row is not row:
            task.clear(row)
        wanted = self._wanted(aggregate)
        if aggregate.needs_points:
            if aggregate not in task.values:
                self._fill(task, row, wanted, remaining)
            return task.values.get(aggregate)
        if task.statistics is None:
            self._fill(task, row, wanted, remaining)
        found = (task.statistics or {}).get(aggregate.key)
        return numeric(row.metric(aggregate.key)) if found is None else found.value(aggregate)

    def _wanted(self, aggregate: Aggregate) -> list[Aggregate]:
        """Return the aggregates that need points and were asked for lately, `aggregate` is the latest one."""
        with self._expressions_lock:
            if aggregate.needs_points:
                self._expressions.pop(aggregate, None)
                self._expressions[aggregate] = None
                if len(self._expressions) > _MAX_EXPRESSIONS:
                    del self._expressions[next(iter(self._expressions))]
            return [*self._expressions]

    def _fill(self, task: _Task, row: TaskRow, wanted: list[Aggregate], remaining: Remaining | None) -> None:
        """Read the points of a task for all aggregates that were asked for lately."""
        if remaining is not None:
            remaining()
        points = task.points
        if points is None or not set(wanted) <= set(task.wanted):
            paths = self._paths(row.name)
            info = read_task(paths.folder)
            points = Points(info, runs(info)[row.run - 1], paths, wanted)
            task.points, task.wanted = points, wanted
        statistics = points.statistics(remaining) if row.statistics is None else {}
        values = {
            one: points.value(one, remaining) if one.key in row.shape.figures else None for one in task.wanted
        }
        task.statistics, task.values, task.points = statistics, values, None
