"""Comparing tasks: parameters that differ, metrics, and failures grouped by their error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pyruns_jupyter.core import query
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.metrics.goals import Goals
from pyruns_jupyter.core.tasks.failure_groups import failure_groups
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow

from .actions import MAX_NAMES
from .tasks import Selection, check_fields

MAX_TASKS = 500


class NamedSelection(Selection, frozen=True):
    """The tasks `names`, or those that match the query."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.names and (self.query or self.status):
            raise InvalidInput("Specify either task names, or 'query' and 'status', not both.", field="names")

    def selection_of(self, named: list[TaskRow], index: TaskIndex) -> partial[query.QueryResult]:
        """Return a function that finds the rows `named` if there are `names`, else `selection`."""
        if not self.names:
            return self.selection(index)
        return partial(query.select, named, limit=None, sources=query.Sources.of(index))


class CompareRequest(NamedSelection, frozen=True):
    """The tasks to compare: those of `names` in this order, or those that match the query.

    `metrics` are aggregates of metrics to compare in addition.
    """

    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, "metrics")
        super().__post_init__()

    def reader(self, index: TaskIndex, is_given_up: Callable[[], bool]) -> Callable[[], dict[str, Any]]:
        """Return a slow function that makes the `Comparison` from the present index.

        It raises InvalidInput if the query is not valid or more than `MAX_TASKS` tasks match.
        """
        rows = index.rows
        named = [rows[name] for name in self.names if name in rows]
        select = self.selection_of(named, index)

        def make() -> dict[str, Any]:
            found = select(is_given_up=is_given_up, aggregates=self.metrics)
            chosen = named if self.names else found.items
            if len(chosen) > MAX_TASKS:
                raise InvalidInput(f"At most {MAX_TASKS} tasks can be compared, not {len(chosen)}.")
            known = index.configs()
            configs = [known.get(row.name) or row.swept for row in chosen]
            return {
                "tasks": [row.to_dict() for row in chosen],
                "missing": [name for name in self.names if name not in rows],
                "parameters": _different(configs),
                "figures": _with_goals(
                    _table(
                        [{**row.figures, **found.values.get(row.name, {})} for row in chosen], self.metrics
                    ),
                    index.goals(),
                ),
                "failures": [one.to_dict() for one in failure_groups(index.workspace, chosen, configs)],
                "notices": [notice.to_dict() for notice in found.notices],
            }

        return make


class CompareQuery(CompareRequest, frozen=True, rename={"names": "name"}):
    """A `CompareRequest` in the query of a URL."""

    names: tuple[str, ...] = ()  # declared again, because `rename` ignores inherited fields


class FailuresRequest(NamedSelection, frozen=True):
    """The tasks whose failures to group: those of `names`, or those that match the query."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.names) > MAX_NAMES:
            raise InvalidInput(
                f"At most {MAX_NAMES:,} names are allowed, not {len(self.names):,}. Use a query instead.",
                field="names",
            )

    def reader(self, index: TaskIndex, is_given_up: Callable[[], bool]) -> Callable[[], dict[str, Any]]:
        """Return a slow function that makes the `Failures` from the present index.

        It raises InvalidInput if the query is not valid.
        """
        wanted = {*self.names}
        select = self.selection_of([row for name, row in index.rows.items() if name in wanted], index)

        def make() -> dict[str, Any]:
            chosen = select(is_given_up=is_given_up).items
            known = index.configs()
            configs = [known.get(row.name) or row.swept for row in chosen]
            groups = failure_groups(index.workspace, chosen, configs, is_given_up)
            return {"tasks": len(chosen), "groups": [one.to_dict() for one in groups]}

        return make


def _different(configs: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys whose values differ between tasks; a missing value is null."""
    return [column for column in _table(configs) if len(set(map(_key, column["values"]))) > 1]


def _table(values: Sequence[Mapping[str, Any]], more: Iterable[str] = ()) -> list[dict[str, Any]]:
    keys = dict.fromkeys([*(key for one in values for key in one), *more])
    return [{"key": key, "values": [encode_nonfinite(one.get(key)) for one in values]} for key in keys]


def _with_goals(columns: list[dict[str, Any]], goals: Goals) -> list[dict[str, Any]]:
    found = ((column, goals.find(column["key"])) for column in columns)
    return [column | {"goal": None if goal is None else goal.direction} for column, goal in found]


def _key(value: Any) -> str:
    """Return a text that is equal for equal values."""
    return json.dumps(value, sort_keys=True)
