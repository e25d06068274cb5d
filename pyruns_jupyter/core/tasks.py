"""What happens to whole tasks: trash, restore, rename; and their notes and pin."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import marker
from .errors import Conflict, NotFound, Unreadable
from .filelock import locked
from .files import sync_folder
from .host import new_token
from .layout import CREATE_GUARD, MAX_NAME_LENGTH, TASK_INFO, check_task_name, is_task_name
from .runs import ACTIVE, status_of
from .stamps import stamp
from .taskfile import TaskInfo, edit_task, read_task
from .tasklock import TIMEOUT, rename_lock, task_lock
from .workspace import WorkspaceFolder, scan_tasks


def set_pinned(workspace: WorkspaceFolder, name: str, pinned: bool) -> None:
    """Pin a task, so that it is listed first, or unpin it.

    Raises:
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    with _edit(workspace, name) as info:
        info["pinned"] = pinned


def set_notes(workspace: WorkspaceFolder, name: str, text: str, expected: str | None = None) -> None:
    """Replace a task's notes (Markdown); with `expected` only when they are still that.

    Raises:
        Conflict: when somebody else changed the notes meanwhile.
        NotFound, Unreadable, Busy: when the task file cannot be changed.
    """
    with _edit(workspace, name) as info:
        current = notes_of(info)
        if expected is not None and current != expected:
            raise Conflict(f"The notes of {name!r} were changed meanwhile. Look at them again before saving.")
        if text != current:
            info["notes"] = text


def notes_of(info: TaskInfo) -> str:
    """Return a task's notes; empty when there are none."""
    notes = info.get("notes")
    return notes if isinstance(notes, str) else ""


def rename(workspace: WorkspaceFolder, old: str, new: str) -> None:
    """Give a task another name.

    Raises:
        InvalidInput: when `new` is no legal name.
        Conflict: when the task is queued or running, or `new` is taken.
        NotFound, Unreadable, Busy: when the task cannot be changed.
    """
    check_task_name(new)
    source = workspace.existing(old).folder
    if old == new:
        return
    target = workspace.tasks / new
    with create_guard(workspace):
        if os.path.lexists(target) or reserved(workspace, new):
            raise Conflict(f"A task named {new!r} exists already. Choose another name.")
        _move(source, target, "rename", new)


def trash(workspace: WorkspaceFolder, name: str) -> str:
    """Move a task to the trash and return its name there (another one when that was taken).

    Raises:
        Conflict: when the task is queued or running.
        NotFound, Unreadable, Busy: when the task cannot be moved.
    """
    source = workspace.existing(name).folder
    workspace.check_writable()
    _check_movable(read_task(source), name)
    workspace.trash.mkdir(exist_ok=True)
    with task_lock(workspace.trash):
        kept = name
        while os.path.lexists(workspace.trash / kept):
            suffix = f"_{stamp()}_{new_token()[:8]}"
            kept = _shortened(name, len(suffix)) + suffix
        _move(source, workspace.trash / kept, "delete", None)
    return kept


def restore(workspace: WorkspaceFolder, name: str) -> str:
    """Bring a task back and return its name.

    `name` is its name in the trash, or the name it had when just one of that name is there.

    Raises:
        Conflict: when a task of its name exists, or several in the trash had the name.
        NotFound, Unreadable, Busy: when the task cannot be moved.
    """
    workspace.check_writable()
    source = workspace.trash / name
    if not is_task_name(name) or not (source / TASK_INFO).is_file() or source.is_symlink():
        candidates = [
            entry for entry in trash_names(workspace) if _name_before(workspace.trash / entry) == name
        ]
        if not candidates:
            raise NotFound(f"There is no task {name!r} in the trash of {workspace.folder}.")
        if len(candidates) > 1:
            raise Conflict(
                f"Several tasks in the trash were called {name!r}: {', '.join(candidates)}. Name one."
            )
        source = workspace.trash / candidates[0]
    back = _name_before(source)
    with create_guard(workspace):
        if os.path.lexists(workspace.tasks / back) or reserved(workspace, back):
            raise Conflict(
                f"A task named {back!r} exists. Rename it first, then restore the one in the trash."
            )
        with task_lock(workspace.trash):
            _move(source, workspace.tasks / back, "restore", back)
    return back


def trash_names(workspace: WorkspaceFolder) -> list[str]:
    """Return the names in the trash, sorted."""
    found = scan_tasks(workspace.trash)
    return sorted(name for name, folder in found if os.path.isfile(f"{folder}/{TASK_INFO}"))


@contextmanager
def create_guard(workspace: WorkspaceFolder, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the guard of the names in `tasks/`: whoever adds a name to the folder holds it. Keep it short.

    Raises:
        Busy: when somebody else holds it for longer than `timeout` seconds.
        Conflict: when a link is in the way.
    """
    workspace.check_writable()
    workspace.tasks.mkdir(exist_ok=True)
    with locked(workspace.tasks / CREATE_GUARD, timeout=timeout):
        yield


def reserved(workspace: WorkspaceFolder, name: str) -> bool:
    """Tell whether a living program has reserved a name for a task it is making (call under the guard)."""
    import json

    try:
        data = (workspace.tasks / reservation_name(name)).read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError):
        return not data.rstrip().endswith(b" released")
    return not (isinstance(entry, dict) and marker.owner_is_gone(entry, "process_create_time"))


def reservation_name(name: str) -> str:
    """Return the name of the file that reserves a task name."""
    return f".pyruns-create-{name}.lock"


@contextmanager
def _edit(workspace: WorkspaceFolder, name: str) -> Iterator[TaskInfo]:
    folder = workspace.existing(name).folder
    workspace.check_writable()
    with edit_task(folder) as info:
        yield info


def _check_movable(info: TaskInfo, name: str) -> None:
    status = status_of(info)
    if status in ACTIVE:
        raise Conflict(f"The task {name!r} is {status}. Stop it first.")
    marker.check(info)


def _move(source: Path, target: Path, kind: str, new_name: str | None) -> None:
    """Move a task's folder: marked before, so that nobody starts it, and unmarked at its new place.

    The lock is held for the rename: a program that changes files by their paths would else read in this task
    and write in another one that has taken its name.
    """
    with edit_task(source) as info:
        _check_movable(info, source.name)
        token = marker.put(info, kind)
        before = source.stat()
    try:
        with rename_lock(source):
            if not os.path.samestat(before, source.lstat()):
                raise Conflict(f"The task {source.name!r} was replaced by another program. Look again.")
            os.rename(source, target)
    except BaseException as error:
        _unmark(source, token)
        if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise Conflict(f"Something named {target.name!r} exists already in {target.parent}.") from error
        if isinstance(error, FileNotFoundError):
            raise NotFound(f"There is no task {source.name!r} any more.") from error
        raise
    sync_folder(target.parent)
    sync_folder(source.parent)
    with edit_task(target) as info:
        if new_name is not None:
            info["name"] = new_name
        marker.clear(info, token)


def _unmark(folder: Path, token: str) -> None:
    try:
        with edit_task(folder) as info:
            marker.clear(info, token)
    except (NotFound, Unreadable):
        return


def _name_before(folder: Path) -> str:
    """Return the name that a task in the trash goes back to."""
    try:
        name = read_task(folder).get("name")
    except (NotFound, Unreadable):
        name = None
    return name if isinstance(name, str) and is_task_name(name) else folder.name


def _shortened(name: str, added: int) -> str:
    name = name[: MAX_NAME_LENGTH - added]
    while len(name.encode("utf-8", "replace")) > 255 - added:
        name = name[:-1]
    return name
