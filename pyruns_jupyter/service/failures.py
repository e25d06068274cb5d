"""Failed tasks grouped by their error, and what the configurations of each group have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.taskfile.runs import FAILED
from pyruns_jupyter.core.taskfile.task_file import own_facts, read_task
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

MAX_SHARED = 20  # values that are told of a group

Columns = Sequence[Mapping[str, Any]]  # `ComparedValues`


def failure_groups(
    workspace: WorkspaceFolder, rows: Sequence[TaskRow], columns: Columns
) -> list[dict[str, Any]]:
    """Return the `FailureGroup`s of some tasks, the largest one first.

    `columns` are the parameters in which the tasks differ, with a value for each task.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    headlines: dict[tuple[str, str], str] = {}
    for at, row in enumerate(rows):
        if row.status != FAILED:
            continue
        headline, mark = _failure(workspace, row)
        key = (mark, "" if mark else headline)
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
    """Return why a task failed, and the mark that those have in common who died of the same ("" when none is
    known).
    """
    said = row.message or ("" if row.exit_code is None else f"Exit code {row.exit_code}")
    try:
        failures = own_facts(read_task(workspace.paths(row.name).folder)).get("failures")
    except (PyrunsError, OSError):
        return said, ""
    failure = failures.get(str(row.run)) if isinstance(failures, dict) else None
    if not isinstance(failure, list) or len(failure) < 2 or not all(isinstance(one, str) for one in failure):
        return said, ""
    return said or failure[0], failure[1]


def _shared(places: list[int], columns: Columns) -> list[dict[str, Any]]:
    """Return the values that all tasks at these places have, first those that the fewest others have."""
    shared = []
    for column in columns:
        texts = [json.dumps(value, sort_keys=True) for value in column["values"]]
        mine = {texts[at] for at in places}
        value = column["values"][places[0]]
        if len(mine) != 1 or value is None:
            continue
        same = sum(text in mine for text in texts) - len(places)
        shared.append({"key": column["key"], "value": encode_nonfinite(value), "others": same})
    shared.sort(key=lambda one: one["others"])
    return shared[:MAX_SHARED]
