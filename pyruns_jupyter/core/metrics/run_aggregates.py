"""Aggregates of the curves of one run: from the stored statistics if these suffice, else from its points."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts

from .aggregate import WHOLE_BYTES, JournalReader
from .columns import columns_of
from .curves import downsampled_curves
from .downsample import STEP_KEYS, Curve, number
from .expressions import AT, LAST, MAX, MAX_LAST, MEAN, MIN, Aggregate
from .journal import TRACK, Remaining, complete_lines, entries
from .read import RunMetrics, run_metrics, stored_curves, tails_of
from .row_statistics import stored_statistics
from .statistics import CurveStatistics, numeric


class Points:
    """The points of a run for the aggregates `wanted`, which are read when they are needed.

    A journal that is too large for the task file is read in bounded memory. If `remaining` raises
    TimeoutError, the next call continues from there.
    """

    def __init__(self, info: TaskInfo, run: Run, paths: TaskPaths, wanted: Collection[Aggregate]) -> None:
        self._info, self._run, self._paths = info, run, paths
        self._path = paths.journal(run.index)
        self._is_large = _size(self._path) > WHOLE_BYTES
        self._journal = JournalAggregates(self._path, [one.key for one in wanted if one.needs_points])
        self._metrics: RunMetrics | None = None

    def value(self, aggregate: Aggregate, remaining: Remaining | None = None) -> float | None:
        """Return the value of an aggregate (not `best`), None if there is none.

        Raises:
            Unreadable, OSError: when the points cannot be read.
            TimeoutError: from `remaining`.
        """
        if aggregate.function == AT:
            return self._at(aggregate, remaining)
        metrics, key = self._read(remaining), aggregate.key
        values, newer = metrics.tracks.get(key, []), self._journal.reader.statistics().get(key)
        if aggregate.function == LAST or not (values or newer):
            known = [*values[-1:], *self._journal.reader.tracks().get(key, [])]
            records = metrics.records | self._journal.reader.records
            return numeric(records.get(key, known[-1] if known else None))
        if aggregate.needs_points:
            return of_values(values[-MAX_LAST:] + self._journal.reader.recent(key), aggregate)
        return _merged(values, newer).value(aggregate)

    def statistics(self, remaining: Remaining | None = None) -> dict[str, CurveStatistics]:
        """Return the statistics of all curves; it raises the same exceptions as `value`."""
        tracks = self._read(remaining).tracks
        newer = self._journal.reader.statistics()
        return {key: _merged(tracks.get(key, []), newer.get(key)) for key in {**tracks, **newer}}

    def _read(self, remaining: Remaining | None) -> RunMetrics:
        """Return the records and curves, without those of a large journal, which is read too."""
        if self._metrics is None:
            if self._is_large:
                self._journal.refresh(remaining, to_end=True)
                tails = tails_of(self._info, self._run.index)
                stored = stored_curves(self._info, self._run, self._paths)
                tracks = {
                    key: values[: max(0, len(values) - tails.get(key, 0))] for key, values in stored.items()
                }
                self._metrics = RunMetrics(dict(self._run.records), tracks, [])
            else:
                self._metrics = run_metrics(self._info, self._run, self._paths, strict=True)
        return self._metrics

    def _at(self, aggregate: Aggregate, remaining: Remaining | None) -> float | None:
        key = aggregate.key
        curves = downsampled_curves(self._info, self._run, self._paths, [key])
        if curves is not None:
            curve = curves.get(key)
            if curve is None:
                return None
            if curve.total == len(curve.places) and None not in curve.values:  # which may have been NaN
                return _at_step(curve, aggregate.number)
        if self._is_large or (curves is not None and os.path.lexists(self._path)):
            return self._journal.at(aggregate, remaining)
        tracks = self._read(remaining).tracks
        values = tracks.get(key, [])
        steps = {name: tracks[name] for name in STEP_KEYS if len(tracks.get(name, ())) == len(values)}
        return _at_step(Curve(len(values), list(range(len(values))), values, None, steps), aggregate.number)


class StepSearch:
    """The search of a journal for the value of a metric at a step; each call reads the new lines."""

    def __init__(self, path: Path, aggregate: Aggregate) -> None:
        self._path, self._aggregate = path, aggregate
        self._offset = self._count = 0
        self._imported: set[str] = set()  # see `columns_of`
        self._found: float | None = None

    def value(self, remaining: Remaining | None = None) -> float | None:
        """Return the value, None as long as it is not there.

        Raises:
            OSError: when the journal cannot be read.
            TimeoutError: from `remaining`; the next call continues from here.
        """
        if self._is_over:
            return self._found
        try:
            descriptor = open_regular(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            stream.seek(self._offset)
            for data, can_be_parsed in complete_lines(stream, remaining=remaining):
                self._offset += len(data)
                if can_be_parsed and self._look(data):
                    break
        return self._found

    @property
    def _is_over(self) -> bool:
        """Whether the value is there; that of a metric source counts until the script tracks the key."""
        return self._found is not None and self._aggregate.key not in self._imported

    def _look(self, data: bytes) -> bool:
        """Search some lines; return whether the search is over."""
        key = self._aggregate.key
        columns = columns_of(entries(data), [key] if self._count else [], self._imported)
        if key in columns.replaced:
            self._count, self._found = 0, None
        for value, row in zip(*columns.values.get(key, ([], [])), strict=True):
            steps = map(columns.entries[row][TRACK].get, STEP_KEYS)
            if self._found is None and _step_of(steps, self._count) == self._aggregate.number:
                self._found = numeric(value)
            self._count += 1
        return self._is_over


class JournalAggregates:
    """The aggregates of a journal; only new lines are read. The last numbers are kept only of the curves
    `recent`, to which `value` adds those that it is asked for.
    """

    def __init__(self, path: Path, recent: Iterable[str] = ()) -> None:
        self._path = path
        self._recent = set(recent)
        self.reader = JournalReader(2, None, recent=self._recent)
        self._searches: dict[Aggregate, StepSearch] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there are no points up to the last refresh."""
        return not self.reader.statistics()

    def refresh(self, remaining: Remaining | None = None, *, to_end: bool = False) -> None:
        """Read the new lines; see `JournalReader.feed`."""
        self.reader.feed(self._path, to_end=to_end, remaining=remaining)

    def value(self, aggregate: Aggregate, remaining: Remaining | None = None) -> float | None:
        """Read the new lines and return the value of an aggregate (not `best` and `last`), None if there is
        none.

        Raises:
            OSError: when the journal cannot be read.
            TimeoutError: from `remaining`; the next call continues from here.
        """
        key, needs_recent = aggregate.key, aggregate.function == MEAN and aggregate.needs_points
        if needs_recent and key not in self._recent:
            self._recent.add(key)
            self.reader = JournalReader(2, None, recent=self._recent)  # also reads its earlier values
        self.refresh(remaining)
        if aggregate.function == AT:
            return self.at(aggregate, remaining)
        if needs_recent:
            return of_values(self.reader.recent(key), aggregate)
        statistics = self.reader.statistics().get(key)
        return None if statistics is None else statistics.value(aggregate)

    def at(self, aggregate: Aggregate, remaining: Remaining | None = None) -> float | None:
        """Read the new lines and return the value at a step; it raises the same exceptions as `value`."""
        search = self._searches.get(aggregate)
        if search is None:
            search = self._searches[aggregate] = StepSearch(self._path, aggregate)
        return search.value(remaining)


