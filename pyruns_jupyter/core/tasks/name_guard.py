"""Names in `tasks/`: the lock held while one is added, and names that another program has reserved."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from pyruns_jupyter.core.common.errors import Conflict, Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile import move_lock
from pyruns_jupyter.core.taskfile.lock import TIMEOUT
from pyruns_jupyter.core.taskfile.paths import CREATE_GUARD
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

_PREFIX, _SUFFIX = ".pyruns-create-", ".lock"
_MAX_BYTES = 64 * 1024  # bytes of a reservation


@contextmanager
def create_guard(workspace: WorkspaceFolder, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock that every process holds while it adds a name to `tasks/`. Keep it short.

    Raises:
        Busy: if another process holds it for longer than `timeout` seconds.
        Conflict: if one of the folders is a link.
    """
    workspace.check_writable()
    workspace.tasks.mkdir(exist_ok=True)
    with locked(workspace.tasks / CREATE_GUARD, timeout=timeout):
        yield


def reserved(workspace: WorkspaceFolder, name: str) -> bool:
    """Return whether a running program has reserved a name for a task it creates (call under the guard)."""
    try:
        data, _ = read_whole(workspace.tasks / reservation_name(name), most=_MAX_BYTES)
    except FileNotFoundError:
        return False
    except Unreadable:
        return True
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError):
        return not data.rstrip().endswith(b" released")
    return not (isinstance(entry, dict) and move_lock.owner_is_gone(entry, "process_create_time"))


def check_free(workspace: WorkspaceFolder, name: str, remedy: str) -> None:
    """Check that no task has a name and none has reserved it (call under the guard).

    Raises:
        Conflict: if the name is taken; its message ends with `remedy`.
    """
    if os.path.lexists(workspace.tasks / name) or reserved(workspace, name):
        raise Conflict(f"A task named {name!r} already exists. {remedy}")


def tidy_reservations(workspace: WorkspaceFolder, names: Iterable[str]) -> None:
    """Remove the reservations among `names` whose programs have provably ended (call under the guard)."""
    for name in names:
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            with suppress(OSError, Unreadable, ValueError, RecursionError):
                entry = json.loads(read_whole(workspace.tasks / name, most=_MAX_BYTES)[0])
                if isinstance(entry, dict) and move_lock.owner_is_gone(entry, "process_create_time"):
                    (workspace.tasks / name).unlink()


def reservation_name(name: str) -> str:
    """Return the name of the file that reserves a task name."""
    return f"{_PREFIX}{name}{_SUFFIX}"
