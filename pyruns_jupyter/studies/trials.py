"""The trials of a study: the tasks that were created for it, and their results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.metrics.expressions import LAST, Aggregate
from pyruns_jupyter.core.metrics.read import POINTS_SHOWN, run_metrics
from pyruns_jupyter.core.metrics.run_aggregates import running_values
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import CANCELLED, COMPLETED, FAILED
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own
from pyruns_jupyter.core.tasks.row import TaskRow

from .definition import Definition

ValueOf = Callable[[TaskRow, Aggregate], float | None]

OPEN, COMPLETE, PRUNED, FAIL = "open", "complete", "pruned", "failed"
_STOPPED_BY_RULE = "Stopped by the alert rule "  # see `engine.run.run_alerts`


@dataclass(frozen=True)
class Trial:
    """One trial. `number` counts from 1; `values` are its parameters by dotted key; `value` is that of the
    objective, None until there is one; `state` is `open`, `complete`, `pruned` or `failed`. `pruned` is the
    point of its curve after which the study pruned it, None if an alert rule stopped its run.
    """

    number: int
    task: str
    values: dict[str, Any]
    state: str
    value: float | None
    status: str
    pruned: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state == OPEN


def place_facts(study: str, number: int, beside: list[int]) -> dict[str, Any]:
    """Return our own facts in the task file of a new trial.

    `beside` are the earlier trials that were open when it was created, from which follows what was known
    then.
    """
    return {"study": {"name": study, "number": number, "beside": beside}}


def trial_of(row: TaskRow, definition: Definition, value_of: ValueOf) -> Trial | None:
    """Return the trial of a row, None if it is not a trial; `value_of` returns an aggregate of a row."""
    place = row.study
    if place is None or not row.readable:
        return None
    objective = definition.aggregate
    is_last = objective.function == LAST
    value = finite(row.figures.get(objective.key) if is_last else value_of(row, objective))
    if row.status == COMPLETED:
        state = FAIL if value is None else COMPLETE
    elif row.status == CANCELLED:
        is_stopped = (row.message or "").startswith(_STOPPED_BY_RULE)
        state = FAIL if place.pruned is None and not is_stopped else PRUNED
    else:
        state = FAIL if row.status == FAILED else OPEN
    return Trial(place.number, row.name, dict(row.swept), state, value, row.status, place.pruned)


def trials_among(rows: Iterable[TaskRow], definition: Definition, value_of: ValueOf) -> list[Trial]:
    """Return the trials of a study among rows of tasks, by number; `value_of` as for `trial_of`."""
    found = (
        trial_of(row, definition, value_of)
        for row in rows
        if row.study is not None and row.study.name == definition.name
    )
    return sorted((trial for trial in found if trial is not None), key=lambda trial: trial.number)


def curve_of(info: TaskInfo, paths: TaskPaths, definition: Definition) -> list[float | None]:
    """Return the values of the objective at each point that the latest run of a task tracked, in order; None
    for those that are not finite. Empty once there are so many points that they are downsampled.

    If the objective is the minimum, maximum or mean of a metric, it is that of the points so far.
    """
    run = runs.latest(info)
    if run is None:
        return []
    objective = definition.aggregate
    values = run_metrics(info, run, paths, thinned=True).tracks.get(objective.key, [])
    if len(values) >= POINTS_SHOWN:
        return []
    return [finite(value) for value in running_values([finite(value) for value in values], objective)]


def prune(info: TaskInfo, step: int, message: str) -> bool:
    """Request a stop of a running task because its trial is pruned at `step` (from 1); return whether it was
    running.
    """
    run = runs.latest(info)
    if run is None or runs.status_of(info) != runs.RUNNING:
        return False
    facts = own(info)
    facts["study"] = {**facts.get("study", {}), "pruned": {"run": run.index, "step": step}}
    facts.setdefault("messages", {})[str(run.index)] = message
    runs.request_cancel(info)
    return True


def finite(value: object) -> float | None:
    """Return a value of the objective as a float, None if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def best_of(trials: Iterable[Trial], definition: Definition) -> Trial | None:
    """Return the best completed trial, the first of equal ones; None if there is none."""
    best: Trial | None = None
    for trial in trials:
        if trial.state != COMPLETE or trial.value is None:
            continue
        if best is None or best.value is None or definition.better(trial.value, best.value):
            best = trial
    return best
