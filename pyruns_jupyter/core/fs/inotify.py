"""Change notifications of Linux for a workspace, so that its folders need not be polled all the time.

They are only a hint: other systems have none, file servers do not report the changes of other hosts, and the
kernel limits the number of watches. Callers poll from time to time as well.

Source: inotify(7).
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterable, KeysView
from pathlib import Path

from pyruns_jupyter.core.common.c_library import c_library, checked

from .filesystem import REMOTE, file_system_type

_MODIFY, _ATTRIB = 0x2, 0x4
_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IGNORED, _ONLY_FOLDERS = 0x4000, 0x8000, 0x0100_0000
_MOVE_SELF = 0x800
_IN_TASKS = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _MOVE_SELF | _ONLY_FOLDERS
_IN_TASK = _CLOSE_WRITE | _MOVED_TO | _ONLY_FOLDERS
_AT_ONCE = 500  # folders
_MAX_READS = 64  # then there are more changes than are worth telling apart
_EVENT = struct.Struct("iIII")
_NO_BLOCK, _CLOSE_ON_EXEC = getattr(os, "O_NONBLOCK", 0), 0o2000000


class PathWatch:
    """Watches a few files and folders. `descriptor` becomes readable when one of the files was written to or
    touched, or a file was moved into one of the folders.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Watch these `paths`.

        Raises:
            OSError: if the system or the kernel does not support it.
        """
        self.descriptor = _new_watch()
        try:
            for path in paths:
                _watch(self.descriptor, path, _MOVED_TO if path.is_dir() else _MODIFY | _ATTRIB)
        except BaseException:
            os.close(self.descriptor)
            raise

    def read(self) -> bool:
        """Take all pending events; return whether there were any. Never blocks."""
        try:
            return bool(os.read(self.descriptor, 64 * 1024))
        except BlockingIOError:
            return False


class FolderWatch:
    """Watches the tasks of one workspace. `descriptor` becomes readable when something happened; `has_lost`
    is whether a folder was moved or removed during the last `update` or since, `is_gone` whether that of all
    tasks was.
    """

    def __init__(self, tasks: Path) -> None:
        """`tasks` is the folder with the task folders.

        Raises:
            OSError: if the system, the file system or the kernel does not support it.
        """
        if file_system_type(tasks) in REMOTE:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(tasks))
        self._tasks = tasks
        self._names: dict[int, str] = {}  # of the watched folders, by the number of the watch
        self._moved: set[str] = set()  # folders whose name may be that of another one now
        self.has_lost = self.is_gone = False
        self._lock = threading.Lock()  # held while watches are added, in any thread
        self._closed = False
        self.descriptor = _new_watch()
        try:
            self._own = _watch(self.descriptor, tasks, _IN_TASKS)
        except BaseException:
            self.close()
            raise

    def update(self, names: Iterable[str], give_way: Callable[[], object] = bool) -> set[str]:
        """Watch the tasks of these names, and no others; return the new ones.

        Earlier changes of the new ones are not reported. `give_way` is called now and then; it may wait.

        Raises:
            OSError: if the kernel's limit of watches is reached; then some tasks are not watched.
        """
        wanted = set(names)
        try:
            with self._lock:
                self.has_lost = False
                moved, self._moved = self._moved, set()
                # A folder that was moved is still watched.
                watched = self._watched()
                if gone := (watched - wanted) | (watched & moved):
                    for watch in [watch for watch, name in self._names.copy().items() if name in gone]:
                        self._names.pop(watch, None)
                        c_library().inotify_rm_watch(self.descriptor, watch)
                new = wanted - (watched - gone)
                folder = f"{self._tasks}/"  # joining paths takes as long as watching
                for number, name in enumerate(new):
                    if number % _AT_ONCE == 0:
                        give_way()
                    if self._closed:
                        break
                    try:
                        watch = _watch(self.descriptor, f"{folder}{name}", _IN_TASK)
                    except (FileNotFoundError, NotADirectoryError):
                        self.has_lost = True
                        continue
                    self._names[watch] = name
                return new
        finally:
            if self._closed:
                self.close()

    def unwatched(self, names: KeysView[str]) -> set[str]:
        """Return those names whose tasks are not watched."""
        return names - self._watched()

    def _watched(self) -> set[str]:
        return set(self._names.values())  # not kept: with many tasks, it takes as much memory as `_names`

    def read(self) -> set[str] | None:
        """Take all pending events; return the names of tasks that may have changed, None for any.

        Never blocks, and may be called in any thread.
        """
        changed: set[str] = set()
        for _ in range(_MAX_READS):
            try:
                data = os.read(self.descriptor, 64 * 1024)
            except BlockingIOError:
                return None if self.is_gone else changed - {""}
            at = 0
            while at < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, at)
                name = os.fsdecode(data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0"))
                at += _EVENT.size + length
                if mask & _OVERFLOW:
                    return None
                if watch == self._own and mask & (_IGNORED | _MOVE_SELF):
                    self.is_gone = True
                elif mask & _IGNORED:  # the folder is gone; another one may have its name
                    lost = self._names.pop(watch, "")
                    self.has_lost |= bool(lost)
                    changed.add(lost)
                elif not name.startswith("."):  # as locks and files that are being written do
                    changed.add(name if watch == self._own else self._names.get(watch, ""))
                    if mask & _MOVED_FROM:
                        self._moved.add(name)
                        self.has_lost = True
        return None

    def close(self) -> None:
        """Stop watching. Does not wait for a running `update`, which then closes the watch when it ends."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                if self.descriptor >= 0:
                    os.close(self.descriptor)
                    self.descriptor = -1
            finally:
                self._lock.release()


def _new_watch() -> int:
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    return checked(c_library().inotify_init1(_NO_BLOCK | _CLOSE_ON_EXEC))


def _watch(descriptor: int, path: Path | str, mask: int) -> int:
    return checked(c_library().inotify_add_watch(descriptor, os.fsencode(path), mask), path)
