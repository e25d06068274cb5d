"""Grouping similar tasks, such as those that differ only in the seed, with statistics of their metrics."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from operator import attrgetter, is_
from statistics import fmean
from typing import Any, cast

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.config.flatten import EMPTY, column_of, keys_of
from pyruns_jupyter.core.query.columns import usage_of
from pyruns_jupyter.core.query.fields import MISSING
from pyruns_jupyter.core.query.order import sort_by
from pyruns_jupyter.core.query.scanner import quoted
from pyruns_jupyter.core.query.values import value_text
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES, TaskRow, cells_of

from .columns import value_keys
from .tasks import PageRequest, check_fields

MAX_KEYS = 50
MAX_NAMES = 20  # that are listed of one group
_USAGE = ("gpu_hours", "energy_kwh")  # sort keys
_NUMBERS = frozenset({int, float})  # not bool
_FEW = 100  # tasks
_MAX_VALUE = 1e300  # larger numbers, whose sum may not be a float, and NaN are left out


@dataclass
class _Group:
    values: dict[str, Any]
    rows: list[TaskRow]
    aggregates: Mapping[str, Mapping[str, Any]]  # by the name of the task

    @cached_property
    def _figures(self) -> list[Mapping[str, Any]]:
        """The metrics and aggregates of each row."""
        return [{**row.figures, **self.aggregates.get(row.name, {})} for row in self.rows]

    def metrics(self) -> dict[str, None]:
        """Return the names of all metrics and aggregates, in the order in which they first occur."""
        if self.aggregates:
            return dict.fromkeys(key for figures in self._figures for key in figures)
        shapes = {id(row.shape): row.shape for row in self.rows}
        return dict.fromkeys(key for shape in shapes.values() for key in shape.figures)

    def values_of(self, metric: str) -> list[Any]:
        """Return the values of a metric or an aggregate of those tasks that have it."""
        if self.aggregates:
            return [figures[metric] for figures in self._figures if metric in figures]
        return [value for value in cells_of(self.rows, "figures", metric, MISSING) if value is not MISSING]


class GroupRequest(PageRequest, frozen=True):
    """A page of groups: grouped by the keys `by`, or by all keys that differ except those of `fold`.

    `metrics` are aggregates of metrics, of which there are statistics too.
    """

    by: tuple[str, ...] = ()
    fold: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.by and self.fold:
            raise InvalidInput("Specify either 'by' or 'fold', not both.", field="by")
        if len(self.by) + len(self.fold) > MAX_KEYS:
            raise InvalidInput(f"Tasks can be grouped by at most {MAX_KEYS} keys.", field="by")
        check_fields(self, "metrics")

    def reader(self, index: TaskIndex, is_given_up: Callable[[], bool]) -> Callable[[], dict[str, Any]]:
        """Return a slow function that makes the `Groups` from the present index.

        It raises InvalidInput if the query or the sort key is not valid.
        """
        select = self.selection(index)

        def make() -> dict[str, Any]:
            found = select(sort="created", order="asc", is_given_up=is_given_up, aggregates=self.metrics)
            rows, known = [row for row in found.items if row.readable], index.configs()
            configs = _configs_of(rows, known)
            keys = self.by or _differing(configs, self.fold)
            groups = self._ordered(_gather(rows, configs, keys, found.values))
            items = [_model(group) for group in groups[self.offset : self.offset + self.limit]]
            return {
                "by": list(keys),
                "total": len(groups),
                "tasks": len(rows),
                "items": items,
                "goals": {
                    key: goal.direction
                    for key, goal in index.goals()
                    .known(key for item in items for key in item["figures"])
                    .items()
                },
                "notices": [notice.to_dict() for notice in found.notices],
            }

        return make

    def _ordered(self, groups: list[_Group]) -> list[_Group]:
        """Return groups sorted by a parameter, the mean of a metric or `duration`, `tasks` or a `_USAGE`."""
        if not self.sort:
            return groups if self.order != "desc" else groups[::-1]
        kind, _, key = self.sort.partition(".")

        def rank(group: _Group) -> Any:
            if self.sort == "tasks":
                return len(group.rows)
            if self.sort in _USAGE:
                return getattr(usage_of(group.rows), self.sort)
            if self.sort == "duration":
                return _mean(row.duration for row in group.rows)
            if kind == "figure":
                return _mean(group.values_of(key))
            if kind == "config":
                return group.values.get(key)
            known = ", ".join(("tasks", "duration", *_USAGE, "config.KEY", "figure.KEY"))
            raise InvalidInput(f"Unknown sort key {self.sort!r}. Use one of: {known}.", field="sort")

        return sort_by(groups, [*map(rank, groups)], self.order == "desc")


def _configs_of(
    rows: Sequence[TaskRow], known: Mapping[str, Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Return the configuration of each row; its swept values if that is not known."""
    found = [known.get(row.name) for row in rows]
    if any(map(is_, found, repeat(None))) or any(map(is_, found, repeat(EMPTY))):
        pairs = zip(rows, found, strict=True)
        return [row.swept if config is None or config is EMPTY else config for row, config in pairs]
    return cast("list[Mapping[str, Any]]", found)


