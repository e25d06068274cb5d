"""The trash of a workspace: tasks go in, come back, or are deleted for ever.

Whoever moves tasks in or out holds the lock of the trash, and takes it before the guard of the names, as
every program that shares the folder does: in the other order two of them would wait for each other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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
from .name_guard import create_guard, reserved
from .rename import check_movable, check_no_owner, move, move_damaged

DOOMED_PREFIX = ".pyruns-purge-"  # out of sight and out of reach: what is being deleted
_FACT = "trashed_at"


@dataclass(frozen=True)
class TrashedTask:
    """A task in the trash: its name there, the one it goes back to, and since when it is there (epoch, s).

    `message` says why its file cannot be read, None when it can.
    """

    name: str
    original: str
    trashed_at: float | None
    status: str
    message: str | None = None


def trash(workspace: WorkspaceFolder, name: str, *, durable: bool = True) -> str:
    """Move a task to the trash and return its name there (another one when that was taken).

    Without `durable` (here and below) whoever calls sees to it that the move survives a power failure.

    Raises:
        Conflict: when the task is queued or running.
        NotFound, Busy: when the task cannot be moved.
    """
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
            move(
                source,
                workspace.trash / kept,
                "delete",
                None,
                before=lambda info: _name(info, name),
                after=_mark,
                durable=durable,
            )
    return kept


def restore(
    workspace: WorkspaceFolder, name: str, as_name: str | None = None, *, durable: bool = True
) -> str:
    """Bring a task back and return its name: the one it had, or `as_name`.

    `name` is its name in the trash, or the name it had when just one of that name is there.

    Raises:
        InvalidInput: when `as_name` is no legal name.
        Conflict: when a task of its name exists, or several in the trash had the name.
        NotFound, Busy: when the task cannot be moved.
    """
    if as_name is not None:
        check_task_name(as_name)
    workspace.check_writable()
    source = _find(workspace, name)
    back = as_name or _name_before(source)
    with task_lock(workspace.trash), create_guard(workspace):
        if os.path.lexists(workspace.tasks / back) or reserved(workspace, back):
            raise Conflict(
                f"A task named {back!r} exists. Restore the one in the trash under another name, "
                "or rename the existing one first."
            )
        try:
            read_task(source)
        except Unreadable:
            move_damaged(source, workspace.tasks / back, durable=durable)
        else:
            move(source, workspace.tasks / back, "restore", back, after=_unmark, durable=durable)
    return back


def purge(workspace: WorkspaceFolder, name: str) -> None:
    """Delete the task of this name in the trash for ever.

    Raises:
        Conflict: when it is queued, running, or being restored.
        NotFound, Busy: when there is no such task, or it cannot be deleted.
        OSError: when something in it cannot be deleted.
    """
    doomed = _doom(workspace, name)
    sync_folder(workspace.trash)
    delete_tree(doomed)


def purge_all(
    workspace: WorkspaceFolder, names: Iterable[str] | None = None, *, older_than: float | None = None
) -> Outcome:
    """Delete tasks in the trash for ever, by default all of them, and what earlier purges left.

    All of them are renamed out of sight before the first one is deleted: from then on nobody can bring them
    back, and what a crash leaves is deleted by the next purge.

    Args:
        workspace: whose trash.
        names: only these, by their names in the trash.
        older_than: only those that are in the trash for longer, in seconds.
    """
    limit = None if older_than is None else time.time() - older_than
    chosen = list(dict.fromkeys(trash_names(workspace) if names is None else names))
    outcome = Outcome()
    doomed: dict[str, Path] = {}
    for name in chosen:
        try:
            doomed[name] = _doom(workspace, name, limit)
        except _TooNew:
            continue
        except PyrunsError as error:
            outcome.refused[name] = error.message
        except OSError as error:
            outcome.refused[name] = os_sentence(error)
    if doomed:
        sync_folder(workspace.trash)
    for name, folder in doomed.items():
        try:
            delete_tree(folder)
            outcome.done.append(name)
        except OSError as error:
            outcome.refused[name] = f"Not all of the task {name!r} could be deleted: {os_sentence(error)}"
    _delete_left_overs(workspace)
    return outcome


class _TooNew(Exception):
    """A task was not in the trash for long enough."""


def _doom(workspace: WorkspaceFolder, name: str, limit: float | None = None) -> Path:
    """Rename a task in the trash out of sight and return where it is then.

    Raises:
        _TooNew: when it was moved to the trash after `limit` (epoch, s).
        Conflict, NotFound, Busy: as by `purge`.
    """
    workspace.check_writable()
    source = workspace.trash / name
    if not _is_in_trash(source):
        former = ", ".join(map(repr, _formerly(workspace, name)))
        hint = f" One that was called that is there as {former}." if former else ""
        raise NotFound(f"There is no task {name!r} in the trash of {workspace.folder}.{hint}")
    with task_lock(workspace.trash):
        if limit is not None and (_described(source).trashed_at or time.time()) > limit:
            raise _TooNew
        with suppress(Unreadable):
            check_movable(read_task(source), name)
        check_no_owner(source)
        doomed = workspace.trash / f"{DOOMED_PREFIX}{new_token()}"
        if not os.access(source, os.W_OK | os.X_OK):
            os.chmod(source, 0o700)
        with rename_lock(source):
            os.rename(source, doomed)
    return doomed


def trash_names(workspace: WorkspaceFolder) -> list[str]:
    """Return the names in the trash, sorted."""
    found = scan_tasks(workspace.trash)
    return sorted(name for name, folder in found if is_task(folder))


def trash_tasks(workspace: WorkspaceFolder) -> list[TrashedTask]:
    """Return the tasks in the trash, the last removed first."""
    found = [_described(workspace.trash / name) for name in trash_names(workspace)]
    return sorted(found, key=lambda one: (-(one.trashed_at or 0.0), one.name))


def _described(folder: Path) -> TrashedTask:
    try:
        info = read_task(folder)
    except (PyrunsError, OSError) as error:
        message = error.message if isinstance(error, PyrunsError) else f"{folder} cannot be read: {error}."
        return TrashedTask(folder.name, folder.name, _changed_at(folder), "", message)
    at = finite_number(own_facts(info).get(_FACT), 1e12)
    if at is None or at <= 0:
        at = _changed_at(folder)
    return TrashedTask(folder.name, _original(info, folder), at, status_of(info))


def _changed_at(folder: Path) -> float | None:
    """Return when the task file was written last: whoever moves a task to the trash writes it."""
    try:
        return (folder / TASK_INFO).stat().st_mtime
    except OSError:
        return None


def _find(workspace: WorkspaceFolder, name: str) -> Path:
    source = workspace.trash / name
    if _is_in_trash(source):
        return source
    candidates = _formerly(workspace, name)
    if not candidates:
        raise NotFound(f"There is no task {name!r} in the trash of {workspace.folder}.")
    if len(candidates) > 1:
        raise Conflict(f"Several tasks in the trash were called {name!r}: {', '.join(candidates)}. Name one.")
    return workspace.trash / candidates[0]


def _is_in_trash(folder: Path) -> bool:
    return is_task_name(folder.name) and not folder.is_symlink() and is_task(folder)


def _formerly(workspace: WorkspaceFolder, name: str) -> list[str]:
    """Return the names in the trash of the tasks that were called `name`."""
    return [entry for entry in trash_names(workspace) if _name_before(workspace.trash / entry) == name]


def _delete_left_overs(workspace: WorkspaceFolder) -> None:
    """Delete what earlier purges did not come to; another one that is at it now does not mind."""
    try:
        names = os.listdir(workspace.trash)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if name.startswith(DOOMED_PREFIX):
            with suppress(OSError):
                delete_tree(workspace.trash / name)


def _name(info: TaskInfo, name: str) -> None:
    """Write down the name to come back to: a rename that was killed half-way left the former one."""
    info["name"] = name


def _mark(info: TaskInfo) -> None:
    own(info)[_FACT] = time.time()


def _unmark(info: TaskInfo) -> None:
    own(info).pop(_FACT, None)
    if not info[OWN_KEY]:
        del info[OWN_KEY]


def _name_before(folder: Path) -> str:
    """Return the name that a task in the trash goes back to."""
    try:
        return _original(read_task(folder), folder)
    except (NotFound, Unreadable):
        return folder.name


def _original(info: TaskInfo, folder: Path) -> str:
    name = info.get("name")
    return name if isinstance(name, str) and is_task_name(name) else folder.name


def _shortened(name: str, added: int) -> str:
    name = name[: MAX_NAME_LENGTH - added]
    while len(name.encode("utf-8", "replace")) > 255 - added:
        name = name[:-1]
    return name