def run_aggregates(
    info: TaskInfo,
    run: Run,
    paths: TaskPaths,
    wanted: Collection[Aggregate],
    remaining: Remaining | None = None,
) -> dict[Aggregate, float]:
    """Return the values of aggregates (not `best`) of run `run`; those that have none, or cannot be read, are
    missing.

    Raises:
        TimeoutError: from `remaining`, when points are to be read.
    """
    stored = stored_statistics(own_facts(info), run.index)
    points = Points(info, run, paths, wanted)
    found = {}
    for one in wanted:
        try:
            if stored is not None and not one.needs_points and one.function != LAST and one.key in stored:
                value = stored.value(one)
            else:
                if remaining is not None:
                    remaining()
                value = points.value(one, remaining)
        except TimeoutError:
            raise
        except (Unreadable, OSError):
            continue
        if value is not None:
            found[one] = value
    return found


def unread_sentence(tasks: int, seconds: float) -> str:
    """Return the sentence that the metrics of a number of tasks were not read within some seconds."""
    count = "1 task" if tasks == 1 else f"{tasks:,} tasks"
    return f"Reading metrics was stopped after {seconds:g} s. {count} not read completely."


def of_values(values: Sequence[Any], aggregate: Aggregate) -> float | None:
    """Return the minimum, maximum or mean of some values, None if none is a number."""
    if aggregate.number is not None:
        values = values[-int(aggregate.number) :]
    statistics = CurveStatistics()
    statistics.add(list(values))
    return statistics.value(aggregate)


def running_values(values: Sequence[float | None], aggregate: Aggregate) -> list[float | None]:
    """Return, for each point of a curve, the value of an aggregate (not `best`) up to this point.

    `last` and `at` have the values of the curve itself.
    """
    if aggregate.function not in (MIN, MAX, MEAN):
        return list(values)
    found: list[float | None] = []
    statistics = CurveStatistics()
    for count, value in enumerate(values, 1):
        if aggregate.number is None:
            statistics.add([value])
            found.append(statistics.value(aggregate))
        else:
            found.append(of_values(values[max(0, count - int(aggregate.number)) : count], aggregate))
    return found


def _merged(values: list[Any], newer: CurveStatistics | None) -> CurveStatistics:
    """Return the statistics of the values and those of later ones."""
    found = CurveStatistics()
    found.add(values)
    return found if newer is None else found.merged(newer)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _at_step(curve: Curve, step: float | None) -> float | None:
    """Return the first number of a complete curve at a step."""
    for place, value in enumerate(curve.values):
        if _step_of((known[place] for known in curve.steps.values()), place) == step:
            found = numeric(value)
            if found is not None:
                return found
    return None


def _step_of(steps: Iterable[Any], count: int) -> float:
    """Return the step of a value: the first number among the values of the step keys, else the number of
    values before it.
    """
    return next((step for one in steps if (step := number(one)) is not None), count)
