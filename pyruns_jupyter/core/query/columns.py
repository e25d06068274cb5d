"""Columns of metrics for the rows of a result and for exports: aggregates, and the best values."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import FUNCTIONS, MINIMIZE, Aggregate, parse_aggregate
from pyruns_jupyter.core.metrics.goals import Goal
from pyruns_jupyter.core.tasks.row import TaskRow

from .diagnostics import names
from .fields import MISSING, AmbiguousField, Fields, Sources, UnknownField

if TYPE_CHECKING:
    from pyruns_jupyter.core.tasks.index import TaskIndex


class BestValue(NamedTuple):
    """The best value of a column, and the goal of its metric."""

    value: float
    goal: Goal


class Usage(NamedTuple):
    """The sums of the GPU-hours, and of the energy of the GPUs, of the latest runs of some tasks; None if no
    run has them.
    """

    gpu_hours: float | None
    energy_kwh: float | None


NO_USAGE = Usage(None, None)


def usage_of(rows: Iterable[TaskRow]) -> Usage:
    """Return what the latest runs of some tasks used."""
    hours: list[float] = []
    energy: list[float] = []
    for row in rows:
        if row.gpu_hours is not None:
            hours.append(row.gpu_hours)
        if row.energy_kwh is not None:
            energy.append(row.energy_kwh)
    return Usage(sum(hours) if hours else None, sum(energy) if energy else None)


def aggregate_columns(index: TaskIndex, metrics: Iterable[str]) -> tuple[dict[str, Aggregate], list[str]]:
    """Return aggregates other than `best` for columns, by their titles, and notices about metrics that no
    task has.

    The metrics are found as in queries: `min(loss)` also finds `train.loss` if that is the only such metric.

    Raises:
        InvalidInput: if a text is not an aggregate, if it can be several metrics, or if the goal of a metric
            is not known.
    """
    found: dict[str, Aggregate] = {}
    notices: list[str] = []
    fields = Fields([*index.rows.values()], Sources.of(index), time.time())
    for text in metrics:
        try:
            aggregate = parse_aggregate(text.strip())
        except InvalidInput as error:
            raise InvalidInput(error.message, field="metrics") from None
        if aggregate is None:
            raise InvalidInput(
                f"{text!r} is not an aggregate of a metric, such as min(loss) or mean(loss, 10). "
                f"Functions: {', '.join(FUNCTIONS)}.",
                field="metrics",
            )
        try:
            try:
                found[str(aggregate)] = fields.resolve(aggregate)
            except UnknownField as error:  # an earlier run may have it
                found[str(aggregate)] = fields.without_best(aggregate)
                hint = f" Did you mean {names(error.close)}?" if error.close else ""
                if fields.rows:
                    notices.append(f"No task has the metric `{aggregate.key}` of `{aggregate}`.{hint}")
        except AmbiguousField as error:
            raise InvalidInput(
                f"`{aggregate}` is ambiguous and can be {names(error.candidates)}. "
                f"{error.advice or 'Use one of them.'}",
                field="metrics",
                suggestions=error.candidates,
            ) from None
    return found, notices


def aggregate_values(
    rows: Sequence[TaskRow], fields: Fields, keys: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the values of those keys that are aggregates, by the name of the task and key."""
    found: dict[str, dict[str, Any]] = {}
    for key in keys:
        field = fields.aggregate(key)
        for row, value in () if field is None else zip(rows, field.values(rows), strict=True):
            if value is not MISSING:
                found.setdefault(row.name, {})[key] = value
    return found


def best_values(rows: Sequence[TaskRow], fields: Fields, keys: Iterable[str]) -> dict[str, BestValue]:
    """Return the best value of each metric or aggregate whose goal is known, unless all values are equal."""
    found: dict[str, BestValue] = {}
    for key in keys:
        field = fields.metric(key)
        if field is None or field.goal is None:
            continue
        values = [value for value in field.values(rows) if type(value) in (int, float) and value == value]
        if values and (low := min(values)) != (high := max(values)):
            found[key] = BestValue(low if field.goal.direction == MINIMIZE else high, field.goal)
    return found
