"""Being told by Linux that something changed in a workspace, so that nobody has to look all the time.

It is a hint and no more: other systems have none, file servers tell nothing of what other hosts do, and a
kernel may have no room for so many watches. Who uses it looks by itself now and then all the same.

Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from .filesystem import REMOTE, file_system_type

_MODIFY, _ATTRIB = 0x2, 0x4
_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IGNORED, _ONLY_FOLDERS = 0x4000, 0x8000, 0x0100_0000
_IN_TASKS = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLY_FOLDERS
_IN_TASK = _CLOSE_WRITE | _MOVED_TO | _ONLY_FOLDERS
_EVENT = struct.Struct("iIII")
_NO_BLOCK, _CLOSE_ON_EXEC = os.O_NONBLOCK, 0o2000000


class PathWatch:
    """Watches a few files and folders. `descriptor` becomes readable when one of the files was written to or
    touched, or a file was moved into one of the folders.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Watch these `paths`.

        Raises:
            OSError: if this system or this kernel cannot do that.
        """
        if sys.platform != "linux":
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        self.descriptor = _checked(_library().inotify_init1(_NO_BLOCK | _CLOSE_ON_EXEC))
        try:
            for path in paths:
                mask = _MOVED_TO if path.is_dir() else _MODIFY | _ATTRIB
                _checked(_library().inotify_add_watch(self.descriptor, os.fsencode(path), mask), path)
        except BaseException:
            os.close(self.descriptor)
            raise

    def read(self) -> bool:
        """Take what happened; return whether anything did. Never blocks."""
        try:
            return bool(os.read(self.descriptor, 64 * 1024))
        except BlockingIOError:
            return False


class FolderWatch:
    """Watches the tasks of one workspace. `descriptor` becomes readable when something happened."""

    def __init__(self, tasks: Path) -> None:
        """`tasks` is the folder with the task folders.

        Raises:
            OSError: when this system, this kind of disk or this kernel cannot do that.
        """
        if sys.platform != "linux" or file_system_type(tasks) in REMOTE:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(tasks))
        self._tasks = tasks
        self._watched: dict[str, int] = {}
        self._lock = threading.Lock()  # held while watches are added, in whatever thread
        self._closed = False
        self.descriptor = _checked(_library().inotify_init1(_NO_BLOCK | _CLOSE_ON_EXEC))
        try:
            self._add(tasks, _IN_TASKS)
        except BaseException:
            self.close()
            raise

    def update(self, names: Iterable[str]) -> bool:
        """Watch the tasks of these names, and no others; return whether some are new.

        What happened to these before is not told of.

        Raises:
            OSError: when the kernel has no room for so many; what is watched is not complete then.
        """
        wanted = set(names)
        try:
            with self._lock:
                for name in self._watched.keys() - wanted:  # a folder that was moved is still watched
                    _library().inotify_rm_watch(self.descriptor, self._watched.pop(name))
                new = wanted - self._watched.keys()
                for name in new:
                    if self._closed:
                        break
                    with suppress(FileNotFoundError, NotADirectoryError):
                        self._watched[name] = self._add(self._tasks / name, _IN_TASK)
                return bool(new)
        finally:
            if self._closed:
                self.close()

    def read(self) -> bool:
        """Take what happened; return whether it is worth a look. Never blocks."""
        try:
            data = os.read(self.descriptor, 256 * 1024)
        except BlockingIOError:
            return False
        at, matters = 0, False
        while at < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, at)
            name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
            at += _EVENT.size + length
            # Locks and files that are being written begin with a dot.
            matters |= bool(mask & _OVERFLOW) or (not mask & _IGNORED and not name.startswith(b"."))
        return matters

    def close(self) -> None:
        """Watch nothing any more. An `update` that goes on is not waited for; it closes at its end then."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                if self.descriptor >= 0:
                    os.close(self.descriptor)
                    self.descriptor = -1
            finally:
                self._lock.release()

    def _add(self, folder: Path, mask: int) -> int:
        return _checked(_library().inotify_add_watch(self.descriptor, os.fsencode(folder), mask), folder)


def _checked(result: int, path: Path | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path or ""))
    return result


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
