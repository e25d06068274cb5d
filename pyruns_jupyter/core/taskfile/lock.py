"""The lock around every change of a task file, shared with all programs that use the folder.

Source: `docs/disk-format.md`, "The lock". A kernel lock on a permanent guard file is taken first. A second
file, which exists only while the lock is held, is for programs (and hosts) that use only that one.
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
_EMPTY_SECONDS = 4.0  # after which an empty lock file counts as left behind: its line is written at once
# After which the lock file of another host counts as left behind by a dead process: locks are held for
# milliseconds, and we hold the guard. Its writer can still run only where kernel locks are local to a host.
LEFT_SECONDS = 60.0

# An open folder is reachable whatever its name becomes. Systems without that cannot rename a folder with open
# files.
_BY_DESCRIPTOR = {os.open, os.rename, os.unlink} <= os.supports_dir_fd


@cache
def protocol() -> str:
    """Return the word by which programs on this host recognise each other's lock files."""
    parts = (os.name, sys.platform, host_name().lower(), os.environ.get("WSL_DISTRO_NAME", ""))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
    return "guard-v2:" + digest.hexdigest()


@contextmanager
def task_lock(
    folder: Path, name: str = "task_info.json", *, timeout: float = TIMEOUT
) -> Iterator[int | None]:
    """Hold the lock `.<name>.lock` of `folder` during a `with` block (keep it to milliseconds).

    A task may be renamed while another process waits for its lock, or by a program that does not hold it,
    and another task may take its name. So the block gets the descriptor of the locked folder, to read and
    write in it (`dir_fd`); None if the system does not support that.

    A lock file that another host left behind is removed once it is older than `LEFT_SECONDS`.

    Raises:
        Busy: if it is held by another process for longer than `timeout` seconds.
        FileNotFoundError: if the folder does not exist, or disappears while waiting.
        OSError: if the folder is not writable.
    """
    dir_fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)) if _BY_DESCRIPTOR else None
    try:
        with locked(folder / f".{name}.lock.guard", timeout=timeout, dir_fd=dir_fd):
            if dir_fd is not None and not os.path.samestat(os.fstat(dir_fd), os.stat(folder)):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
            lock_file = _LockFile(folder / f".{name}.lock", dir_fd)
            lock_file.create(time.monotonic() + timeout)
            try:
                yield dir_fd
            finally:
                lock_file.remove()
    except OSError as error:
        if dir_fd is not None and isinstance(error.filename, str) and not os.path.isabs(error.filename):
            error.filename = str(folder / error.filename)
        raise
    finally:
        if dir_fd is not None:
            os.close(dir_fd)


def rename_lock(folder: Path) -> AbstractContextManager[object]:
    """Return the lock to hold while `folder` itself is renamed, where the system allows that."""
    return task_lock(folder) if _BY_DESCRIPTOR else nullcontext()


class _LockFile:
    """The file at `path` that exists while the lock is held; `dir_fd` is the descriptor of its folder."""

    def __init__(self, path: Path, dir_fd: int | None) -> None:
        self._path = path
        self._dir_fd = dir_fd
        self._name = str(path) if dir_fd is None else path.name

    def create(self, deadline: float) -> None:
        line = f"{os.getpid()} {threading.get_ident()} {host_name()} {time.time():.6f} {protocol()}\n"
        seen: tuple[int, int, int] | None = None
        expires_at = 0.0  # monotonic: when the file that was seen counts as left behind
        while True:
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                descriptor = os.open(self._name, flags, FILE_MODE, dir_fd=self._dir_fd)
                break
            except FileExistsError:
                holder = self._holder()
            # A file of our protocol is left behind: its writer used our guard, and we hold the guard.
            if holder.split()[-1:] != [protocol()]:
                status = self._status()
                mark = status and (status.st_ino, status.st_size, status.st_mtime_ns)
                if status is not None and mark != seen:
                    expires_at = time.monotonic() + self._remaining(status)
                seen = mark
                if seen is None or time.monotonic() < expires_at:
                    if time.monotonic() >= deadline:
                        raise Busy(
                            f"{self._path} is held by another program ({holder}). Try again. If that program "
                            f"has ended, the lock expires {LEFT_SECONDS:g} s after it was taken."
                        )
                    time.sleep(0.005)
                    continue
            self.remove()
        try:
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except BaseException as error:
            # Freeing space on a full disk needs locks too; the kernel lock is ours, with or without the line.
            if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
                self.remove()
                raise

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._dir_fd)

    def _status(self) -> os.stat_result | None:
        """Return the status of the file if it is a regular file, else None."""
        try:
            status = os.stat(self._name, dir_fd=self._dir_fd, follow_symlinks=False)
        except OSError:
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def _remaining(self, status: os.stat_result) -> float:
        """Return after how many seconds the file, with this status, counts as left behind.

        Its age is measured by the clock of the file server, which sets the time stamp of the guard too.
        """
        if status.st_size == 0:
            return _EMPTY_SECONDS  # its writer died before it wrote the line
        try:
            os.utime(f"{self._name}.guard", dir_fd=self._dir_fd)
            now = os.stat(f"{self._name}.guard", dir_fd=self._dir_fd).st_mtime
        except OSError:
            return LEFT_SECONDS
        return LEFT_SECONDS - abs(now - status.st_mtime)

    def _holder(self) -> str:
        try:
            data, _ = read_whole(self._name, most=_MAX_HOLDER_BYTES, dir_fd=self._dir_fd)
        except (OSError, Unreadable):
            return ""
        return data.decode("utf-8", "replace").strip()
