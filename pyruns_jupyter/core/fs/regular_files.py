"""Opening regular files and folders only: no links, no devices, no FIFOs, which would block."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyruns_jupyter.core.common.errors import Unreadable

from .locks import FILE_MODE, SAFE_FLAGS

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a FIFO must not block us
OPEN_FOLDER = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_BY_DESCRIPTOR = os.open in os.supports_dir_fd


def set_mode(descriptor: int, mode: int) -> None:
    """Set the permissions of an open file or folder, whatever the umask is. Windows has none."""
    if sys.platform != "win32":
        os.fchmod(descriptor, mode)


def set_times(descriptor: int, path: Path | None = None, ns: tuple[int, int] | None = None) -> None:
    """Set the times of access and change of an open file (default: now).

    Windows needs its `path`; without it, nothing happens there.
    """
    place = descriptor if os.utime in os.supports_fd else path
    if place is not None and ns is None:
        os.utime(place)
    elif place is not None and ns is not None:
        os.utime(place, ns=ns)


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of the data to an open file.

    Raises:
        OSError: if it cannot be written, or only a part of it.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def opened_folder(folder: str | Path, parts: Sequence[str] = (), *, follow: bool = False) -> Iterator[int]:
    """Open the folder at `parts` below `folder` for a `with` block, without following links.

    Each folder is opened relative to the one above it, so a link that is created meanwhile has no effect.
    `folder` itself may be a link only with `follow`.

    Raises:
        OSError: if it does not exist, is reached through a link or cannot be read.
    """
    descriptor = os.open(folder, OPEN_FOLDER & ~NO_FOLLOW if follow else OPEN_FOLDER)
    try:
        for part in parts:
            below = os.open(part, OPEN_FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(folder: str | Path, parts: Sequence[str]) -> int:
    """Return a descriptor for reading the regular file at `parts` below `folder`, without following links.

    Raises:
        Unreadable: if it is a link or not a regular file.
        OSError: if it does not exist, is reached through a link or cannot be read.
    """
    path = os.path.join(folder, *parts)
    if not _BY_DESCRIPTOR:
        return open_to_read(path)
    with opened_folder(folder, parts[:-1]) as parent:
        return open_to_read(parts[-1], path, dir_fd=parent)


def open_to_read(
    path: str | Path, shown: str | Path | None = None, *, dir_fd: int | None = None, follow: bool = False
) -> int:
    """Return a descriptor for reading a regular file, which may be a link only with `follow`.

    `shown` is its name in messages, by default `path`. Never waits for a writer (of a FIFO).

    Raises:
        Unreadable: if it is a link or not a regular file.
        OSError: if it does not exist or cannot be read.
    """
    try:
        descriptor = os.open(path, READ if follow else READ | NO_FOLLOW, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise Unreadable(f"{shown or path} is a symbolic link and is not read.") from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise Unreadable(f"{shown or path} is {kind_of_file(mode)}, not a file.")
    return descriptor


def open_regular(path: Path | str) -> int:
    """Return a descriptor for reading a regular file; not a link, a device or a FIFO.

    The folder that holds it must not be a link either: `run_logs` could lead out of the task.

    Raises:
        OSError: if it is not such a file or cannot be read.
    """
    folder, name = os.path.split(path)
    try:
        return open_below(folder or os.curdir, (name,))
    except Unreadable:
        raise OSError(f"{path} is not a regular file") from None


def open_regular_to_append(path: Path, mode: int = FILE_MODE) -> int:
    """Return a descriptor for appending to a regular file and reading it; a missing file is created.

    Raises:
        OSError: if that is not possible or `path` is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | SAFE_FLAGS, mode)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    except OSError as error:
        if error.errno != errno.ENXIO:  # a socket
            raise
    raise OSError(errno.EEXIST, "path exists and is not a regular file", str(path))


def kind_of_file(mode: int) -> str:
    """Return the kind of a file, in words, by its mode."""
    kinds = (
        *((stat.S_ISREG, "a file"), (stat.S_ISDIR, "a folder"), (stat.S_ISLNK, "a symbolic link")),
        *((stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket")),
    )
    return next((word for test, word in kinds if test(mode)), "a device")


def may_exist(path: str) -> bool:
    """Return whether `path` exists, or may exist in a folder that we cannot search."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True
