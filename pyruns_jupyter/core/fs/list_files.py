"""Listing the files below a folder that someone else may have filled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_MAX_DEPTH = 32  # of nested folders
_MAX_FOLDERS = 10_000
_MAX_ENTRIES = 100_000  # of one folder


def files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the regular files below a folder with their relative paths, folder by folder, sorted by name.

    Links are not followed, except `folder` itself. Folders that cannot be read are skipped, and so is what
    exceeds the limits on depth, folders and entries of one folder.
    """
    room = [_MAX_FOLDERS]
    yield from _files(folder, "", 0, room)


def _files(
    folder: Path | str, prefix: str, depth: int, room: list[int]
) -> Iterator[tuple[str, os.stat_result]]:
    room[0] -= 1
    try:
        with os.scandir(folder) as found:
            entries = sorted(islice(found, _MAX_ENTRIES), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            entry.name.encode()
            if entry.is_file(follow_symlinks=False):
                yield prefix + entry.name, entry.stat(follow_symlinks=False)
            elif entry.is_dir(follow_symlinks=False) and depth < _MAX_DEPTH and room[0] > 0:
                yield from _files(entry.path, f"{prefix}{entry.name}/", depth + 1, room)
        except (OSError, UnicodeEncodeError):
            continue  # deleted, or a name that no client can send back
