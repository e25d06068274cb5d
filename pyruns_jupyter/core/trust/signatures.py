"""The files in an engine folder that start processes: batches, study markers and cluster submissions.

Those that were created here are sealed by the folder's key (`engine_key`) and are read, written and removed
through `SealedFolder`. All others are foreign: they can be displayed, and removed once they were taken over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import user_name
from pyruns_jupyter.core.fs.atomic import parse_json, read_whole, write_atomic
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.regular_files import opened_folder
from pyruns_jupyter.core.taskfile.paths import ENGINE

from .engine_key import BATCHES, EngineKey

DAMAGED_SUFFIX = ".damaged"
CLAIM_SUFFIX = ".claim"
MAX_FOREIGN_BYTES = 16 * 1024 * 1024


class SealedFolder:
    """The sealed files of one kind in an engine folder of ours: `BATCHES`, `STUDIES` or `CLUSTER`.

    Every access uses the descriptor of a folder that was opened without following links.
    """

    def __init__(self, key: EngineKey, kind: str, suffix: str = "") -> None:
        self.key = key
        self.path = key.root / ENGINE / kind
        self._kind = kind
        self._suffix = suffix

    def names(self) -> list[str]:
        """Return the names of the files, without their suffix, sorted; hidden files are not listed."""
        return sealed_names(self.key.root, self._kind, self._suffix)

    def read(self, name: str) -> dict[str, Any]:
        """Return the content of a file.

        Raises:
            FileNotFoundError: if it does not exist.
            Unreadable: if it is damaged, or a copy of another file.
            Untrusted: if it is not ours.
            OSError: if it cannot be read now.
        """
        path = self.path / f"{name}{self._suffix}"
        with opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            data, status = read_whole(path.name, path, dir_fd=folder, follow=False)
        if status.st_uid != self.key.owner:
            raise Untrusted(f"{path} belongs to the user {user_name(status.st_uid)}, so it is not used.")
        value = self.key.unseal(self._kind, data, path)
        if value.get("name", value.get("id")) != name:
            raise Unreadable(f"{path} is a copy of {value.get('name', value.get('id'))}.")
        return value

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a file durably. `value` contains its `id`, and its `name` if that is not the id."""
        with opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            path = self.path / f"{name}{self._suffix}"
            write_atomic(path, self.key.seal(self._kind, value), dir_fd=folder, mode=PRIVATE_MODE)

    def remove(self, name: str, identifier: str | None = None) -> None:
        """Remove a finished file; `identifier` is its `id` if that differs from the name."""
        self.key.add_done(identifier or name)
        with suppress(FileNotFoundError), opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            os.unlink(f"{name}{self._suffix}", dir_fd=folder)

    def set_aside(self, name: str) -> None:
        """Rename a damaged file, so that it is not read again and the user can inspect it."""
        with opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            file = f"{name}{self._suffix}"
            os.rename(file, f"{name}{DAMAGED_SUFFIX}", src_dir_fd=folder, dst_dir_fd=folder)


class Origin(Enum):
    """Where a file in a folder of an engine comes from."""

    GONE = auto()
    OURS = auto()
    FOREIGN = auto()
    DAMAGED = auto()


def origin(root: Path, kind: str, file: str, key: EngineKey | None) -> Origin:
    """Return where a file in a folder of an engine comes from; an unchanged file is not read again.

    Raises:
        OSError: if it cannot be read now.
    """
    try:
        status = (root / ENGINE / kind / file).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Origin.GONE
    if key is None:
        return Origin.FOREIGN
    try:
        return _origin(key, kind, file, status.st_ino, status.st_mtime_ns)
    except FileNotFoundError:
        return Origin.GONE


@lru_cache(maxsize=10_000)
def _origin(key: EngineKey, kind: str, file: str, inode: int, mtime_ns: int) -> Origin:
    name, dot, suffix = file.rpartition(".")
    try:
        SealedFolder(key, kind, dot + suffix if dot else "").read(name if dot else file)
    except Untrusted:
        return Origin.FOREIGN
    except Unreadable:
        return Origin.DAMAGED
    return Origin.OURS


def claim_path(root: Path, batch: str) -> Path:
    """Return the path of the file that exists while the tasks of a batch are being queued."""
    return root / ENGINE / BATCHES / f".{batch}{CLAIM_SUFFIX}"


def sealed_names(root: Path, kind: str, suffix: str = "") -> list[str]:
    """Return the sorted names, without suffix, of the files in a folder of an engine, ours or not."""
    try:
        with opened_folder(root / ENGINE, (kind,)) as folder:
            names = os.listdir(folder)
    except OSError:
        return []
    return sorted(
        name.removesuffix(suffix)
        for name in names
        if name.endswith(suffix) and not name.startswith(".") and not name.endswith(DAMAGED_SUFFIX)
    )


def read_foreign(root: Path, kind: str, file: str) -> dict[str, Any]:
    """Return the content of a file in a folder of an engine, ours or not: for display only.

    Raises:
        FileNotFoundError: if it does not exist.
        Unreadable: if it is not a JSON object.
        OSError: if it cannot be read.
    """
    return parse_json(read_foreign_bytes(root, kind, file), root / ENGINE / kind / file)


def read_foreign_bytes(root: Path, kind: str, file: str) -> bytes:
    """Return the bytes of a file in a folder of an engine, ours or not.

    Raises:
        FileNotFoundError: if it does not exist.
        OSError: if it cannot be read.
    """
    with opened_folder(root / ENGINE, (kind,)) as folder:
        path = root / ENGINE / kind / file
        return read_whole(file, path, most=MAX_FOREIGN_BYTES, dir_fd=folder, follow=False)[0]


def remove_foreign(root: Path, kind: str, file: str) -> None:
    """Remove a file that was taken over, ours or not."""
    with suppress(FileNotFoundError), opened_folder(root / ENGINE, (kind,)) as folder:
        os.unlink(file, dir_fd=folder)
