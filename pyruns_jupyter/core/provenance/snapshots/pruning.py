"""Removing stored code that no run of a task and no batch names any more."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.taskfile.paths import TASK_INFO, TASKS, TRASH, EnginePaths
from pyruns_jupyter.core.trust.engine_key import EngineKey, check_own

from .store import CODE, Manifest, changing, load, object_path, store_folders

YOUNG_SECONDS = 24 * 3600.0  # what is younger may be of a batch that is being written
_NAMED = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Unneeded:
    """Files of stored code that nothing needs, and their size in bytes."""

    files: tuple[Path, ...]
    snapshots: int
    size: int


def find_unneeded(root: Path) -> Unneeded:
    """Return what nothing in a project needs of its stored code.

    Raises:
        OSError: if a file cannot be read that may name stored code.
    """
    before = time.time() - YOUNG_SECONDS
    needed = _named_in(root)
    doomed: list[Path] = []
    contents: set[str] = set()
    for path in _files(root / CODE / "manifests"):
        if path.stem not in needed and path.lstat().st_mtime < before:
            doomed.append(path)
            continue
        with suppress(NotFound, Unreadable):  # a damaged one needs nothing
            manifest: Manifest = load(root, path.stem)
            contents.update(digest for digest, _, _ in manifest.files.values())
    snapshots = len(doomed)
    kept = {object_path(root / CODE, digest) for digest in contents}
    objects = root / CODE / "objects"
    for prefix in _names(objects):
        for path in _files(objects / prefix):
            if str(path) not in kept and path.lstat().st_mtime < before:
                doomed.append(path)
    return Unneeded(tuple(doomed), snapshots, sum(path.lstat().st_size for path in doomed))


def prune(key: EngineKey) -> Unneeded:
    """Remove what nothing in a project needs of its stored code, and return what that was.

    Raises:
        Untrusted: if a folder of stored code is not ours.
        Busy: if code is being stored for longer than a minute.
        OSError: if something cannot be read or removed.
    """
    check_own(key, *store_folders(key.root))
    with changing(key.root, shared=False):
        found = find_unneeded(key.root)
        for path in found.files:  # the snapshots first: what has its name is whole
            path.unlink()
    return found


def _named_in(root: Path) -> set[str]:
    """Return the hashes in the files of all tasks, also of those in the trash, and of all batches, whatever
    state they are in.
    """
    found: set[str] = set()
    batches = EnginePaths(root).batches
    paths = [batches / name for name in _names(batches)]
    for workspace in _names(root):
        for folder in (root / workspace / TASKS, root / workspace / TASKS / TRASH):
            paths += [folder / name / TASK_INFO for name in _names(folder)]
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            data, _ = read_whole(path)
            found.update(name.decode() for name in _NAMED.findall(data))
    return found


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield folder / entry.name
