"""Opening regular files only: no links, no devices, no FIFOs, which would block."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .locks import FILE_MODE

_BY_DESCRIPTOR = os.open in os.supports_dir_fd


def open_regular(path: Path | str) -> int:
    """Return a descriptor for reading a regular file; no link, no device, no FIFO.

    The folder that holds it is no link either: `run_logs` could be one that leads out of the task.

    Raises:
        OSError: when it is no such file, or may not be read.
    """
    nofollow = getattr(os, "O_NOFOLLOW", 0)
    flags = os.O_RDONLY | nofollow | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if _BY_DESCRIPTOR:
        parent, name = os.path.split(path)
        folder = os.open(parent or os.curdir, os.O_RDONLY | os.O_DIRECTORY | nofollow)
        try:
            descriptor = os.open(name, flags, dir_fd=folder)
        finally:
            os.close(folder)
    else:
        descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor


def open_regular_to_append(path: Path, mode: int = FILE_MODE) -> int:
    """Return a descriptor that appends to a regular file, and reads; it is created when missing.

    Raises:
        OSError: when that is not possible, or something else is in its place.
    """
    flags = (
        os.O_RDWR
        | os.O_APPEND
        | os.O_CREAT
        | getattr(os, "O_NOFOLLOW", 0)
        | getattr(os, "O_NONBLOCK", 0)  # a FIFO of this name must not stop who writes
        | getattr(os, "O_BINARY", 0)
        | getattr(os, "O_CLOEXEC", 0)
    )
    descriptor = os.open(path, flags, mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor
