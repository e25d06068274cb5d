"""`task_info.json`: reading it, and changing it under its lock.

The content stays a plain dictionary so that keys of other programs and of later versions survive every write.
`runs.py` knows what the keys mean.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .errors import NotFound, Unreadable
from .files import dump_json, parse_json, write_atomic
from .layout import TASK_INFO
from .tasklock import TIMEOUT, task_lock

TaskInfo = dict[str, Any]

OWN_KEY = "pyruns_jupyter"  # our own facts, one top-level key that other programs carry along


def read_task(folder: Path) -> TaskInfo:
    """Return the task file of `folder`; needs no lock, since files are replaced whole.

    Raises:
        NotFound: when there is no task.
        Unreadable: when the file is damaged.
    """
    return parse_json(_read(folder), folder / TASK_INFO)


@contextmanager
def edit_task(folder: Path, *, durable: bool = True, timeout: float = TIMEOUT) -> Iterator[TaskInfo]:
    """Change a task file under its lock: read, let the `with` block change the dictionary, write if it did.

    An exception in the block leaves the file as it is.

    Raises:
        NotFound: when there is no task.
        Unreadable: when the file is damaged; it is not touched.
        Busy: when the lock cannot be had within `timeout` seconds.
    """
    if not folder.is_dir():
        raise _gone(folder)
    with ExitStack() as stack:
        try:
            dir_fd = stack.enter_context(task_lock(folder, TASK_INFO, timeout=timeout))
        except FileNotFoundError:
            raise _gone(folder) from None
        before = _read(folder, dir_fd)
        info = parse_json(before, folder / TASK_INFO)
        yield info
        after = dump_json(info)
        if after != before:
            write_atomic(folder / TASK_INFO, after, durable=durable, dir_fd=dir_fd)


def own(info: TaskInfo) -> dict[str, Any]:
    """Return our own facts in a task file for changing, added when missing."""
    value = info.get(OWN_KEY)
    if not isinstance(value, dict):
        value = info[OWN_KEY] = {}
    return value


def own_facts(info: TaskInfo) -> dict[str, Any]:
    """Return our own facts in a task file for reading; empty when there are none."""
    value = info.get(OWN_KEY)
    return value if isinstance(value, dict) else {}


def _read(folder: Path, dir_fd: int | None = None) -> bytes:
    path = folder / TASK_INFO if dir_fd is None else Path(TASK_INFO)
    try:
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, dir_fd=dir_fd)
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        raise _gone(folder) from None
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ELOOP):
            raise Unreadable(f"{folder / TASK_INFO} is no file.") from None
        raise


def _gone(folder: Path) -> NotFound:
    return NotFound(f"There is no task {folder.name!r} in {folder.parent.parent}.")
