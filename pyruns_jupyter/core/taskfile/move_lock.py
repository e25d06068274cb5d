"""The mark `_namespace_operation` in a task file: a process is renaming, removing or restoring the task.

Source: the format described in `docs/disk-format.md`. A task with a valid mark of another process is neither
started nor moved; a mark that has expired, or whose process has ended, is ignored.
"""

from __future__ import annotations

import os
import time
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.common.host_identity import host_name, new_token, process_alive
from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.common.process_identity import ProcessId

from .lock import protocol
from .task_file import TaskInfo

KEY = "_namespace_operation"
LIFETIME = 60.0  # seconds
_MAX_LIFETIME = 3600.0  # seconds; a mark that expires later, by the clock of another host, is damaged
_WORDS = {"rename": "renamed", "delete": "removed", "restore": "restored"}


def put(info: TaskInfo, kind: str) -> str:
    """Mark the task for `rename`, `delete` or `restore` and return the mark's token.

    Raises:
        Conflict: if another process has a valid mark on it.
    """
    check(info)
    token = new_token()
    info[KEY] = {
        "kind": kind,
        "token": token,
        "host": host_name(),
        "lock_protocol": protocol(),
        "pid": os.getpid(),
        "pid_create_time": ProcessId.ours().create_time,
        "expires_at": time.time() + LIFETIME,
    }
    return token


def clear(info: TaskInfo, token: str) -> None:
    """Remove our own mark; the mark of another process is kept."""
    mark = info.get(KEY)
    if isinstance(mark, dict) and mark.get("token") == token:
        del info[KEY]


def check(info: TaskInfo) -> None:
    """Check that no process is moving the task.

    Raises:
        Conflict: if there is a valid mark.
    """
    mark = info.get(KEY)
    if isinstance(mark, dict) and _alive(mark):
        word = _WORDS.get(str(mark.get("kind")), "moved")
        raise Conflict(f"The task {info.get('name', '')!r} is being {word} by another program. Try again.")


def _alive(mark: dict[str, Any]) -> bool:
    expires, now = finite_number(mark.get("expires_at")), time.time()
    if expires is None or not now < expires < now + _MAX_LIFETIME:
        return False
    return not owner_is_gone(mark, "pid_create_time")


def owner_is_gone(entry: dict[str, Any], create_time_key: str) -> bool:
    """Return whether the process that wrote `entry` (host, protocol, pid, create time) has provably ended."""
    if entry.get("host") != host_name() or entry.get("lock_protocol") != protocol():
        return False
    pid, created = entry.get("pid"), finite_number(entry.get(create_time_key), 2**53)
    if type(pid) is not int or not 0 < pid < 2**31:
        return False
    return not process_alive(pid, None if created is None or created < 0 else created)
