"""The user's own order of tasks, stored as one number per task.

The number of a task that was never moved is the time of its creation. Moving a task between two others gives
it a number between theirs, so only the moved task is written. Tasks that were created at the same moment (a
sweep) leave no room between them; then the smaller group of them, on one side, is spread out first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.taskfile.lock import task_lock
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .bulk import synced_at_the_end
from .row import TaskRow

_STEP = 1.0  # between tasks at either end
_TASKS_PER_LOCK = 200  # tasks written under one lock, for which other processes wait only some seconds


def in_order(rows: Iterable[TaskRow]) -> list[TaskRow]:
    """Return rows in the user's order, those with the same number by name."""
    return sorted(rows, key=lambda row: (row.place, natural_key(row.name)))


def move_tasks(
    workspace: WorkspaceFolder,
    rows: Mapping[str, TaskRow],
    names: Sequence[str],
    *,
    before: str | None = None,
    after: str | None = None,
) -> list[str]:
    """Move tasks, in the given order, directly before or after another one; return the names written.

    `rows` are all tasks of the workspace, as in an index.

    Raises:
        InvalidInput: if not exactly one of `before` and `after` is given, or it is one of the moved tasks.
        NotFound: if one of the tasks does not exist; nothing is changed.
        Unreadable, Busy: if a task cannot be changed.
    """
    if (before is None) == (after is None):
        raise InvalidInput("Specify a task before or after which the tasks are moved.", field="before")
    anchor = before if before is not None else after
    assert anchor is not None
    names = list(dict.fromkeys(names))
    if anchor in names:
        raise InvalidInput(f"{anchor!r} cannot be moved before or after itself.", field="names")
    for name in (anchor, *names):
        if name not in rows:
            raise NotFound(f"The task {name!r} does not exist in {workspace.folder}.")
    workspace.check_writable()
    moved = set(names)
    rest = [row for row in in_order(rows.values()) if row.name not in moved]
    at = next(index for index, row in enumerate(rest) if row.name == anchor) + (after is not None)
    written = _numbers(rest, at, names)
    left = list(written)
    with synced_at_the_end(workspace, len(left)) as durable:
        while left:
            some, left = left[:_TASKS_PER_LOCK], left[_TASKS_PER_LOCK:]
            with task_lock(workspace.tasks):  # other processes that order tasks wait
                for name in some:
                    folder = workspace.existing(name).folder
                    with edit_task(folder, durable=durable and name in moved) as info:
                        TaskPatch(order=written[name]).apply(info)
    return list(written)


def _numbers(rest: Sequence[TaskRow], at: int, names: Sequence[str]) -> dict[str, float]:
    """Return the numbers to write, so that `names` come before `rest[at]`."""
    places = [row.place for row in rest]
    width = _STEP * (len(names) + 1)
    low = places[at - 1] if at > 0 else places[0] - width
    high = places[at] if at < len(rest) else low + width
    spread = _between(low, high, len(names))
    if spread is None:
        return _spread_out(rest, places, at, names)
    return dict(zip(names, spread, strict=True))


def _spread_out(
    rest: Sequence[TaskRow], places: Sequence[float], at: int, names: Sequence[str]
) -> dict[str, float]:
    """Make room: tasks next to the gap get new numbers, as few of them as possible."""
    width = 1
    while True:
        # The tasks to the left of the gap or to its right, whichever side makes enough room first.
        first = max(0, at - width)
        outer = places[first - 1] if first > 0 else places[first] - _STEP * (width + len(names) + 1)
        left = _between(outer, places[at], at - first + len(names))
        if left is not None:
            group = [row.name for row in rest[first:at]] + list(names)
            return dict(zip(group, left, strict=True))
        last = min(len(rest), at + width)
        outer = places[last] if last < len(rest) else places[last - 1] + _STEP * (width + len(names) + 1)
        right = _between(places[at - 1], outer, last - at + len(names))
        if right is not None:
            group = [*names, *(row.name for row in rest[at:last])]
            return dict(zip(group, right, strict=True))
        width *= 2


def _between(low: float, high: float, count: int) -> list[float] | None:
    """Return `count` different numbers between two others, None if there is no room for them."""
    found = [low + (high - low) * (index + 1) / (count + 1) for index in range(count)]
    chain = [low, *found, high]
    return found if all(one < other for one, other in pairwise(chain)) else None
