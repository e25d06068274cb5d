"""Warm start: the results of earlier tasks that a study learns from before its first trial."""

from __future__ import annotations

from collections.abc import Sequence

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.query import Sources, select
from pyruns_jupyter.core.taskfile.runs import COMPLETED
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .definition import Definition, EarlierTask
from .trials import results_of

MAX_TASKS = 1000  # of a warm start


def earlier_tasks(
    workspace: WorkspaceFolder, definition: Definition, space: SearchSpace, wanted: str | Sequence[str]
) -> tuple[EarlierTask, ...]:
    """Return the results of the tasks that match a query, or have these names, as far as they can be used.

    A task can be used if it has completed, its metrics include those of the objectives and constraints, and
    its configuration is in the search space. Keys that the search space does not vary may differ.

    Raises:
        InvalidInput: with field `warm_start`, when the query is not valid, a task does not exist, or none or
            too many can be used.
    """
    index = TaskIndex(workspace)
    index.refresh()
    rows = _matching(index, wanted) if isinstance(wanted, str) else _named(index, wanted)
    found: list[EarlierTask] = []
    unmeasured = outside = unfinished = 0
    for row in rows:
        check_time()  # not in `_values_of`, which takes an error for a configuration that is not valid
        if row.status != COMPLETED:
            unfinished += 1
            continue
        values, violations = results_of(row, definition, index.aggregates.value)
        finite = [value for value in values if value is not None]
        known = [value for value in violations if value is not None]
        if len(finite) < len(values) or len(known) < len(violations):
            unmeasured += 1
            continue
        params = _values_of(workspace, row, space)
        if params is None:
            outside += 1
            continue
        if len(found) == MAX_TASKS:
            raise InvalidInput(
                f"A warm start can use at most {MAX_TASKS:,} tasks, but more match. Select fewer.",
                field="warm_start",
            )
        found.append(EarlierTask(row.name, params, tuple(finite), tuple(known)))
    if not found:
        raise InvalidInput(
            f"No task can be used for the warm start: of {len(rows):,} tasks, {unfinished:,} have not "
            f"completed, {unmeasured:,} lack a metric of the objectives or constraints, and the "
            f"configurations of {outside:,} are not in the search space.",
            field="warm_start",
        )
    return tuple(found)


def _matching(index: TaskIndex, query: str) -> list[TaskRow]:
    try:
        found = select(
            index.rows.values(), query, order="asc", limit=None, sources=Sources.of(index), strict=True
        )
    except InvalidInput as error:
        raise InvalidInput(error.message, field="warm_start") from None
    return found.items


def _named(index: TaskIndex, names: Sequence[str]) -> list[TaskRow]:
    rows = []
    for name in dict.fromkeys(names):
        if name not in index.rows:
            raise InvalidInput(f"The task {name!r} of the warm start does not exist.", field="warm_start")
        rows.append(index.rows[name])
    return rows


def _values_of(workspace: WorkspaceFolder, row: TaskRow, space: SearchSpace) -> dict[str, object] | None:
    """Return the values of a search space in the configuration of a task, None if it is not in the space."""
    try:
        return space.values_in(parse_config(workspace.task_text(row.name)))
    except (PyrunsError, OSError):
        return None
