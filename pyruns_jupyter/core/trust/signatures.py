"""The files in an engine folder that start processes: batches, study markers and cluster submissions.

Those that were made here are sealed by the folder's key (`engine_key`) and are read, written and removed
through `SealedFolder`. All others are foreign: they can be shown, and removed once they were taken over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable, Untrusted
from pyruns_jupyter.core.fs.atomic import parse_json, read_whole, write_atomic
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.regular_files import opened_folder
from pyruns_jupyter.core.taskfile.paths import ENGINE

from .engine_key import BATCHES, EngineKey, user_name

DAMAGED_SUFFIX = ".damaged"
CLAIM_SUFFIX = ".claim"
MAX_FOREIGN_BYTES = 16 * 1024 * 1024


class SealedFolder:
    """The sealed files of one kind in an engine folder that is ours: `BATCHES`, `STUDIES` or `CLUSTER`.

    Every access goes through the descriptor of a folder that was opened without following links.
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
            FileNotFoundError: if it is not there.
            Unreadable: if it is damaged, or the copy of another file.
            Untrusted: if it is not ours.
            OSError: if it cannot be read at this moment.
        """
        path = self.path / f"{name}{self._suffix}"
        with opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            data, status = read_whole(path.name, path, dir_fd=folder, follow=False)
        if status.st_uid != self.key.owner:
            raise Untrusted(f"{path} belongs to {user_name(status.st_uid)}. Nothing in it is acted on.")
        value = self.key.unseal(self._kind, data, path)
        if value.get("name", value.get("id")) != name:
            raise Unreadable(f"{path} is a copy of {value.get('name', value.get('id'))}.")
        return value

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Put a file into place, durably. `value` holds its `id`, and its `name` if that is not the id."""
        with opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            path = self.path / f"{name}{self._suffix}"
            write_atomic(path, self.key.seal(self._kind, value), dir_fd=folder, mode=PRIVATE_MODE)

    def remove(self, name: str, identifier: str | None = None) -> None:
        """Remove a file that has done its work; `identifier` is its `id` if that differs from the name."""
        self.key.add_done(identifier or name)
        with suppress(FileNotFoundError), opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            os.unlink(f"{name}{self._suffix}", dir_fd=folder)

    def set_aside(self, name: str) -> None:
        """Rename a damaged file, so that it is not read again and the user can look at it."""
        with opened_folder(self.key.root / ENGINE, (self._kind,)) as folder:
            file = f"{name}{self._suffix}"
            os.rename(file, f"{name}{DAMAGED_SUFFIX}", src_dir_fd=folder, dst_dir_fd=folder)


class Origin(Enum):
    """Where a file in a folder of an engine comes from."""

    GONE = auto()
    OURS = auto()
    FOREIGN = auto()
    DAMAGED = auto()


_origins: dict[tuple[Path, str, int, int], Origin] = {}
_MAX_ORIGINS = 10_000


def origin(root: Path, kind: str, file: str, key: EngineKey | None) -> Origin:
    """Return where a file in a folder of an engine comes from; one that did not change is not read again.

    Raises:
        OSError: if it cannot be read at this moment.
    """
    path = root / ENGINE / kind / file
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Origin.GONE
    if key is None:
        return Origin.FOREIGN
    mark = (path, key.id, status.st_ino, status.st_mtime_ns)
    known = _origins.get(mark)
    if known is None:
        if len(_origins) >= _MAX_ORIGINS:
            _origins.clear()
        try:
            known = Origin.OURS
            SealedFolder(key, kind, path.suffix).read(path.stem if path.suffix else file)
        except FileNotFoundError:
            return Origin.GONE
        except Untrusted:
            known = Origin.FOREIGN
        except Unreadable:
            known = Origin.DAMAGED
        _origins[mark] = known
    return known


def claim_path(root: Path, batch: str) -> Path:
    """Return the path of the file that is there as long as the tasks of a batch are being queued."""
    return root / ENGINE / BATCHES / f".{batch}{CLAIM_SUFFIX}"


def sealed_names(root: Path, kind: str, suffix: str = "") -> list[str]:
    """Return the names of the files in a folder of an engine, ours or not, without their suffix, sorted."""
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
    """Return the content of a file in a folder of an engine, ours or not: to be shown, never acted on.

    Raises:
        FileNotFoundError: if it is not there.
        Unreadable: if it is not a JSON object.
        OSError: if it cannot be read.
    """
    return parse_json(read_foreign_bytes(root, kind, file), root / ENGINE / kind / file)


def read_foreign_bytes(root: Path, kind: str, file: str) -> bytes:
    """Return the bytes of a file in a folder of an engine, ours or not.

    Raises:
        FileNotFoundError: if it is not there.
        OSError: if it cannot be read.
    """
    with opened_folder(root / ENGINE, (kind,)) as folder:
        path = root / ENGINE / kind / file
        return read_whole(file, path, most=MAX_FOREIGN_BYTES, dir_fd=folder, follow=False)[0]


def remove_foreign(root: Path, kind: str, file: str) -> None:
    """Remove a file that was taken over, ours or not."""
    with suppress(FileNotFoundError), opened_folder(root / ENGINE, (kind,)) as folder:
        os.unlink(file, dir_fd=folder)
