"""The projects of this user with a live scheduler on this host.

Each scheduler holds the lock of a file, named after its project, in a folder of the user. So the registry is
never out of date. Nothing else depends on it: it is missing if the folder cannot be written.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import make_runtime_folder, runtime_folder, user_id
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.locks import FileLock, is_locked

_SUFFIX = ".project"
_MAX_BYTES = 16384
_ATTEMPTS, _LOCK_SECONDS = 3, 5.0  # to register: a process that only checks holds the lock for microseconds


def _own_folder() -> Path | None:
    """Return the folder if it is a real one that belongs to this user."""
    try:
        folder = runtime_folder()
        status = folder.lstat()
    except (OSError, PyrunsError):
        return None
    return folder if stat.S_ISDIR(status.st_mode) and status.st_uid == user_id() else None


def announce(root: Path) -> FileLock | None:
    """Register the project whose `_pyruns_` folder is `root` as long as the returned lock is held.

    Return None if that is not possible.
    """
    try:
        folder = make_runtime_folder()
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        lock = FileLock(folder / f"{name}{_SUFFIX}")
        for _ in range(_ATTEMPTS):
            lock.acquire(timeout=_LOCK_SECONDS)
            if lock.is_at(lock.path):
                lock.write(os.fsencode(root))
                return lock
            lock.release()  # `_unregister` has removed the file
    except (OSError, PyrunsError):
        pass
    return None


def living_projects() -> list[Path]:
    """Return the `_pyruns_` folders of the registered projects; files of other users are ignored."""
    folder = _own_folder()
    if folder is None:
        return []
    found = []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        path = folder / name
        try:
            if not name.endswith(_SUFFIX) or not _is_own_file(path):
                continue
            if is_locked(path):
                found.append(Path(os.fsdecode(read_whole(path, most=_MAX_BYTES)[0])))
            else:
                _unregister(path)
        except (OSError, Unreadable):
            continue
    return sorted(found)


def _is_own_file(path: Path) -> bool:
    """Return whether `path` is a plain file of this user; others may write to a folder of their group."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid == user_id()


def _unregister(path: Path) -> None:
    """Remove the file of a scheduler that ended, unless another one uses it at this moment."""
    lock = FileLock(path)
    if lock.try_acquire():
        try:
            if lock.is_at(path):
                path.unlink()
        finally:
            lock.release()
