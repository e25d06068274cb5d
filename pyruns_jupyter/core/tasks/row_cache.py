"""Rows of a workspace as they were read last, so that the next index needs no unchanged task file.

One file a workspace in the state folder of the user, never in the project. It is only for speed: a row counts
if the signature of its task file is still the same, and the file may be deleted at any time.

    <state>/indexes/<digest of the folder, the version and the fields of a row>.msgpack
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path
from sys import intern
from typing import Any

import msgspec

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.host_identity import state_folder
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.change_stamp import Signature
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.metrics.statistics import RowStatistics

from .row import TaskRow

FOLDER = "indexes"
_MAX_FILES = 100  # workspaces; those that were written first are forgotten
_MAX_BYTES = 512 * 1024 * 1024
_FORMAT = "1"  # counts changes of what a row says of the same task file
_DEFAULTS = {
    field.name: field.default_factory() if field.default_factory is not MISSING else field.default
    for field in fields(TaskRow)
}


class CachedRow(msgspec.Struct, array_like=True):
    """The row of a task whose file has `signature`; `batch` is that of a queued task."""

    signature: Signature
    row: TaskRow
    batch: str | None = None


def read_rows(tasks: Path) -> Mapping[str, CachedRow]:
    """Return the rows of the folder `tasks` that were written last; empty if there are none."""
    try:
        path = _path_of(tasks)
        if path.stat().st_size > _MAX_BYTES:
            return {}
        found = msgspec.msgpack.Decoder(list[CachedRow], dec_hook=_statistics).decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, PyrunsError):
        return {}
    for cached in found:
        for name in ("status", "kind", "config_file"):  # few different ones, in little memory
            object.__setattr__(cached.row, name, intern(getattr(cached.row, name)))
    return {cached.row.name: cached for cached in found}


def write_rows(tasks: Path, rows: Iterable[tuple[Signature, TaskRow, str | None]]) -> None:
    """Replace the rows of the folder `tasks`; without effect where that is not possible."""
    encoder = msgspec.msgpack.Encoder()
    parts = []
    for signature, row, batch in rows:
        with suppress(UnicodeEncodeError, OverflowError):  # odd names and values are read again
            parts.append(msgspec.Raw(encoder.encode((signature, _content(row), batch))))
    content = encoder.encode(parts)
    if len(content) > _MAX_BYTES:
        return
    with suppress(OSError, PyrunsError):
        path = _path_of(tasks)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, content, durable=False, mode=PRIVATE_MODE)
        tidy(path.parent, is_temporary_file)
        for old in sorted(path.parent.glob("*.msgpack"), key=os.path.getmtime)[:-_MAX_FILES]:
            old.unlink()


def _path_of(tasks: Path) -> Path:
    from pyruns_jupyter._version import __version__  # a checkout has this file only once it is installed

    # Times without a zone in a task file are those of this machine.
    zone = (time.timezone, *time.tzname)
    known = (os.path.realpath(tasks), __version__, _FORMAT, *_DEFAULTS, *sys.version_info[:2], *zone)
    digest = hashlib.sha256("\0".join(map(str, known)).encode("utf-8", "surrogateescape")).hexdigest()
    return state_folder() / FOLDER / f"{digest[:32]}.msgpack"


def _content(row: TaskRow) -> dict[str, Any]:
    """Return the fields of a row that have another value than by default."""
    content = {name: value for name, default in _DEFAULTS.items() if (value := getattr(row, name)) != default}
    if row.statistics is not None:
        content["statistics"] = row.statistics.pack()
    return content


def _statistics(_: type, packed: Any) -> RowStatistics:
    return RowStatistics.unpack(*packed)
