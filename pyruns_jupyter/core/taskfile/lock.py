"""The lock around every change of a task file, understood by every program that shares the folder.

Source: `docs/disk-format.md`, "The lock". A kernel lock on a permanent guard file is taken first; a second
file that exists only while the lock is held is for programs (and hosts) that know only that one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path

from pyruns_jupyter.core.common.errors import Busy, Unreadable
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.locks import FILE_MODE, locked

TIMEOUT = 5.0  # seconds
_MAX_HOLDER_BYTES = 64 * 1024
_EMPTY_SECONDS = 1.0  # whoever creates the lock file writes its line at once
# After which a lock file of another host counts as left by a dead process: locks are held for milliseconds,
# and we hold the guard. Only on disks whose kernel locks reach no other host could its writer still live.
LEFT_SECONDS = 60.0

# A folder held open is reached under whatever name it has. Where there is no such thing, a folder with open
# files cannot be renamed.
_BY_DESCRIPTOR = {os.open, os.rename, os.unlink} <= os.supports_dir_fd


@cache
def protocol() -> str:
    """Return the word by which programs of this host recognise each other's lock files."""
    parts = (os.name, sys.platform, host_name().lower(), os.environ.get("WSL_DISTRO_NAME", ""))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
    return "guard-v2:" + digest.hexdigest()


@contextmanager
def task_lock(
    folder: Path, name: str = "task_info.json", *, timeout: float = TIMEOUT
) -> Iterator[int | None]:
    """Hold the lock `.<name>.lock` of `folder` for the length of a `with` block (keep it to milliseconds).

    A task may be renamed while somebody waits for its lock, or by a program that does not hold it, and
    another one may take its name. So the block gets the descriptor of the folder that is locked, to read and
    write in it (`dir_fd`), None where the system has no such thing.

    A lock file that another host left is removed when it is older than `LEFT_SECONDS`.

    Raises:
        Busy: when somebody else holds it for longer than `timeout` seconds.
        FileNotFoundError: when the folder is gone, also while waiting.
        OSError: when the folder is not writable.
    """
    dir_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY) if _BY_DESCRIPTOR else None
    try:
        with locked(folder / f".{name}.lock.guard", timeout=timeout, dir_fd=dir_fd):
            if dir_fd is not None and not os.path.samestat(os.fstat(dir_fd), os.stat(folder)):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
            lock_file = folder / f".{name}.lock"
            _create(lock_file, dir_fd, time.monotonic() + timeout)
            try:
                yield dir_fd
            finally:
                _remove(lock_file, dir_fd)
    except OSError as error:
        if dir_fd is not None and isinstance(error.filename, str) and not os.path.isabs(error.filename):
            error.filename = str(folder / error.filename)  # so that it says where
        raise
    finally:
        if dir_fd is not None:
            os.close(dir_fd)


def rename_lock(folder: Path) -> AbstractContextManager[object]:
    """Return the lock to hold while `folder` itself is renamed, where the system can rename it then."""
    return task_lock(folder) if _BY_DESCRIPTOR else nullcontext()


def _remove(lock_file: Path, dir_fd: int | None) -> None:
    with suppress(FileNotFoundError):
        os.unlink(lock_file if dir_fd is None else lock_file.name, dir_fd=dir_fd)


def _create(lock_file: Path, dir_fd: int | None, deadline: float) -> None:
    line = f"{os.getpid()} {threading.get_ident()} {host_name()} {time.time():.6f} {protocol()}\n"
    seen: tuple[int, int, int] | None = None
    left_at = 0.0  # monotonic: when the lock file that was seen counts as left behind
    while True:
        try:
            path = lock_file if dir_fd is None else lock_file.name
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(path, flags, FILE_MODE, dir_fd=dir_fd)
        except FileExistsError:
            if _left_behind(lock_file, dir_fd):
                _remove(lock_file, dir_fd)
                continue
            status = _status(lock_file, dir_fd)
            mark = status and (status.st_ino, status.st_size, status.st_mtime_ns)
            if status is not None and mark != seen:
                left_at = time.monotonic() + _remaining(status, lock_file, dir_fd)
            seen = mark
            if seen is not None and time.monotonic() >= left_at:
                _remove(lock_file, dir_fd)
                continue
            if time.monotonic() >= deadline:
                raise Busy(
                    f"{lock_file} is held by another program ({_holder(lock_file, dir_fd)}). Try again; "
                    f"if that program is gone, this ends {LEFT_SECONDS:g} s after it locked the task."
                ) from None
            time.sleep(0.005)
            continue
        try:
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except BaseException as error:
            # Whoever makes room on a full disk needs locks too; the kernel's is ours, with or without a line.
            if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
                _remove(lock_file, dir_fd)
                raise
        return


def _status(lock_file: Path, dir_fd: int | None) -> os.stat_result | None:
    """Return the status of `lock_file` when it is a plain file, else None."""
    path = lock_file if dir_fd is None else lock_file.name
    try:
        status = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _remaining(status: os.stat_result, lock_file: Path, dir_fd: int | None) -> float:
    """Return after how many seconds a lock file with this status counts as left behind.

    Its age is measured by the clock of the file server, which sets the time stamp of the guard too.
    """
    if status.st_size == 0:
        return _EMPTY_SECONDS  # its writer died before it wrote the line
    guard = f"{lock_file}.guard" if dir_fd is None else f"{lock_file.name}.guard"
    try:
        os.utime(guard, dir_fd=dir_fd)
        now = os.stat(guard, dir_fd=dir_fd).st_mtime
    except OSError:
        return LEFT_SECONDS
    return LEFT_SECONDS - abs(now - status.st_mtime)


def _left_behind(lock_file: Path, dir_fd: int | None) -> bool:
    """Return whether the writer of `lock_file` is dead: it used our guard, and we hold the guard."""
    words = _holder(lock_file, dir_fd).split()
    return bool(words) and words[-1] == protocol()


def _holder(lock_file: Path, dir_fd: int | None) -> str:
    path = lock_file if dir_fd is None else lock_file.name
    try:
        return read_whole(path, most=_MAX_HOLDER_BYTES, dir_fd=dir_fd)[0].decode("utf-8", "replace").strip()
    except (OSError, Unreadable):
        return ""
