"""Kernel locks on files: exclusive or shared, gone with the process that holds them.

This is the one place that knows how the operating systems differ in locking.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import Busy

if TYPE_CHECKING:
    from .inode_identity import InodeIdentity

# What is written is for its owner, and where the administrator says so also for the owner's group to read.
GROUP_VARIABLE = "PYRUNS_GROUP_READS"
_group_reads = os.environ.get(GROUP_VARIABLE) == "1"
FILE_MODE = 0o640 if _group_reads else 0o600
FOLDER_MODE = 0o750 if _group_reads else 0o700
PRIVATE_MODE = 0o600  # of what holds variables of the environment

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int, shared: bool) -> bool:
        """Lock an open file if that is possible at this moment; return whether it is locked now."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def try_lock(descriptor: int, shared: bool) -> bool:
        """Lock an open file if that is possible at this moment; return whether it is locked now."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class FileLock:
    """A kernel lock on one file, which is created when missing, unless `create` is false, and not deleted by
    the lock.

    The lock belongs to this object (an open file), so two objects exclude each other even inside one
    process; it ends when the object is released or its process ends, however it ends.
    """

    def __init__(self, path: Path, *, dir_fd: int | None = None, create: bool = True) -> None:
        """`dir_fd` is the descriptor of the folder that holds the file, when that may be renamed."""
        self.path = path
        self._dir_fd = dir_fd
        self._create = os.O_CREAT if create else 0
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free at this moment; return whether it was taken.

        Raises:
            OSError: when the file cannot be opened.
        """
        if self._descriptor is not None:
            raise RuntimeError(f"{self.path} is already locked by this object")
        path = self.path if self._dir_fd is None else self.path.name
        flags = os.O_RDWR | self._create | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, FILE_MODE, dir_fd=self._dir_fd)
        try:
            taken = try_lock(descriptor, shared)
        except BaseException:
            os.close(descriptor)
            raise
        if taken:
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return taken

    def acquire(self, *, timeout: float, shared: bool = False) -> None:
        """Take the lock, waiting at most `timeout` seconds.

        Raises:
            Busy: when somebody else still holds it then.
        """
        deadline = time.monotonic() + timeout
        pause = 0.0005
        while not self.try_acquire(shared=shared):
            if time.monotonic() >= deadline:
                raise Busy(f"{self.path} has been locked by another process for {timeout:g} s. Try again.")
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            _unlock(descriptor)
        finally:
            os.close(descriptor)

    def place(self) -> InodeIdentity:
        """Return which file is locked."""
        if self._descriptor is None:
            raise RuntimeError(f"{self.path} is not locked")
        from .inode_identity import InodeIdentity  # scripts that append to a journal have no use for it

        return InodeIdentity.of(self.path, self._descriptor)

    def is_at(self, path: Path) -> bool:
        """Return whether the locked file lies at `path`; it does not when a folder above it was moved."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(path, follow_symlinks=False))
        except OSError:
            return False

    def write(self, data: bytes) -> None:
        """Replace the content of the locked file, for people who look who holds it."""
        if self._descriptor is None:
            raise RuntimeError(f"{self.path} is not locked")
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, data, 0)
        except OSError as error:
            error.filename = str(self.path)
            raise


@contextmanager
def locked(
    path: Path, *, timeout: float, shared: bool = False, dir_fd: int | None = None
) -> Iterator[FileLock]:
    """Hold a lock on `path` for the length of a `with` block; `dir_fd` as for `FileLock`.

    Raises:
        Busy: when it is not free within `timeout` seconds.
    """
    lock = FileLock(path, dir_fd=dir_fd)
    lock.acquire(timeout=timeout, shared=shared)
    try:
        yield lock
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Return whether a living process holds the exclusive lock on `path`; a missing file is not locked.

    Looking takes the lock, shared, for some microseconds: those who look do not see each other, but whoever
    wants the exclusive lock should wait a moment for it (`acquire`) instead of taking one look for the
    answer. Nothing is created or changed, so it works in a folder that may only be read.

    Raises:
        OSError: when the file may not be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)  # gives the lock back


def lock_holder(descriptor: int) -> str:
    """Return the process that has locked an open file and its user, where the system shows them."""
    with suppress(OSError, ValueError, IndexError):
        inode = str(os.fstat(descriptor).st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # number, kind, mode, access, pid, device and inode, range
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                pid, uid = int(words[4]), os.stat(f"/proc/{words[4]}").st_uid
                return f"process {pid} of user {_user_name(uid)}"
    return "another process"


def _user_name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
