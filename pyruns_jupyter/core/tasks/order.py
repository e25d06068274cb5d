"""The order that people give tasks by hand, as one number a task.

A task that was never moved stands where it was created: its number is the time of its creation. Moving one
between two others gives it a number between theirs, so only the moved task is written. Tasks that were
created at the same moment (a sweep) have no room between them; then the smaller part of them, on one side,
is spread out first.
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
_AT_ONCE = 200  # tasks written under one lock; others give up after some seconds


def in_order(rows: Iterable[TaskRow]) -> list[TaskRow]:
    """Return rows in the order given by hand; those of the same number by name."""
    return sorted(rows, key=lambda row: (row.place, natural_key(row.name)))


def move_tasks(
    workspace: WorkspaceFolder,
    rows: Mapping[str, TaskRow],
    names: Sequence[str],
    *,
    before: str | None = None,
    after: str | None = None,
) -> list[str]:
    """Put tasks, in the order they are named, right before or after another one; return those written.

    `rows` are all tasks of the workspace, as an index has them.

    Raises:
        InvalidInput: when not exactly one of `before` and `after` is given, or it is one of those moved.
        NotFound: when one of the tasks is not there; nothing is changed.
        Unreadable, Busy: when a task cannot be changed.
    """
    if (before is None) == (after is None):
        raise InvalidInput("Say before or after which task to put them.", field="before")
    anchor = before if before is not None else after
    assert anchor is not None
    names = list(dict.fromkeys(names))
    if anchor in names:
        raise InvalidInput(f"{anchor!r} cannot be put before or after itself.", field="names")
    for name in (anchor, *names):
        if name not in rows:
            raise NotFound(f"There is no task {name!r} in {workspace.folder}.")
    workspace.check_writable()
    moved = set(names)
    rest = [row for row in in_order(rows.values()) if row.name not in moved]
    at = next(index for index, row in enumerate(rest) if row.name == anchor) + (after is not None)
    written = _numbers(rest, at, names)
    left = list(written)
    with synced_at_the_end(workspace, len(left)) as durable:
        while left:
            some, left = left[:_AT_ONCE], left[_AT_ONCE:]
            with task_lock(workspace.tasks):  # whoever else orders tasks waits
                for name in some:
                    folder = workspace.existing(name).folder
                    with edit_task(folder, durable=durable and name in moved) as info:
                        TaskPatch(order=written[name]).apply(info)
    return list(written)


def _numbers(rest: Sequence[TaskRow], at: int, names: Sequence[str]) -> dict[str, float]:
    """Return the numbers to write, so that `names` come to stand before `rest[at]`."""
    places = [row.place for row in rest]
    count = len(names)
    low = places[at - 1] if at > 0 else None
    high = places[at] if at < len(rest) else None
    if low is None and high is None:
        return {name: float(index) for index, name in enumerate(names)}
    if high is None:
        assert low is not None
        return {name: low + _STEP * (index + 1) for index, name in enumerate(names)}
    if low is None:
        return {name: high - _STEP * (count - index) for index, name in enumerate(names)}
    spread = _between(low, high, count)
    if spread is not None:
        return dict(zip(names, spread, strict=True))
    return _spread_out(rest, places, at, names)


def _spread_out(
    rest: Sequence[TaskRow], places: Sequence[float], at: int, names: Sequence[str]
) -> dict[str, float]:
    """Make room where there is none: tasks beside the gap get numbers of their own, as few as it takes."""
    width = 1
    while True:
        # Those to the left of the gap, or to its right, whichever is enough first.
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
    """Return `count` different numbers between two others, None when there is no room for them."""
    found = [low + (high - low) * (index + 1) / (count + 1) for index in range(count)]
    chain = [low, *found, high]
    return found if all(one < other for one, other in pairwise(chain)) else None
