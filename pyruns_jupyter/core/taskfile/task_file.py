"""Reading `task_info.json`, and changing it under its lock.

The content is a plain dictionary, so that keys of other programs and of later versions are kept by every
write. `runs.py` interprets the keys.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import dump_json, parse_json, read_whole, too_large, write_atomic
from pyruns_jupyter.core.fs.regular_files import may_exist

from .fast_parse import only_last_points
from .lock import TIMEOUT, task_lock
from .paths import SCRIPT_CONFIG, SHELL_CONFIG, TASK_INFO, missing_in

_TEMPORARY = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.EINTR, errno.ETIMEDOUT)

TaskInfo = dict[str, Any]

MAX_BYTES = 16 * 1024 * 1024  # without the curves: small lists and mappings take 30 times that in memory
_MAX_NAME = 255  # characters
OWN_KEY = "pyruns_jupyter"  # our own data, in one top-level key that other programs keep


def read_task(folder: Path) -> TaskInfo:
    """Return the task file of `folder`; needs no lock, since files are replaced as a whole.

    Raises:
        NotFound: if there is no task.
        Unreadable: if the file is damaged, is not a regular file, or cannot be read.
    """
    return _parse(_read(folder), _path(folder))


@contextmanager
def edit_task(folder: Path, *, durable: bool = True, timeout: float = TIMEOUT) -> Iterator[TaskInfo]:
    """Change a task file under its lock: the `with` block changes the dictionary, which is then written.

    Nothing is written if the block raises, or changes nothing.

    Raises:
        NotFound: if there is no task.
        Unreadable: if the file is damaged; it is not changed.
        Busy: if the lock is not free within `timeout` seconds.
    """
    with ExitStack() as stack:
        try:
            dir_fd = stack.enter_context(task_lock(folder, TASK_INFO, timeout=timeout))
        except (FileNotFoundError, NotADirectoryError):
            raise _gone(folder) from None
        before = _read(folder, dir_fd)
        info = _parse(before, _path(folder))
        yield info
        after = dump_json(info)
        if after != before:
            write_atomic(folder / TASK_INFO, after, durable=durable, dir_fd=dir_fd)


def own(info: TaskInfo) -> dict[str, Any]:
    """Return our own data in a task file, to be changed; it is added if it is missing."""
    value = info.get(OWN_KEY)
    if not isinstance(value, dict):
        value = info[OWN_KEY] = {}
    return value


def own_facts(info: TaskInfo) -> dict[str, Any]:
    """Return our own data in a task file, read-only; empty if there is none."""
    value = info.get(OWN_KEY)
    return value if isinstance(value, dict) else {}


def run_fact(info: TaskInfo, key: str, run: int) -> Any:
    """Return what `key` of our own data in a task file says about a run (from 1), None if nothing."""
    facts = own_facts(info).get(key)
    return facts.get(str(run)) if isinstance(facts, dict) else None


def set_run_fact(info: TaskInfo, key: str, run: int, value: object, kept: int | None = None) -> None:
    """Store what `key` of our own data in a task file says about a run (from 1), nothing if `value` is None,
    and remove what it says about all but the latest `kept` runs.
    """
    facts = own(info).get(key)
    if not isinstance(facts, dict):
        facts = own(info)[key] = {}
    facts.pop(str(run), None)
    if value is not None:
        facts[str(run)] = value
    for number in sorted(facts, key=lambda text: (len(text), text))[:-kept] if kept else ():
        del facts[number]


def mark_imported(info: TaskInfo) -> None:
    """Record in a task file that the task was imported from an archive."""
    own(info)["imported"] = True


def is_imported(info: TaskInfo) -> bool:
    """Return whether a task was imported from an archive."""
    return own_facts(info).get("imported") is True


def payload_name(info: TaskInfo, usual: str | None = None) -> str:
    """Return the name of a task's configuration file, which is always directly in the task's folder.

    `usual` is the name if the task file has no valid one, by default according to the kind of the task.
    """
    name = info.get("config_file")
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or "\0" in name:
        name = ""
    if name not in ("", ".", "..") and os.path.basename(name) == name:
        return str(name)
    return usual or (SHELL_CONFIG if info.get("task_kind") == "shell" else SCRIPT_CONFIG)


def _path(folder: Path) -> str:
    return f"{folder}/{TASK_INFO}"  # faster than `/`


def _read(folder: Path, dir_fd: int | None = None) -> bytes:
    path = _path(folder)
    try:
        return read_whole(path if dir_fd is None else TASK_INFO, path, dir_fd=dir_fd)[0]
    except (FileNotFoundError, NotADirectoryError):
        raise _gone(folder) from None
    except OSError as error:
        raise unreadable(path, error) from error


def parse_last_points(data: bytes, path: Path | str) -> TaskInfo:
    """Return a task file's content with only the last value of each long curve.

    Raises:
        Unreadable: if it is damaged, or too large without the curves.
    """
    rest = only_last_points(data)
    if len(rest) > MAX_BYTES:
        raise too_large(path, MAX_BYTES)
    return parse_json(rest, path)


def _parse(data: bytes, path: str) -> TaskInfo:
    if len(data) > MAX_BYTES and len(only_last_points(data)) > MAX_BYTES:
        raise too_large(path, MAX_BYTES)
    return parse_json(data, path)


def is_task(folder: Path | str) -> bool:
    """Return whether a folder is a task: it contains a `task_info.json`, readable or not."""
    return may_exist(f"{folder}/{TASK_INFO}")


def unreadable(path: Path | str, error: OSError) -> Unreadable:
    """Return the error for a task file that the system cannot read."""
    if error.errno in (errno.ENXIO, errno.EOPNOTSUPP):
        return Unreadable(f"{path} is a socket or a device, not a file.")
    return Unreadable(f"{path} cannot be read: {error.strerror or error}.")


def is_passing(error: Unreadable) -> bool:
    """Return whether a task file could not be read for a temporary reason: it may be undamaged."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _TEMPORARY


def _gone(folder: Path) -> NotFound:
    workspace = folder.parent.parent
    return missing_in(workspace.parent, f"The task {folder.name!r} does not exist in {workspace}.")
