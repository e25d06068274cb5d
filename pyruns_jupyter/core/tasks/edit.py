"""Changing tasks: name, notes, pin, tags and environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.taskfile.metadata import TaskPatch, check_tags, tags_of
from pyruns_jupyter.core.taskfile.paths import check_task_name
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .name_guard import check_free, create_guard
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
    """Apply all changes to a task or none, and return its new name.

    Without `durable` (here and below) the caller makes the change durable.

    Raises:
        InvalidInput: if a value is invalid.
        Conflict: if an old value is not the expected one; or, for a new name, if the task is queued or
            running, or the name is taken.
        NotFound, Unreadable, Busy: if the task cannot be changed.
    """
    wanted.check()
    if new_name is not None:
        check_task_name(new_name)
    source = workspace.existing(name).folder
    if expected_name is not None and expected_name != name:
        raise Conflict(f"The task was renamed to {name!r}. Reload it and try again.")
    workspace.check_writable()
    if new_name is None or new_name == name:
        with edit_task(source, durable=durable) as info:
            wanted.apply(info)
        return name

    def edit(info: TaskInfo) -> None:
        wanted.apply(info)
        info["name"] = new_name

    with create_guard(workspace):
        check_free(workspace, new_name, "Choose another name.")
        move(source, workspace.tasks / new_name, "rename", edit, durable=durable)
    return new_name


def rename(workspace: WorkspaceFolder, old: str, new: str) -> None:
    """Rename a task.

    Raises:
        InvalidInput: if `new` is not a valid name.
        Conflict: if the task is queued or running, or `new` is taken.
        NotFound, Unreadable, Busy: if the task cannot be changed.
    """
    change(workspace, old, TaskPatch(), new_name=new)


def add_tags(workspace: WorkspaceFolder, name: str, tags: Iterable[str], *, durable: bool = True) -> None:
    """Add tags to a task, after those that it has.

    Raises:
        InvalidInput: if one is invalid, or there would be too many.
        NotFound, Unreadable, Busy: if the task file cannot be changed.
    """
    added = check_tags(tags)
    _edit_tags(workspace, name, lambda info: check_tags([*tags_of(info), *added]), durable)


def remove_tags(workspace: WorkspaceFolder, name: str, tags: Iterable[str], *, durable: bool = True) -> None:
    """Remove tags from a task; those it does not have are ignored.

    Raises:
        NotFound, Unreadable, Busy: if the task file cannot be changed.
    """
    removed = set(tags)
    _edit_tags(
        workspace, name, lambda info: tuple(tag for tag in tags_of(info) if tag not in removed), durable
    )


def _edit_tags(
    workspace: WorkspaceFolder, name: str, tags: Callable[[TaskInfo], tuple[str, ...]], durable: bool
) -> None:
    folder = workspace.existing(name).folder
    workspace.check_writable()
    with edit_task(folder, durable=durable) as info:
        TaskPatch(tags=tags(info)).apply(info)