def _differing(configs: Sequence[Mapping[str, Any]], fold: Iterable[str]) -> tuple[str, ...]:
    folded = set(fold)
    # Most keys that differ at all do so among a few tasks.
    return tuple(
        key
        for key in keys_of(configs)
        if key not in folded and (_differ(configs[:_FEW], key) or _differ(configs, key))
    )


def _differ(configs: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = column_of(configs, key)
    if all(map(is_, values, repeat(values[0]))):
        return False
    keys = value_keys(values)
    return keys.count(keys[0]) != len(keys)


def _gather(
    rows: Sequence[TaskRow],
    configs: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    aggregates: Mapping[str, Mapping[str, Any]],
) -> list[_Group]:
    columns = [value_keys(column_of(configs, key)) for key in keys]
    combined = zip(*columns, strict=True) if columns else repeat((), len(rows))
    places: Sequence[Hashable] = columns[0] if len(columns) == 1 else [*combined]
    members: defaultdict[Hashable, list[TaskRow]] = defaultdict(list)
    for place, row in zip(places, rows, strict=True):
        members[place].append(row)
    first = dict(zip(reversed(places), reversed(configs), strict=True))
    return [
        _Group({key: first[place].get(key) for key in keys}, its, aggregates)
        for place, its in members.items()
    ]


def _model(group: _Group) -> dict[str, Any]:
    counts = Counter(map(attrgetter("status"), group.rows))
    figures = {key: _summary(group.values_of(key)) for key in group.metrics()}
    return {
        "values": encode_nonfinite(group.values),
        "tasks": len(group.rows),
        "names": [row.name for row in group.rows[:MAX_NAMES]],
        "query": query_of(group.values),
        "counts": {status: counts[status] for status in SHOWN_STATUSES},
        "figures": {key: summary for key, summary in figures.items() if summary is not None},
        "duration": _summary([row.duration for row in group.rows if row.duration is not None]),
        **usage_of(group.rows)._asdict(),
    }


def query_of(values: Mapping[str, Any]) -> str | None:
    """Return the query for tasks with these values of parameters, None if a value cannot be queried."""
    terms = []
    for key, value in values.items():
        name = f"config.{key}"
        if not all(letter.isalnum() or letter in "._-" for letter in key):
            name = quoted(name)
        if value is None:
            terms.append(f"no:{name}")
        elif isinstance(value, str):
            terms.append(f"{name}={quoted(value)}")
        elif isinstance(value, (bool, int, float)):
            terms.append(f"{name}={value_text(value)}")
        else:
            return None
    return " ".join(terms)


def _numbers(values: Sequence[Any]) -> tuple[Sequence[float], float, float] | None:
    """Return the finite numbers among some values, the least and the greatest; None if there are none."""
    if values and _NUMBERS.issuperset(map(type, values)):
        least, greatest = min(values), max(values)
        # With NaN among them, the sum is NaN.
        if least > -_MAX_VALUE and greatest < _MAX_VALUE and (total := sum(values)) == total:
            return values, float(least), float(greatest)
    numbers = [float(one) for one in values if type(one) in _NUMBERS and -_MAX_VALUE < one < _MAX_VALUE]
    return (numbers, min(numbers), max(numbers)) if numbers else None


def _mean(values: Iterable[Any]) -> float | None:
    found = _numbers([*values])
    return fmean(found[0]) if found else None


def _summary(values: Sequence[Any]) -> dict[str, Any] | None:
    """Return count, mean, sample standard deviation (n - 1), minimum and maximum of the finite numbers."""
    found = _numbers(values)
    if found is None:
        return None
    numbers, least, greatest = found
    count = len(numbers)
    mean, deviation = least, 0.0 if count > 1 else None
    if least != greatest:
        mean = fmean(numbers)
        deviation = math.dist(numbers, [mean] * count) / math.sqrt(count - 1)
    return {
        "count": count,
        "mean": mean,
        "deviation": deviation,
        "least": least,
        "greatest": greatest,
    }
