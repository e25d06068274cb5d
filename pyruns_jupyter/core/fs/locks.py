"""Kernel locks on files, exclusive or shared; a lock ends with the process that holds it.

Differences in locking between operating systems are handled here and nowhere else.
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

# Files are readable by their owner, and also by the owner's group if the administrator sets this variable.
GROUP_VARIABLE = "PYRUNS_GROUP_READS"
_group_reads = os.environ.get(GROUP_VARIABLE) == "1"
FILE_MODE = 0o640 if _group_reads else 0o600
FOLDER_MODE = 0o750 if _group_reads else 0o700
PRIVATE_MODE = 0o600  # of files with environment variables or keys
# No links, no waiting for the other end of a FIFO, nothing for child processes, bytes as they are.
SAFE_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

if sys.platform == "win32":
    import ctypes
    import msvcrt

    _FAIL_IMMEDIATELY, _EXCLUSIVE = 1, 2  # LOCKFILE_... of LockFileEx
    _LOCK_VIOLATION, _IO_PENDING = 33, 997  # ERROR_...
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)

    class _Overlapped(ctypes.Structure):
        _fields_ = [
            ("internal", ctypes.c_size_t * 2),
            ("offset", ctypes.c_uint32),
            ("offset_high", ctypes.c_uint32),
            ("event", ctypes.c_void_p),
        ]

    def _range() -> _Overlapped:
        """A byte far beyond the content, which others could not read while it is locked."""
        return _Overlapped(offset_high=1)

    def try_lock(descriptor: int, shared: bool) -> bool:
        """Lock an open file unless another process holds its lock; return whether it is locked now."""
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        flags = _FAIL_IMMEDIATELY | (0 if shared else _EXCLUSIVE)
        if _kernel.LockFileEx(handle, flags, 0, 1, 0, ctypes.byref(_range())):
            return True
        number = ctypes.get_last_error()
        if number in (_LOCK_VIOLATION, _IO_PENDING):
            return False
        raise ctypes.WinError(number)

    def _unlock(descriptor: int) -> None:
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        _kernel.UnlockFileEx(handle, 0, 1, 0, ctypes.byref(_range()))
else:
    import fcntl

    def try_lock(descriptor: int, shared: bool) -> bool:
        """Lock an open file unless another process holds its lock; return whether it is locked now."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class FileLock:
    """A kernel lock on one file. A missing file is created (unless `create` is false) and never deleted.

    The lock belongs to this object (an open file), so two objects exclude each other even inside one
    process. It ends when the object is released or when its process ends in any way.
    """

    def __init__(self, path: Path, *, dir_fd: int | None = None, create: bool = True) -> None:
        """`dir_fd` is the descriptor of the folder that holds the file, if the folder may be renamed."""
        self.path = path
        self._dir_fd = dir_fd
        self._create = os.O_CREAT if create else 0
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free; return whether it was taken.

        Raises:
            OSError: if the file cannot be opened.
        """
        if self._descriptor is not None:
            raise RuntimeError(f"{self.path} is already locked by this object")
        path = self.path if self._dir_fd is None else self.path.name
        descriptor = os.open(path, os.O_RDWR | self._create | SAFE_FLAGS, FILE_MODE, dir_fd=self._dir_fd)
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
            Busy: if another process or object still holds it then.
        """
        deadline = time.monotonic() + timeout
        pause = 0.0005
        while not self.try_acquire(shared=shared):
            if time.monotonic() >= deadline:
                raise Busy(f"{self.path} has been locked by another process for {timeout:g} s. Try again.")
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            _unlock(descriptor)
        finally:
            os.close(descriptor)

    def identity(self) -> InodeIdentity:
        """Return the identity of the locked file."""
        from .inode_identity import InodeIdentity  # scripts that append to a journal do not need it

        return InodeIdentity.of(self.path, self._open_file())

    def is_at(self, path: Path) -> bool:
        """Return whether `path` is the locked file; it is not after a folder above it was moved."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(path, follow_symlinks=False))
        except OSError:
            return False

    def is_deleted(self) -> bool:
        """Return whether the locked file was deleted; False if that is unknown, or its disk was unmounted."""
        try:
            return self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0
        except OSError:
            return False

    def write(self, data: bytes) -> None:
        """Replace the content of the locked file, so that users can see which process holds it."""
        descriptor = self._open_file()
        try:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, data)
        except OSError as error:
            error.filename = str(self.path)
            raise

    def _open_file(self) -> int:
        if self._descriptor is None:
            raise RuntimeError(f"{self.path} is not locked")
        return self._descriptor


@contextmanager
def locked(
    path: Path, *, timeout: float, shared: bool = False, dir_fd: int | None = None
) -> Iterator[FileLock]:
    """Hold a lock on `path` during a `with` block; `dir_fd` as for `FileLock`.

    Raises:
        Busy: if it is not free within `timeout` seconds.
    """
    lock = FileLock(path, dir_fd=dir_fd)
    lock.acquire(timeout=timeout, shared=shared)
    try:
        yield lock
    finally:
        lock.release()


def is_locked(path: Path | str) -> bool:
    """Return whether a running process holds the exclusive lock on `path`; a missing file is not locked.

    The check itself holds a shared lock for some microseconds. Other checks are not affected by it; to get
    the exclusive lock, use `acquire`, which waits, instead of a single `try_acquire`. Nothing is created or
    changed, so it works in a read-only folder.

    Raises:
        OSError: if the file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | SAFE_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)  # releases the lock


def lock_holder(descriptor: int) -> str:
    """Return which process of which user has locked an open file, as far as the system shows that."""
    from pyruns_jupyter.core.common.host_identity import user_name  # scripts that use a lock do not need it

    with suppress(OSError, ValueError, IndexError):
        inode = str(os.fstat(descriptor).st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # number, kind, mode, access, pid, device and inode, range
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                pid, uid = int(words[4]), os.stat(f"/proc/{words[4]}").st_uid
                return f"process {pid} of user {user_name(uid)}"
    return "another process"
