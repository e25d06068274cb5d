"""Names in `tasks/`: the guard that whoever adds one holds, and names that another program has reserved."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from pyruns_jupyter.core.common.errors import Unreadable
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
    """Return whether a living program has reserved a name for a task it is making (call under the guard)."""
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


def tidy_reservations(workspace: WorkspaceFolder, names: Iterable[str]) -> None:
    """Remove the reservations among `names` whose makers are provably dead (call under the guard)."""
    for name in names:
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            with suppress(OSError, Unreadable, ValueError, RecursionError):
                entry = json.loads(read_whole(workspace.tasks / name, most=_MAX_BYTES)[0])
                if isinstance(entry, dict) and move_lock.owner_is_gone(entry, "process_create_time"):
                    (workspace.tasks / name).unlink()


def reservation_name(name: str) -> str:
    """Return the name of the file that reserves a task name."""
    return f"{_PREFIX}{name}{_SUFFIX}"
