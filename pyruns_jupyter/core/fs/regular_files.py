"""Opening regular files and folders only: no links, no devices, no FIFOs, which would block."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyruns_jupyter.core.common.errors import Unreadable

from .locks import FILE_MODE

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a FIFO must not block us
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_BY_DESCRIPTOR = os.open in os.supports_dir_fd


@contextmanager
def opened_folder(folder: Path, parts: Sequence[str] = (), *, follow: bool = False) -> Iterator[int]:
    """Open the folder at `parts` below `folder` for a `with` block, through no link.

    Each folder is opened in the one above it, so a link that is put there meanwhile leads nowhere else.
    `folder` itself is opened through a link only with `follow`.

    Raises:
        OSError: when it is not there, is behind a link, or may not be read.
    """
    descriptor = os.open(folder, _FOLDER if follow else _FOLDER | NO_FOLLOW)
    try:
        for part in parts:
            below = os.open(part, _FOLDER | NO_FOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(folder: Path, parts: Sequence[str]) -> int:
    """Return a descriptor for reading the plain file at `parts` below `folder`, through no link at all.

    Raises:
        Unreadable: when it is a link, or not a plain file.
        OSError: when it is not there, is behind a link, or may not be read.
    """
    path = folder.joinpath(*parts)
    try:
        if _BY_DESCRIPTOR:
            with opened_folder(folder, parts[:-1]) as parent:
                descriptor = os.open(parts[-1], READ | NO_FOLLOW, dir_fd=parent)
        else:
            descriptor = os.open(path, READ | NO_FOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unreadable(f"{path} is a symbolic link and is not read.") from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise Unreadable(f"{path} is {kind_of_file(mode)}, not a file.")
    return descriptor


def open_regular(path: Path | str) -> int:
    """Return a descriptor for reading a regular file; no link, no device, no FIFO.

    The folder that holds it is no link either: `run_logs` could be one that leads out of the task.

    Raises:
        OSError: when it is no such file, or may not be read.
    """
    folder, name = os.path.split(path)
    try:
        return open_below(Path(folder), (name,))
    except Unreadable:
        raise OSError(f"{path} is no regular file") from None


def open_regular_to_append(path: Path, mode: int = FILE_MODE) -> int:
    """Return a descriptor that appends to a regular file, and reads; it is created when missing.

    Raises:
        OSError: when that is not possible, or something else is in its place.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | NO_FOLLOW | getattr(os, "O_CLOEXEC", 0)
    # A FIFO of this name must not stop who writes.
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, mode)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    except OSError as error:
        if error.errno != errno.ENXIO:  # a socket
            raise
    raise OSError(errno.EEXIST, "path exists and is not a regular file", str(path))


def kind_of_file(mode: int) -> str:
    """Return what something is, in words, by its mode."""
    kinds = (
        *((stat.S_ISREG, "a file"), (stat.S_ISDIR, "a folder"), (stat.S_ISLNK, "a symbolic link")),
        *((stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket")),
    )
    return next((word for test, word in kinds if test(mode)), "a device")


def may_exist(path: str) -> bool:
    """Return whether there is something at `path`, readable or not, also if we may not even look."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True
