"""Moving a task's folder, so that no process starts or changes the task meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.fs.atomic import sync_folder
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.taskfile import move_lock
from pyruns_jupyter.core.taskfile.lock import rename_lock
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS
from pyruns_jupyter.core.taskfile.runs import ACTIVE, status_of
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY, TaskInfo, edit_task, own_facts

Edit = Callable[[TaskInfo], None]


def check_movable(info: TaskInfo, name: str) -> None:
    """Check that the task is not queued, running, or being moved by another process.

    Raises:
        Conflict: if it is.
    """
    status = status_of(info)
    if status in ACTIVE:
        raise Conflict(f"The task {name!r} is {status}. Stop it first.")
    move_lock.check(info)


def move(source: Path, target: Path, kind: str, edit: Edit, *, durable: bool = True) -> None:
    """Move a task's folder. A mark in its file (see `move_lock`) prevents that it is started meanwhile.

    `edit` changes the task file at its new place, top-level keys and those of our own data; it is first tried
    on a copy, before anything is moved. The mark itself need not survive a power failure.

    The lock is held during the rename: otherwise a program that changes files by their paths could read this
    task and write to another one that has taken its name.

    Raises:
        Conflict: if the task is queued, running or being moved, or the new place is taken.
        NotFound, Unreadable, Busy: if it cannot be moved.
    """
    with edit_task(source, durable=False) as info:
        check_movable(info, source.name)
        edit({**info, OWN_KEY: {**own_facts(info)}})
        token = move_lock.put(info, kind)
        seen = source.stat()
    try:
        _rename(source, target, seen)
    except BaseException:
        _unmark(source, token)
        raise
    try:
        with edit_task(target, durable=durable) as info:
            edit(info)
            move_lock.clear(info, token)
    except (OSError, PyrunsError):  # a full disk, for example
        with suppress(OSError, PyrunsError):
            _rename(target, source, seen)
            _unmark(source, token)
        raise
    if durable:
        _sync_names(source, target)


def move_damaged(source: Path, target: Path, *, durable: bool = True) -> None:
    """Move the folder of a task with a damaged file, unchanged.

    Raises:
        Conflict: if a run of it is still alive, or the new place is taken.
        NotFound, Busy: if it cannot be moved.
    """
    check_no_owner(source)
    _rename(source, target, source.stat())
    if durable:
        _sync_names(source, target)


def check_no_owner(folder: Path) -> None:
    """Check that no supervisor holds a run of the task in `folder`, whatever the task file says.

    Raises:
        Conflict: if one does.
    """
    for owner in (folder / RUN_LOGS).glob(".run*.owner"):
        if is_locked(owner):
            raise Conflict(f"A run of the task {folder.name!r} is still active. Stop it first.")


def _rename(source: Path, target: Path, seen: os.stat_result) -> None:
    try:
        with rename_lock(source):
            if not os.path.samestat(seen, source.lstat()):
                raise Conflict(f"The task {source.name!r} was replaced by another program. Reload the tasks.")
            os.rename(source, target)
    except FileNotFoundError:
        raise NotFound(f"The task {source.name!r} no longer exists.") from None
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise Conflict(f"{target.name!r} already exists in {target.parent}.") from error
        raise


def _sync_names(source: Path, target: Path) -> None:
    sync_folder(target.parent)
    sync_folder(source.parent)


def _unmark(folder: Path, token: str) -> None:
    with suppress(NotFound, Unreadable), edit_task(folder) as info:
        move_lock.clear(info, token)
