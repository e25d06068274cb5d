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
from pathlib import Path
from sys import intern

import msgspec
from msgspec.structs import force_setattr

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.host_identity import state_folder
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.change_stamp import Signature
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.metrics.row_statistics import shared_keys
from pyruns_jupyter.core.taskfile.paths import SCRIPT_CONFIG
from pyruns_jupyter.core.taskfile.runs import STATUSES

from .row import PYTHON, TaskRow

FOLDER = "indexes"
_MAX_FILES = 100  # workspaces; those that were written first are forgotten
_MAX_BYTES = 512 * 1024 * 1024
_FORMAT = "2"  # counts changes of what a row says of the same task file


class CachedRow(msgspec.Struct, array_like=True, gc=False):
    """The row of a task whose file has `signature`; `batch` is that of a queued task."""

    signature: Signature
    row: TaskRow
    batch: str | None = None


_DECODER = msgspec.msgpack.Decoder(CachedRow)


def read_rows(tasks: Path) -> Mapping[str, CachedRow]:
    """Return the rows of the folder `tasks` that were written last; empty if there are none."""
    try:
        path = _path_of(tasks)
        if path.stat().st_size > _MAX_BYTES:
            return {}
        parts = msgspec.msgpack.decode(path.read_bytes(), type=list[msgspec.Raw])
        return {cached.row.name: cached for cached in map(_cached_row, parts)}
    except (OSError, msgspec.MsgspecError, PyrunsError, RecursionError, UnicodeDecodeError):
        return {}


def _cached_row(data: msgspec.Raw) -> CachedRow:
    """Return a row that shares equal values with others. One at a time leaves no gaps in memory."""
    cached = _DECODER.decode(data)
    row, statistics = cached.row, cached.row.statistics
    if row.status not in STATUSES or not (statistics is None or statistics.is_complete):
        raise msgspec.ValidationError("damaged")
    force_setattr(row, "status", intern(row.status))
    if row.kind is not PYTHON:
        force_setattr(row, "kind", intern(row.kind))
    if row.config_file is not SCRIPT_CONFIG:
        force_setattr(row, "config_file", intern(row.config_file))
    if statistics is not None:
        force_setattr(statistics, "keys", shared_keys(statistics.keys))
    return cached


def write_rows(tasks: Path, rows: Iterable[tuple[Signature, TaskRow, str | None]]) -> None:
    """Replace the rows of the folder `tasks`; without effect where that is not possible."""
    encoder = msgspec.msgpack.Encoder()
    content, count = bytearray(5), 0  # a list with a length of 32 bits
    for signature, row, batch in rows:
        end = len(content)
        try:
            encoder.encode_into(CachedRow(signature, row, batch), content, end)
            count += 1
        except (UnicodeEncodeError, OverflowError):  # odd names and values are read again
            del content[end:]
    content[:5] = b"\xdd" + count.to_bytes(4, "big")
    if len(content) > _MAX_BYTES:
        return
    with suppress(OSError, PyrunsError):
        path = _path_of(tasks)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, bytes(content), durable=False, mode=PRIVATE_MODE)
        tidy(path.parent, is_temporary_file)
        for old in sorted(path.parent.glob("*.msgpack"), key=os.path.getmtime)[:-_MAX_FILES]:
            old.unlink()


def _path_of(tasks: Path) -> Path:
    from pyruns_jupyter._version import __version__  # a checkout has this file only once it is installed

    # Times without a zone in a task file are those of this machine.
    zone = (time.timezone, *time.tzname)
    fields, version = TaskRow.__struct_fields__, sys.version_info[:2]
    known = (os.path.realpath(tasks), __version__, _FORMAT, *fields, *version, *zone)
    digest = hashlib.sha256("\0".join(map(str, known)).encode("utf-8", "surrogateescape")).hexdigest()
    return state_folder() / FOLDER / f"{digest[:32]}.msgpack"
