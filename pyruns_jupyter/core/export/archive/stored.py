"""Stored code that comes into a project with an archive."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, PyrunsError
from pyruns_jupyter.core.provenance.snapshots.store import CODE, Manifest, changing
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME


def bring_snapshots(stored: Path, root: Path, notices: list[str]) -> None:
    """Add stored code whose content is what its name says; what is there already has the same content.

    Raises:
        Conflict: when one of the folders for it is a link.
        Busy, OSError: when it cannot be written.
    """
    if not stored.is_dir():
        return
    folder = root / CODE
    _make_folder(folder)
    with changing(root):
        wrong = _add_stored(stored, folder)
    if wrong:
        notices.append(f"{wrong} files of stored code in the archive are damaged and were left out.")


def _make_folder(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink():
        raise Conflict(f"{folder} is a symbolic link. Nothing is written through links below {ROOT_NAME}.")


def _add_stored(stored: Path, folder: Path) -> int:
    """Add stored code to the folder of a project; return how many files were damaged."""
    wrong = 0
    for kind in ("objects", "manifests"):
        for path in sorted(path for path in (stored / kind).rglob("*") if path.is_file()):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            relative = path.relative_to(stored)
            expected = (
                Path("objects", digest[:2], digest[2:])
                if kind == "objects"
                else Path("manifests", f"{digest}.json")
            )
            if relative != expected or (kind == "manifests" and not _is_manifest(data, path)):
                wrong += 1
                continue
            place = folder / relative
            for above in (folder / kind, place.parent):
                _make_folder(above)
            if place.exists():
                os.utime(place, follow_symlinks=False)  # so that it counts as young
            else:
                os.replace(path, place)
    return wrong


def _is_manifest(data: bytes, path: Path) -> bool:
    try:
        Manifest.parse(data, path)
    except PyrunsError:
        return False
    return True
