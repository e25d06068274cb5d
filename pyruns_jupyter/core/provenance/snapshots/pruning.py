"""Removing stored code that is not used by any run of a task or any batch."""

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

YOUNG_SECONDS = 24 * 3600.0  # newer files may belong to a batch that is being written
_NAMED = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Unneeded:
    """Files of stored code that are not used, and their size in bytes."""

    files: tuple[Path, ...]
    snapshots: int
    size: int


def find_unneeded(root: Path) -> Unneeded:
    """Return the unused files of a project's stored code.

    Raises:
        OSError: if a file that may refer to stored code cannot be read.
    """
    before = time.time() - YOUNG_SECONDS
    needed = _named_in(root)
    unneeded: list[Path] = []
    contents: set[str] = set()
    for path in _files(root / CODE / "manifests"):
        if path.stem not in needed and path.lstat().st_mtime < before:
            unneeded.append(path)
            continue
        with suppress(NotFound, Unreadable):  # a damaged one uses nothing
            manifest: Manifest = load(root, path.stem)
            contents.update(digest for digest, _, _ in manifest.files.values())
    snapshots = len(unneeded)
    kept = {object_path(root / CODE, digest) for digest in contents}
    objects = root / CODE / "objects"
    for prefix in _names(objects):
        for path in _files(objects / prefix):
            if str(path) not in kept and path.lstat().st_mtime < before:
                unneeded.append(path)
    return Unneeded(tuple(unneeded), snapshots, sum(path.lstat().st_size for path in unneeded))


def prune(key: EngineKey) -> Unneeded:
    """Remove the unused files of a project's stored code, and return them.

    Raises:
        Untrusted: if a folder of stored code is not ours.
        Busy: if another process stores code for longer than a minute.
        OSError: if something cannot be read or removed.
    """
    check_own(key, *store_folders(key.root))
    with changing(key.root, shared=False):
        found = find_unneeded(key.root)
        for path in found.files:  # snapshots first, so that those that exist are complete
            path.unlink()
    return found


def _named_in(root: Path) -> set[str]:
    """Return the hashes in the files of all tasks, including those in the trash, and of all batches."""
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
