"""Tasks side by side: in which parameters they differ, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pyruns_jupyter.core import query as queries
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow

from .failures import failure_groups
from .tasks import Selection, read_statuses

MAX_TASKS = 500  # tasks


class CompareRequest(Selection, frozen=True):
    """The tasks to compare: those of `names` in their order, or those that a query finds."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.names and (self.query or self.status):
            raise InvalidInput("Give either names, or 'query' and 'status'.", field="names")

    def reader(self, is_given_up: Callable[[], bool]) -> Callable[[TaskIndex], Callable[[], dict[str, Any]]]:
        """Return what takes a look at an index and returns what makes the `Comparison`.

        That raises InvalidInput when the search is not understood or finds more than 500 tasks.
        """
        return lambda index: self._made(index, is_given_up)

    def _made(self, index: TaskIndex, is_given_up: Callable[[], bool]) -> Callable[[], dict[str, Any]]:
        rows, sources = index.rows, queries.Sources.of(index)

        def make() -> dict[str, Any]:
            chosen = self._chosen(rows, sources, is_given_up)
            if len(chosen) > MAX_TASKS:
                raise InvalidInput(f"{len(chosen)} tasks are too many to compare; {MAX_TASKS} are the most.")
            configs = index.configs()
            parameters = _different([configs.get(row.name) or row.swept for row in chosen])
            return {
                "tasks": [row.to_dict() for row in chosen],
                "missing": [name for name in self.names if name not in rows],
                "parameters": parameters,
                "figures": _table([row.figures for row in chosen]),
                "failures": failure_groups(index.workspace, chosen, parameters),
            }

        return make

    def _chosen(
        self, rows: Mapping[str, TaskRow], sources: queries.Sources, is_given_up: Callable[[], bool]
    ) -> list[TaskRow]:
        if not self.names:
            found = queries.select(
                rows.values(),
                self.query,
                statuses=read_statuses(self.status),
                sort=self.sort or "created",
                order=self.order or "asc",
                limit=None,
                sources=sources,
                is_given_up=is_given_up,
            )
            return list(found.items)
        return [rows[name] for name in self.names if name in rows]


def _different(configs: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys that do not have the same value everywhere; what has none is null."""
    return [
        column
        for column in _table(configs)
        if len({json.dumps(value, sort_keys=True) for value in column["values"]}) > 1
    ]


def _table(values: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = dict.fromkeys(key for one in values for key in one)
    return [{"key": key, "values": [encode_nonfinite(one.get(key)) for one in values]} for key in keys]
