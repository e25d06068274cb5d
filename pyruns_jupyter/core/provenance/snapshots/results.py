"""Moving files that runs wrote next to their stored code into the project.

First, a complete and durable copy (regular files and folders only) is made in a folder of the project. Then
each part is moved to its place, if that is free and not reached through a link. So the tree may be on another
file system.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from pyruns_jupyter.core.fs.atomic import sync_folder
from pyruns_jupyter.core.fs.regular_files import NO_FOLLOW, opened_folder, set_mode, set_times
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME

# Files below these control other programs and are not results of a run.
_NOT_RESULTS = frozenset({ROOT_NAME, ".git"})


def keep_results(folder: Path, paths: Sequence[str], staging: Path) -> list[str]:
    """Copy the files and folders `paths` of `folder` to the new folder `staging`, durably.

    Returns the paths of links, which are omitted, like everything that is not a file or folder.

    Raises:
        OSError: if it cannot be written.
    """
    staging.parent.mkdir(mode=0o700, exist_ok=True)
    staging.mkdir(mode=0o700)
    links: list[str] = []
    for path in paths:
        for above in reversed(Path(path).parents):
            (staging / above).mkdir(mode=0o700, exist_ok=True)
        _keep(folder, path, staging, links)
    for current, _, _ in os.walk(staging):
        sync_folder(Path(current))
    return links


def _keep(folder: Path, path: str, staging: Path, links: list[str]) -> None:
    source, target = folder / path, staging / path
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        links.append(path)
    elif stat.S_ISDIR(status.st_mode):
        target.mkdir(mode=0o700)
        for name in sorted(os.listdir(source)):
            _keep(folder, f"{path}/{name}", staging, links)
        os.chmod(target, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
    elif stat.S_ISREG(status.st_mode):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:  # another file system, or one without hard links
            _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    with open(os.open(source, os.O_RDONLY | NO_FOLLOW), "rb") as stream:
        status = os.fstat(stream.fileno())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW
        with open(os.open(target, flags, 0o600), "wb") as copy:
            shutil.copyfileobj(stream, copy, 1024 * 1024)
            copy.flush()
            set_mode(copy.fileno(), stat.S_IMODE(status.st_mode))
            set_times(copy.fileno(), target, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(copy.fileno())


def move_results(staging: Path, paths: Sequence[str], base: Path, project: str) -> set[str]:
    """Move staged files and folders to the same places below `base`; return the paths that were moved.

    Nothing is replaced or reached through a link, and no name outside of `project` (the folder of the project
    below `base`) may begin with a dot.
    """
    moved = set()
    for path in paths:
        parts = path.split("/")
        if not _may_move(path, parts, project):
            continue
        try:
            with opened_folder(base, parts[:-1], follow=True) as parent:
                _move(staging / path, parts[-1], parent)
                os.fsync(parent)
        except OSError:  # the place is taken, reached through a link, or on another file system
            continue
        moved.add(path)
    return moved


def _may_move(path: str, parts: Collection[str], project: str) -> bool:
    if not _NOT_RESULTS.isdisjoint(part.lower() for part in parts):
        return False
    inside = not project or path.startswith(f"{project}/")
    return inside or not any(part.startswith(".") for part in parts)


def _move(staged: Path, name: str, parent: int) -> None:
    if staged.is_dir():
        try:
            os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(staged, name, dst_dir_fd=parent)
            return
        raise FileExistsError(name)
    try:
        os.link(staged, name, dst_dir_fd=parent, follow_symlinks=False)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without hard links: first take the name by an empty file
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600, dir_fd=parent))
        try:
            os.rename(staged, name, dst_dir_fd=parent)
        except OSError:
            os.unlink(name, dir_fd=parent)
            raise
        return
    os.unlink(staged)
