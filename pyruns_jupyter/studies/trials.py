"""The trials of a study: the tasks that were created for it, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.metrics.expressions import LAST, Aggregate
from pyruns_jupyter.core.metrics.read import POINTS_SHOWN, run_metrics
from pyruns_jupyter.core.metrics.run_aggregates import running_values
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import CANCELLED, COMPLETED, FAILED
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own, own_facts
from pyruns_jupyter.core.tasks.row import TaskRow

from .definition import Definition
from .objectives import pareto_front

ValueOf = Callable[[TaskRow, Aggregate], float | None]

OPEN, COMPLETE, PRUNED, FAIL = "open", "complete", "pruned", "failed"
_STOPPED_BY_RULE = "Stopped by the alert rule "  # see `engine.run.run_alerts`


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Attributes:
        number: its number, from 1.
        task: the name of its task.
        values: its parameters by dotted key; those whose condition does not hold are missing.
        state: `open`, `complete`, `pruned` or `failed`.
        status: the status of its task.
        objective_values: the value of each objective, None until there is one.
        constraint_values: by how much the value of each constraint's metric violates it (at most 0 if it does
            not), None until there is a value.
        pruned: the point of its curve after which the study pruned it, None if an alert rule stopped its run.
        started_at, finished_at: those of the latest run in epoch seconds.
    """

    number: int
    task: str
    values: dict[str, Any]
    state: str
    status: str
    objective_values: tuple[float | None, ...] = ()
    constraint_values: tuple[float | None, ...] = ()
    pruned: int | None = None
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def value(self) -> float | None:
        """The value of the objective; None if there is none yet, or if there are several objectives."""
        return self.objective_values[0] if len(self.objective_values) == 1 else None

    @property
    def is_feasible(self) -> bool | None:
        """Whether all constraints hold; None while a metric of one has no value."""
        return feasible(self.constraint_values)

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


def trials_beside(info: TaskInfo) -> frozenset[int]:
    """Return the numbers of the earlier trials that were open when the trial of a task was created."""
    facts = own_facts(info).get("study")
    beside = facts.get("beside") if isinstance(facts, dict) else None
    if not isinstance(beside, list):
        return frozenset()
    return frozenset(number for number in beside if type(number) is int)


def trial_of(row: TaskRow, definition: Definition, value_of: ValueOf) -> Trial | None:
    """Return the trial of a row, None if it is not a trial; `value_of` returns an aggregate of a row.

    A completed run without a finite value of each objective and constraint has failed.
    """
    place = row.study
    if place is None or not row.readable:
        return None

    values, violations = results_of(row, definition, value_of)
    if row.status == COMPLETED:
        state = FAIL if None in values or None in violations else COMPLETE
    elif row.status == CANCELLED:
        is_stopped = (row.message or "").startswith(_STOPPED_BY_RULE)
        state = FAIL if place.pruned is None and not is_stopped else PRUNED
    else:
        state = FAIL if row.status == FAILED else OPEN
    return Trial(
        place.number,
        row.name,
        row.swept,
        state,
        row.status,
        values,
        violations,
        place.pruned,
        row.started_at,
        row.finished_at,
    )


def results_of(
    row: TaskRow, definition: Definition, value_of: ValueOf
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Return the value of each objective of a row, and by how much it violates each constraint."""

    def read(aggregate: Aggregate) -> float | None:
        is_last = aggregate.function == LAST
        return finite_number(row.metric(aggregate.key) if is_last else value_of(row, aggregate))

    values = tuple(read(objective.aggregate) for objective in definition.objectives)
    measured = [(one, read(one.aggregate)) for one in definition.parsed_constraints]
    return values, tuple(None if value is None else one.violation(value) for one, value in measured)


def trials_among(rows: Iterable[TaskRow], definition: Definition, value_of: ValueOf) -> list[Trial]:
    """Return the trials of a study among rows of tasks, by number; `value_of` as for `trial_of`."""
    found = (
        trial_of(row, definition, value_of)
        for row in rows
        if row.study is not None and row.study.name == definition.name
    )
    return sorted((trial for trial in found if trial is not None), key=lambda trial: trial.number)


def curve_of(info: TaskInfo, paths: TaskPaths, definition: Definition) -> list[float | None]:
    """Return the values of the first objective at each point that the latest run of a task tracked, in order;
    None for those that are not finite. Empty once there are so many points that they are downsampled.

    If the objective is the minimum, maximum or mean of a metric, it is that of the points so far.
    """
    run = runs.latest(info)
    if run is None:
        return []
    objective = definition.objectives[0].aggregate
    values = run_metrics(info, run, paths, thinned=True).tracks.get(objective.key, [])
    if len(values) >= POINTS_SHOWN:
        return []
    return [finite_number(one) for one in running_values([*map(finite_number, values)], objective)]


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


def feasible(violations: Sequence[float | None]) -> bool | None:
    """Return whether constraints with these violations hold; None while one is not known."""
    if any(one is not None and one > 0.0 for one in violations):
        return False
    return None if None in violations else True


def best_of(trials: Iterable[Trial], definition: Definition) -> Trial | None:
    """Return the best completed trial whose constraints hold, the first of equal ones.

    None if there is none, or if the study has several objectives; see `pareto_trials`.
    """
    front = [] if definition.further_objectives else pareto_trials(trials, definition)
    return front[0] if front else None


def pareto_trials(trials: Iterable[Trial], definition: Definition) -> list[Trial]:
    """Return the completed trials whose constraints hold and that no other one dominates, in their order."""
    candidates = [
        (trial, [value for value in trial.objective_values if value is not None])
        for trial in trials
        if trial.state == COMPLETE and trial.is_feasible
    ]
    return pareto_front(candidates, definition.objectives)
