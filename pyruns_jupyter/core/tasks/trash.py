"""The trash of a workspace: tasks are moved to it, restored from it, or deleted permanently.

To move tasks in or out, a process takes the lock of the trash before the guard of the names, as every program
that shares the folder does: the other order could lead to a deadlock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError, Unreadable, os_sentence
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.atomic import sync_folder
from pyruns_jupyter.core.fs.remove_tree import delete_tree
from pyruns_jupyter.core.taskfile.lock import rename_lock, task_lock
from pyruns_jupyter.core.taskfile.paths import MAX_NAME_LENGTH, TASK_INFO, check_task_name, is_task_name
from pyruns_jupyter.core.taskfile.runs import status_of
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY, TaskInfo, is_task, own, own_facts, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, scan_tasks

from .bulk import Outcome
from .name_guard import check_free, create_guard
from .rename import check_movable, check_no_owner, move, move_damaged

PURGE_PREFIX = ".pyruns-purge-"  # of hidden folders that are being deleted
_TRASHED_AT = "trashed_at"


class TrashedTask(Struct, frozen=True):
    """A task in the trash: its name there, its original name, and when it was moved there (epoch, s).

    `message` says why its file cannot be read, None if it can.
    """

    name: str
    original: str
    trashed_at: float | None
    status: str
    message: str | None = None


def trash(workspace: WorkspaceFolder, name: str, *, durable: bool = True) -> str:
    """Move a task to the trash and return its name there (another one if its own was taken).

    Without `durable` (here and below) the caller makes the move durable.

    Raises:
        Conflict: if the task is queued or running.
        NotFound, Busy: if the task cannot be moved.
    """

    def edit(info: TaskInfo) -> None:
        info["name"] = name  # it may differ after a rename that was interrupted
        own(info)[_TRASHED_AT] = time.time()

    source = workspace.existing(name).folder
    workspace.check_writable()
    damaged = False
    try:
        check_movable(read_task(source), name)
    except Unreadable:
        damaged = True
    workspace.trash.mkdir(exist_ok=True)
    with task_lock(workspace.trash):
        kept = name
        while os.path.lexists(workspace.trash / kept):
            suffix = f"_{stamp()}_{new_token()[:8]}"
            kept = _shortened(name, len(suffix)) + suffix
        if damaged:
            move_damaged(source, workspace.trash / kept, durable=durable)
        else:
            move(source, workspace.trash / kept, "delete", edit, durable=durable)
    return kept


def restore(
    workspace: WorkspaceFolder, name: str, as_name: str | None = None, *, durable: bool = True
) -> str:
    """Restore a task and return its name: its original one, or `as_name`.

    `name` is its name in the trash, or its original name if only one task there had that.

    Raises:
        InvalidInput: if `as_name` is not a valid name.
        Conflict: if a task with its name exists, or several tasks in the trash had the name.
        NotFound, Busy: if the task cannot be moved.
    """
    if as_name is not None:
        check_task_name(as_name)
    workspace.check_writable()
    source = _find(workspace, name)
    back = as_name or _described(source).original

    def edit(info: TaskInfo) -> None:
        info["name"] = back
        own(info).pop(_TRASHED_AT, None)
        if not info[OWN_KEY]:
            del info[OWN_KEY]

    with task_lock(workspace.trash), create_guard(workspace):
        check_free(workspace, back, "Restore the task under another name, or rename the existing task first.")
        try:
            read_task(source)
        except Unreadable:
            move_damaged(source, workspace.tasks / back, durable=durable)
        else:
            move(source, workspace.tasks / back, "restore", edit, durable=durable)
    return back


def purge(workspace: WorkspaceFolder, name: str) -> None:
    """Delete the task with this name in the trash permanently.

    Raises:
        Conflict: if it is queued, running, or being restored.
        NotFound, Busy: if there is no such task, or it cannot be deleted.
        OSError: if something in it cannot be deleted.
    """
    folder = _hide(workspace, name)
    sync_folder(workspace.trash)
    assert folder is not None
    delete_tree(folder)


def purge_all(
    workspace: WorkspaceFolder, names: Iterable[str] | None = None, *, older_than: float | None = None
) -> Outcome:
    """Delete tasks in the trash permanently, by default all of them, and left-overs of earlier purges.

    All of them are renamed to hidden names before the first one is deleted: from then on they cannot be
    restored, and what a crash leaves is deleted by the next purge.

    Args:
        workspace: the workspace of the trash.
        names: only these, by their names in the trash.
        older_than: only those that were moved to the trash more than this many seconds ago.
    """
    limit = None if older_than is None else time.time() - older_than
    chosen = list(dict.fromkeys(trash_names(workspace) if names is None else names))
    outcome = Outcome()
    hidden: dict[str, Path] = {}
    for name in chosen:
        try:
            if folder := _hide(workspace, name, limit):
                hidden[name] = folder
        except PyrunsError as error:
            outcome.refused[name] = error.message
        except OSError as error:
            outcome.refused[name] = os_sentence(error)
    if hidden:
        sync_folder(workspace.trash)
    for name, folder in hidden.items():
        try:
            delete_tree(folder)
            outcome.done.append(name)
        except OSError as error:
            outcome.refused[name] = f"The task {name!r} was only partly deleted. {os_sentence(error)}"
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(workspace.trash):
            if name.startswith(PURGE_PREFIX):
                with suppress(OSError):
                    delete_tree(workspace.trash / name)
    return outcome


def _hide(workspace: WorkspaceFolder, name: str, limit: float | None = None) -> Path | None:
    """Rename a task in the trash to a hidden name and return its new path.

    Returns None if it was moved to the trash after `limit` (epoch, s).

    Raises:
        Conflict, NotFound, Busy: as by `purge`.
    """
    workspace.check_writable()
    source = workspace.trash / name
    if not _is_in_trash(source):
        there = ", ".join(map(repr, _with_original_name(workspace, name)))
        hint = f" A task with this original name is in the trash as {there}." if there else ""
        raise NotFound(f"The task {name!r} is not in the trash of {workspace.folder}.{hint}")
    with task_lock(workspace.trash):
        if limit is not None and (_described(source).trashed_at or time.time()) > limit:
            return None
        with suppress(Unreadable):
            check_movable(read_task(source), name)
        check_no_owner(source)
        hidden = workspace.trash / f"{PURGE_PREFIX}{new_token()}"
        if not os.access(source, os.W_OK | os.X_OK):
            os.chmod(source, 0o700)
        with rename_lock(source):
            os.rename(source, hidden)
    return hidden


def trash_names(workspace: WorkspaceFolder) -> list[str]:
    """Return the names in the trash, sorted."""
    found = scan_tasks(workspace.trash)
    return sorted(name for name, folder in found if is_task(folder))


def trash_tasks(workspace: WorkspaceFolder) -> list[TrashedTask]:
    """Return the tasks in the trash, the last removed first."""
    found = [_described(workspace.trash / name) for name in trash_names(workspace)]
    return sorted(found, key=lambda one: (-(one.trashed_at or 0.0), one.name))


def _described(folder: Path) -> TrashedTask:
    changed_at: float | None = None  # when the task file was written last: moving it to the trash writes it
    with suppress(OSError):
        changed_at = (folder / TASK_INFO).stat().st_mtime
    try:
        info = read_task(folder)
    except (PyrunsError, OSError) as error:
        message = error.message if isinstance(error, PyrunsError) else f"{folder} cannot be read: {error}."
        return TrashedTask(folder.name, folder.name, changed_at, "", message)
    at, name = finite_number(own_facts(info).get(_TRASHED_AT), 1e12), info.get("name")
    original = name if isinstance(name, str) and is_task_name(name) else folder.name
    return TrashedTask(folder.name, original, at if at and at > 0 else changed_at, status_of(info))


def _find(workspace: WorkspaceFolder, name: str) -> Path:
    source = workspace.trash / name
    if _is_in_trash(source):
        return source
    candidates = _with_original_name(workspace, name)
    if not candidates:
        raise NotFound(f"The task {name!r} is not in the trash of {workspace.folder}.")
    if len(candidates) > 1:
        raise Conflict(
            f"Several tasks in the trash were named {name!r}: {', '.join(candidates)}. Specify one "
            "of these names."
        )
    return workspace.trash / candidates[0]


def _is_in_trash(folder: Path) -> bool:
    return is_task_name(folder.name) and not folder.is_symlink() and is_task(folder)


def _with_original_name(workspace: WorkspaceFolder, name: str) -> list[str]:
    """Return the names in the trash of the tasks that were named `name`."""
    return [one.name for one in trash_tasks(workspace) if one.original == name]


def _shortened(name: str, added: int) -> str:
    name = name[: MAX_NAME_LENGTH - added]
    while len(name.encode("utf-8", "replace")) > 255 - added:
        name = name[:-1]
    return name
