"""Moving a task's folder, so that nobody starts or changes the task on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.fs.atomic import sync_folder
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.taskfile import metadata, move_lock
from pyruns_jupyter.core.taskfile.lock import rename_lock
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS
from pyruns_jupyter.core.taskfile.runs import ACTIVE, status_of
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task

Edit = Callable[[TaskInfo], None]


def check_movable(info: TaskInfo, name: str) -> None:
    """Check that the task is neither queued nor running, and not being moved by somebody else.

    Raises:
        Conflict: when it is.
    """
    status = status_of(info)
    if status in ACTIVE:
        raise Conflict(f"The task {name!r} is {status}. Stop it first.")
    move_lock.check(info)


def move(
    source: Path,
    target: Path,
    kind: str,
    new_name: str | None,
    *,
    before: Edit | None = None,
    after: Edit | None = None,
    durable: bool = True,
) -> None:
    """Move a task's folder: marked before, so that nobody starts it, and unmarked at its new place.

    `before` changes the task file with the mark, `after` with the mark's end; what `before` did (see
    `metadata`) is undone when the task cannot be moved after all. The mark itself need not survive a power
    failure.

    The lock is held for the rename: a program that changes files by their paths would else read in this task
    and write in another one that has taken its name.

    Raises:
        Conflict: when the task is queued, running or being moved, or something is at the new place.
        NotFound, Unreadable, Busy: when it cannot be moved.
    """
    with edit_task(source, durable=False) as info:
        check_movable(info, source.name)
        kept = metadata.remember(info) if before else None
        if before:
            before(info)
        token = move_lock.put(info, kind)
        seen = source.stat()
    try:
        _rename(source, target, seen)
    except BaseException:
        _unmark(source, token, kept)
        raise
    try:
        with edit_task(target, durable=durable) as info:
            if new_name is not None:
                info["name"] = new_name
            if after:
                after(info)
            move_lock.clear(info, token)
    except (OSError, PyrunsError):  # a full disk, for one
        with suppress(OSError, PyrunsError):
            _rename(target, source, seen)
            _unmark(source, token, kept)
        raise
    if durable:
        _sync_names(source, target)


def move_damaged(source: Path, target: Path, *, durable: bool = True) -> None:
    """Move the folder of a task whose file cannot be understood, as it is.

    Raises:
        Conflict: when a run of it still lives, or something is at the new place.
        NotFound, Busy: when it cannot be moved.
    """
    check_no_owner(source)
    _rename(source, target, source.stat())
    if durable:
        _sync_names(source, target)


def check_no_owner(folder: Path) -> None:
    """Check that no supervisor holds a run of the task in `folder`, whatever the task's file says.

    Raises:
        Conflict: when one does.
    """
    for owner in (folder / RUN_LOGS).glob(".run*.owner"):
        if is_locked(owner):
            raise Conflict(f"A run of the task {folder.name!r} still lives. Stop it first.")


def _rename(source: Path, target: Path, seen: os.stat_result) -> None:
    try:
        with rename_lock(source):
            if not os.path.samestat(seen, source.lstat()):
                raise Conflict(f"The task {source.name!r} was replaced by another program. Look again.")
            os.rename(source, target)
    except FileNotFoundError:
        raise NotFound(f"There is no task {source.name!r} any more.") from None
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise Conflict(f"Something named {target.name!r} exists already in {target.parent}.") from error
        raise


def _sync_names(source: Path, target: Path) -> None:
    sync_folder(target.parent)
    sync_folder(source.parent)


def _unmark(folder: Path, token: str, kept: Mapping[str, Any] | None) -> None:
    try:
        with edit_task(folder) as info:
            mark = info.get(move_lock.KEY)
            if isinstance(mark, dict) and mark.get("token") == token and kept is not None:
                metadata.put_back(info, kept)
            move_lock.clear(info, token)
    except (NotFound, Unreadable):
        return
