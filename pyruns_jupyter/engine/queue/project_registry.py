"""Which projects of this user something runs in on this host, wherever they lie.

Each scheduler keeps a file locked in one folder of the user's, named after its project: so nothing is ever
out of date, and no search for projects is needed. It is a help only: without it (the folder cannot be
written) everything works but this.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import make_runtime_folder, runtime_folder
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.locks import FileLock, is_locked

_SUFFIX = ".project"
_MAX_BYTES = 16384


def _own_folder() -> Path | None:
    """Return the folder when it is a real one of this user's, not one that another user put there."""
    try:
        folder = runtime_folder()
        status = folder.lstat()
    except (OSError, PyrunsError):
        return None
    return folder if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() else None


def announce(root: Path) -> FileLock | None:
    """Say that something runs in the project whose `_pyruns_` folder is `root`, as long as the lock is held
    that is returned; None when that cannot be said.
    """
    try:
        folder = make_runtime_folder()
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        lock = FileLock(folder / f"{name}{_SUFFIX}")
        if not lock.try_acquire():
            return None
        lock.write(os.fsencode(root))
    except (OSError, PyrunsError):
        return None
    return lock


def living_projects() -> list[Path]:
    """Return the `_pyruns_` folders of the projects in which something runs on this host.

    Only what this user's own schedulers have written counts.
    """
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
                _forget(path)
        except (OSError, Unreadable):
            continue
    return sorted(found)


def _is_own_file(path: Path) -> bool:
    """Return whether this user's own plain file is at `path`; in a folder of their group others may write."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


def _forget(path: Path) -> None:
    """Remove what a scheduler left, unless another one takes it up at this moment."""
    lock = FileLock(path)
    if lock.try_acquire():
        try:
            if lock.is_at(path):
                path.unlink()
        finally:
            lock.release()
