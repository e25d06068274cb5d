"""What can be done to whole tasks: their notes and pin, another name, and, from `trash`, removing them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.taskfile.metadata import TaskPatch, check_tags, tags_of
from pyruns_jupyter.core.taskfile.paths import check_task_name
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .name_guard import create_guard, reserved
from .rename import move


def change(
    workspace: WorkspaceFolder,
    name: str,
    wanted: TaskPatch,
    *,
    new_name: str | None = None,
    expected_name: str | None = None,
    durable: bool = True,
) -> str:
    """Change a task, all that is wanted or nothing, and return its name then; without `durable` (here and
    below) whoever calls sees to it that the change survives a power failure.

    Raises:
        InvalidInput: when something cannot be used.
        Conflict: when something is not as it was expected to be; or, for another name, when the task is
            queued or running, or the name is taken.
        NotFound, Unreadable, Busy: when the task cannot be changed.
    """
    wanted.check()
    if new_name is not None:
        check_task_name(new_name)
    source = workspace.existing(name).folder
    if expected_name is not None and expected_name != name:
        raise Conflict(f"The task is called {name!r} now. Look at it again before saving.")
    workspace.check_writable()
    if new_name is None or new_name == name:
        with edit_task(source, durable=durable) as info:
            wanted.apply(info)
        return name
    target = workspace.tasks / new_name
    with create_guard(workspace):
        if os.path.lexists(target) or reserved(workspace, new_name):
            raise Conflict(f"A task named {new_name!r} exists already. Choose another name.")
        move(source, target, "rename", new_name, before=wanted.apply, durable=durable)
    return new_name


def rename(workspace: WorkspaceFolder, old: str, new: str) -> None:
    """Give a task another name.

    Raises:
        InvalidInput: when `new` is no legal name.
        Conflict: when the task is queued or running, or `new` is taken.
        NotFound, Unreadable, Busy: when the task cannot be changed.
    """
    change(workspace, old, TaskPatch(), new_name=new)


def set_pinned(workspace: WorkspaceFolder, name: str, pinned: bool, *, durable: bool = True) -> None:
    """Pin a task, so that it is listed first, or unpin it.

    Raises:
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    change(workspace, name, TaskPatch(pinned=pinned), durable=durable)


def set_notes(workspace: WorkspaceFolder, name: str, text: str, expected: str | None = None) -> None:
    """Replace a task's notes (Markdown); with `expected` only when they are still that.

    Raises:
        Conflict: when somebody else changed the notes meanwhile.
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    change(workspace, name, TaskPatch(notes=text, expected={} if expected is None else {"notes": expected}))


def set_env(workspace: WorkspaceFolder, name: str, variables: Mapping[str, str | None]) -> None:
    """Set variables of a task's own environment, and unset those whose value is None; coming runs get it.

    Raises:
        InvalidInput: when one has a name or value that cannot be used.
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    change(workspace, name, TaskPatch(env=variables))


def add_tags(workspace: WorkspaceFolder, name: str, tags: Iterable[str], *, durable: bool = True) -> None:
    """Give a task tags, behind those that it has.

    Raises:
        InvalidInput: when one cannot be used, or there are too many.
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    added = check_tags(tags)
    _edit_tags(workspace, name, lambda info: check_tags([*tags_of(info), *added]), durable)


def remove_tags(workspace: WorkspaceFolder, name: str, tags: Iterable[str], *, durable: bool = True) -> None:
    """Take tags away from a task; those it does not have are not missed.

    Raises:
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    gone = set(tags)
    _edit_tags(workspace, name, lambda info: tuple(tag for tag in tags_of(info) if tag not in gone), durable)


def _edit_tags(
    workspace: WorkspaceFolder, name: str, tags: Callable[[TaskInfo], tuple[str, ...]], durable: bool
) -> None:
    folder = workspace.existing(name).folder
    workspace.check_writable()
    with edit_task(folder, durable=durable) as info:
        TaskPatch(tags=tags(info)).apply(info)
