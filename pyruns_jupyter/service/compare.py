"""Comparing tasks: parameters that differ, metrics, and failures grouped by their error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.taskfile.runs import FAILED
from pyruns_jupyter.core.taskfile.task_file import own_facts, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .tasks import Selection

MAX_TASKS = 500
MAX_SHARED = 20  # values that the tasks of one failure group have in common

Columns = Sequence[Mapping[str, Any]]  # `ComparedValues`


class CompareRequest(Selection, frozen=True):
    """The tasks to compare: those of `names` in this order, or those that match the query."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.names and (self.query or self.status):
            raise InvalidInput("Specify either task names, or 'query' and 'status', not both.", field="names")

    def reader(self, index: TaskIndex, is_given_up: Callable[[], bool]) -> Callable[[], dict[str, Any]]:
        """Return a slow function that makes the `Comparison` from the present index.

        It raises InvalidInput if the query is not valid or more than `MAX_TASKS` tasks match.
        """
        rows, select = index.rows, self.selection(index)

        def make() -> dict[str, Any]:
            if self.names:
                chosen = [rows[name] for name in self.names if name in rows]
            else:
                chosen = list(select(is_given_up=is_given_up).items)
            if len(chosen) > MAX_TASKS:
                raise InvalidInput(f"At most {MAX_TASKS} tasks can be compared, not {len(chosen)}.")
            configs = index.configs()
            parameters = _different([configs.get(row.name) or row.swept for row in chosen])
            return {
                "tasks": [row.to_dict() for row in chosen],
                "missing": [name for name in self.names if name not in rows],
                "parameters": parameters,
                "figures": _table([row.figures for row in chosen]),
                "failures": _failure_groups(index.workspace, chosen, parameters),
            }

        return make


class CompareQuery(CompareRequest, frozen=True, rename={"names": "name"}):
    """A `CompareRequest` in the query of a URL."""

    names: tuple[str, ...] = ()  # declared again, because `rename` ignores inherited fields


def _different(configs: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys whose values differ between tasks; a missing value is null."""
    return [column for column in _table(configs) if len(set(map(_key, column["values"]))) > 1]


def _table(values: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = dict.fromkeys(key for one in values for key in one)
    return [{"key": key, "values": [encode_nonfinite(one.get(key)) for one in values]} for key in keys]


def _key(value: Any) -> str:
    """Return a text that is equal for equal values."""
    return json.dumps(value, sort_keys=True)


def _failure_groups(
    workspace: WorkspaceFolder, rows: Sequence[TaskRow], columns: Columns
) -> list[dict[str, Any]]:
    """Return the `FailureGroup`s of some tasks, the largest one first.

    `columns` are the parameters that differ between the tasks, with a value for each task.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    headlines: dict[tuple[str, str], str] = {}
    for at, row in enumerate(rows):
        if row.status != FAILED:
            continue
        headline, fingerprint = _failure(workspace, row)
        key = (fingerprint, "" if fingerprint else headline)
        groups.setdefault(key, []).append(at)
        headlines.setdefault(key, headline)
    found = [
        {
            "message": headlines[key],
            "names": [rows[at].name for at in places],
            "others": len(rows) - len(places),
            "shared": _shared(places, columns) if len(places) > 1 else [],
        }
        for key, places in groups.items()
    ]
    return sorted(found, key=lambda group: -len(group["names"]))


def _failure(workspace: WorkspaceFolder, row: TaskRow) -> tuple[str, str]:
    """Return the error of a failed task and a fingerprint that equal errors share ("" if there is none)."""
    message = row.message or ("" if row.exit_code is None else f"Exit code {row.exit_code}")
    try:
        failures = own_facts(read_task(workspace.paths(row.name).folder)).get("failures")
    except (PyrunsError, OSError):
        return message, ""
    failure = failures.get(str(row.run)) if isinstance(failures, dict) else None
    if not isinstance(failure, list) or len(failure) < 2 or not all(isinstance(one, str) for one in failure):
        return message, ""
    return message or failure[0], failure[1]


def _shared(places: list[int], columns: Columns) -> list[dict[str, Any]]:
    """Return the values that all tasks at `places` have, first those that the fewest other tasks have."""
    shared = []
    for column in columns:
        keys = [*map(_key, column["values"])]
        mine = {keys[at] for at in places}
        value = column["values"][places[0]]
        if len(mine) != 1 or value is None:
            continue
        same = sum(key in mine for key in keys) - len(places)
        shared.append({"key": column["key"], "value": encode_nonfinite(value), "others": same})
    shared.sort(key=lambda one: one["others"])
    return shared[:MAX_SHARED]
