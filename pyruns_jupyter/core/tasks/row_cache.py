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
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from sys import intern
from typing import NamedTuple

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

from .row import TaskRow, shared_shape

FOLDER = "indexes"
_MAX_FILES = 100  # workspaces; those that were written first are forgotten
_MAX_BYTES = 512 * 1024 * 1024
_PART_ROWS = 500  # that are decoded at once, while no other thread runs
_FORMAT = "4"  # counts changes of what a row says of the same task file


class CachedRows(NamedTuple):
    """Rows by name, in natural order; the signatures of their task files; the batches of the queued ones."""

    rows: dict[str, TaskRow]
    signatures: dict[str, Signature]
    batches: dict[str, str]


class _Stored(msgspec.Struct, array_like=True):
    """What the file has; each part is a list of rows."""

    signatures: list[Signature]
    batches: dict[str, str]
    parts: list[memoryview]


_STORED = msgspec.msgpack.Decoder(_Stored)
_PART = msgspec.msgpack.Decoder(list[TaskRow])


def read_rows(tasks: Path) -> CachedRows:
    """Return the rows of the folder `tasks` that were written last; empty if there are none."""
    try:
        path = _path_of(tasks)
        if path.stat().st_size <= _MAX_BYTES:
            stored = _STORED.decode(path.read_bytes())
            rows: list[TaskRow] = []
            for part in stored.parts:
                rows += _sharing(_PART.decode(part))  # before the next part, which fills the gaps in memory
            names = [row.name for row in rows]
            signatures = dict(zip(names, stored.signatures, strict=True))
            return CachedRows(dict(zip(names, rows, strict=True)), signatures, stored.batches)
    except (OSError, msgspec.MsgspecError, PyrunsError, RecursionError, ValueError):
        pass
    return CachedRows({}, {}, {})


def _sharing(rows: list[TaskRow]) -> list[TaskRow]:
    """Return the rows, which share equal values now.

    Raises:
        ValueError: if a row is damaged.
    """
    floats: dict[float, float] = {}
    for row in rows:
        shape, cells = shared_shape(row.shape), row.cells
        if len(cells) != len(shape.swept) + len(shape.figures):
            raise ValueError
        force_setattr(row, "shape", shape)
        swept = [
            intern(value)
            if type(value) is str
            else floats.setdefault(value, value)
            if type(value) is float and value  # 0.0 equals -0.0
            else value
            for value in cells[: len(shape.swept)]
        ]
        force_setattr(row, "cells", (*swept, *cells[len(swept) :]))
        if row.created_at:  # tasks of a sweep were created at once
            force_setattr(row, "created_at", floats.setdefault(row.created_at, row.created_at))
        if row.progress == 1.0:
            force_setattr(row, "progress", 1.0)
        statistics = row.statistics
        if statistics is not None:
            if not statistics.is_complete:
                raise ValueError
            force_setattr(statistics, "keys", shared_keys(statistics.keys))
        if row.config_file is not SCRIPT_CONFIG:
            force_setattr(row, "config_file", intern(row.config_file))
    return rows


def write_rows(tasks: Path, rows: Iterable[tuple[Signature, TaskRow, str | None]]) -> None:
    """Replace the rows of the folder `tasks`; without effect where that is not possible.

    Each row comes with the signature of its task file, and the batch of a queued task.
    """
    encode = msgspec.msgpack.Encoder().encode
    stored, encoded = _Stored([], {}, []), []
    for signature, row, batch in rows:
        try:
            data = encode(row)
            if batch is not None:
                encode(batch)
                stored.batches[row.name] = batch
        except (UnicodeEncodeError, OverflowError):  # odd names and values are read again
            continue
        encoded.append(msgspec.Raw(data))
        stored.signatures.append(signature)
    for start in range(0, len(encoded), _PART_ROWS):
        stored.parts.append(memoryview(encode(encoded[start : start + _PART_ROWS])))
    content = encode(stored)
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
    fields, version = TaskRow.__struct_fields__, sys.version_info[:2]
    known = (os.path.realpath(tasks), __version__, _FORMAT, *fields, *version, *zone)
    digest = hashlib.sha256("\0".join(map(str, known)).encode("utf-8", "surrogateescape")).hexdigest()
    return state_folder() / FOLDER / f"{digest[:32]}.msgpack"
