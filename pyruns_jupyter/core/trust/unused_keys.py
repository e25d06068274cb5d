"""Keys of deleted projects in the state folder of the user; see `engine_key`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.host_identity import host_name, state_folder
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.inode_identity import InodeIdentity
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.fs.remove_tree import delete_tree

from .engine_key import ENGINES, LOCK_SECONDS, RECORD

MIN_AGE_SECONDS = 365 * 86400.0  # since the last use: the keys of an unmounted disk must not be lost


def find_unused_keys() -> list[Path]:
    """Return the folders of keys whose project was on this host, is gone, and was unused for a year."""
    return [folder for folder in _folders() if _is_unused(folder)]


def remove_unused_key(folder: Path) -> bool:
    """Remove a key and the code stored with it; return whether it was still unused.

    Raises:
        Busy: if another process is creating a key.
        OSError: if it cannot be removed.
    """
    with locked(folder.parent / ".lock", timeout=LOCK_SECONDS):
        if not _is_unused(folder):
            return False
        delete_tree(folder)
        return True


def _folders() -> Iterator[Path]:
    with suppress(OSError):
        for bucket in sorted((state_folder() / ENGINES).iterdir()):
            if not bucket.is_symlink() and bucket.is_dir():
                yield from sorted(one for one in bucket.iterdir() if (one / RECORD).is_file())


def _is_unused(folder: Path) -> bool:
    try:
        place = InodeIdentity.from_dict(read_json(folder / RECORD).get("place"))
        if place is None or place.host != host_name() or os.path.lexists(place.path):
            return False
        times = [folder.stat().st_mtime, *(one.lstat().st_mtime for one in folder.iterdir())]
    except (OSError, Unreadable):
        return False
    return time.time() - max(times) > MIN_AGE_SECONDS
