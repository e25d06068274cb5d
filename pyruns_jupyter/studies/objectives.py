"""The objectives and constraints of a study, and which of its trials are the best."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.validation import convert
from pyruns_jupyter.core.metrics.expressions import (
    BEST,
    LAST,
    MAXIMIZE,
    Aggregate,
    Direction,
    parse_aggregate,
)

MAX_OBJECTIVES, MAX_CONSTRAINTS = 8, 20

_ORDERED = ("<", "<=", ">", ">=")
T = TypeVar("T")


@dataclass(frozen=True)
class Objective:
    """A metric, or an aggregate such as `min(val_loss)`, and whether to `maximize` or `minimize` it."""

    metric: str
    direction: Direction = MAXIMIZE

    def check(self) -> None:
        """Check the metric and the direction.

        Raises:
            InvalidInput: when one is not valid.
        """
        direction: Any = Direction
        convert(self.metric, str, field="objective")
        convert(self.direction, direction, field="direction")
        if not self.metric.strip():
            raise InvalidInput(
                "The objective is empty. Enter the metric to optimize, such as val_acc.", field="objective"
            )
        try:
            parse_aggregate(self.metric)
        except InvalidInput as error:
            raise InvalidInput(error.message, field="objective") from None

    @property
    def aggregate(self) -> Aggregate:
        """The metric as an aggregate other than `best`."""
        found = parse_aggregate(self.metric)
        return Aggregate(LAST, self.metric) if found is None else found.resolved(self.direction)

    def better(self, value: float, than: float) -> bool:
        """Return whether one value is better than another."""
        return value > than if self.direction == MAXIMIZE else value < than


@dataclass(frozen=True)
class Constraint:
    """A limit of a metric, such as `latency <= 20`; `aggregate` is the metric, never `best`."""

    aggregate: Aggregate
    operator: str
    limit: float

    @property
    def metric(self) -> str:
        """The metric as the user writes it."""
        return self.aggregate.key if self.aggregate.function == LAST else str(self.aggregate)

    def violation(self, value: float) -> float:
        """Return by how much a value of the metric violates the limit: at most 0 if it does not."""
        distance = value - self.limit if self.operator[0] == "<" else self.limit - value
        return sys.float_info.min if distance == 0.0 and len(self.operator) == 1 else distance


@lru_cache(maxsize=256)  # each trial of a study is compared with its constraints
def parse_constraint(text: str) -> Constraint:
    """Return the constraint that a text is: a comparison as in a query.

    Raises:
        InvalidInput: with field `constraints`.
    """
    # Most commands start faster without queries.
    from pyruns_jupyter.core.query.ast import FieldTest, TextValue
    from pyruns_jupyter.core.query.parser import parse
    from pyruns_jupyter.core.query.values import measure

    usage = "Write a metric and its limit, such as latency <= 20 or max(memory) < 8e9."
    try:
        found = parse(text).term
    except InvalidInput as error:
        raise InvalidInput(
            f"The constraint {text!r} is not valid: {error.message}", field="constraints"
        ) from None
    if not isinstance(found, FieldTest) or found.operator not in _ORDERED:
        raise InvalidInput(f"The constraint {text!r} is not valid. {usage}", field="constraints")
    (value,) = found.values
    limit = measure(value.text) if isinstance(value, TextValue) else None
    if limit is None or limit - limit != 0.0:
        raise InvalidInput(
            f"The limit of the constraint {text!r} is not a number. {usage}", field="constraints"
        )
    aggregate = parse_aggregate(found.key) or Aggregate(LAST, found.key)
    if aggregate.function == BEST:
        raise InvalidInput(
            f"The constraint {text!r} uses best(...). Write min(...) or max(...).", field="constraints"
        )
    return Constraint(aggregate, found.operator, limit)


def dominates(one: Sequence[float], other: Sequence[float], objectives: Sequence[Objective]) -> bool:
    """Return whether values are at least as good as others in all objectives, and better in one."""
    is_better = False
    for objective, mine, its in zip(objectives, one, other, strict=True):
        if objective.better(its, mine):
            return False
        is_better = is_better or objective.better(mine, its)
    return is_better


def pareto_front(candidates: Iterable[tuple[T, Sequence[float]]], objectives: Sequence[Objective]) -> list[T]:
    """Return those candidates, each with its values, that no other one dominates, in their order."""
    found = [(one, tuple(values)) for one, values in candidates]
    front: list[tuple[float, ...]] = []
    for values in dict.fromkeys(values for _, values in found):  # many trials may have equal ones
        if any(dominates(other, values, objectives) for other in front):
            continue
        front = [other for other in front if not dominates(values, other, objectives)]
        front.append(values)
    best = set(front)
    return [one for one, values in found if values in best]
