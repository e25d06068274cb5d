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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import force_setattr, replace

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.host_identity import state_folder
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.change_stamp import Signature
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.metrics.row_statistics import shared_keys
from pyruns_jupyter.core.taskfile.paths import SCRIPT_CONFIG

from .row import EMPTY_SHAPE, Shape, TaskRow, shared_shape

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


class _Part(msgspec.Struct, array_like=True):
    """Rows of one shape, which they do not repeat."""

    shape: Shape
    rows: list[TaskRow]


class _Stored(msgspec.Struct, array_like=True):
    """What the file has. Signatures are in the natural order of names, in which `order` has the places of the
    rows of all `parts`.
    """

    signatures: list[Signature]
    batches: dict[str, str]
    order: list[int]
    parts: list[memoryview]


_STORED = msgspec.msgpack.Decoder(_Stored)
_PART = msgspec.msgpack.Decoder(_Part)


def read_rows(tasks: Path) -> CachedRows:
    """Return the rows of the folder `tasks` that were written last; empty if there are none."""
    try:
        path = _path_of(tasks)
        if path.stat().st_size <= _MAX_BYTES:
            stored = _STORED.decode(path.read_bytes())
            found: list[TaskRow] = []
            for part in stored.parts:
                found += _complete(_PART.decode(part))  # before the next part, which fills the gaps in memory
            rows = {row.name: row for row in map(found.__getitem__, stored.order)}
            signatures = dict(zip(rows, stored.signatures, strict=True))
            return CachedRows(rows, signatures, stored.batches)
    except (OSError, msgspec.MsgspecError, PyrunsError, RecursionError, LookupError, ValueError):
        pass
    return CachedRows({}, {}, {})


def _complete(part: _Part) -> list[TaskRow]:
    """Return the rows of a part with its shape; they share equal values now.

    Raises:
        ValueError: if a row is damaged.
    """
    rows, shape = part.rows, shared_shape(part.shape)
    columns: list[Sequence[Any]] = [*zip(*[row.cells for row in rows], strict=True)]
    if len(columns) != len(shape.swept) + len(shape.figures):
        raise ValueError
    swept = len(shape.swept)
    columns[:swept] = map(_sharing, columns[:swept])
    cells: Iterable[tuple[Any, ...]] = zip(*columns, strict=True) if columns else repeat(())
    times: dict[float, float] = {}
    keys: tuple[str, ...] = ()
    for row, values in zip(rows, cells, strict=False):
        force_setattr(row, "shape", shape)
        force_setattr(row, "cells", values)
        if row.created_at:  # tasks of a sweep were created at once
            force_setattr(row, "created_at", times.setdefault(row.created_at, row.created_at))
        if row.progress == 1.0:
            force_setattr(row, "progress", 1.0)
        statistics = row.statistics
        if statistics is not None:
            if statistics.keys != keys:
                keys = shared_keys(statistics.keys)
            force_setattr(statistics, "keys", keys)
            if not statistics.is_complete:
                raise ValueError
        if row.config_file is not SCRIPT_CONFIG:
            force_setattr(row, "config_file", intern(row.config_file))
    return rows


def _sharing(values: Sequence[Any]) -> Sequence[Any]:
    """Return the values, of which equal texts or floats are one object."""
    kinds = {*map(type, values)}
    if kinds == {str}:
        return [*map(intern, values)]
    if kinds == {float}:  # others, such as 1 and True, may equal a float
        known = {value: value for value in values if value}  # 0.0 equals -0.0
        return [known.get(value, value) for value in values]
    return values


def write_rows(tasks: Path, rows: Iterable[tuple[Signature, TaskRow, str | None]]) -> None:
    """Replace the rows of the folder `tasks`; without effect where that is not possible.

    Each row comes with the signature of its task file, and the batch of a queued task.
    """
    encode = msgspec.msgpack.Encoder().encode
    stored = _Stored([], {}, [], [])
    shapes: dict[Shape, tuple[list[int], list[msgspec.Raw]]] = {}
    for signature, row, batch in rows:
        try:
            if row.shape not in shapes:
                encode(row.shape)
                shapes[row.shape] = [], []
            data = msgspec.Raw(encode(replace(row, shape=EMPTY_SHAPE)))
            if batch is not None:
                encode(batch)
                stored.batches[row.name] = batch
        except (UnicodeEncodeError, OverflowError):  # odd names and values are read again
            continue
        places, encoded = shapes[row.shape]
        places.append(len(stored.signatures))
        encoded.append(data)
        stored.signatures.append(signature)
    for shape, (places, encoded) in shapes.items():
        stored.order += places
        for start in range(0, len(encoded), _PART_ROWS):
            stored.parts.append(memoryview(encode((shape, encoded[start : start + _PART_ROWS]))))
    stored.order = sorted(range(len(stored.order)), key=stored.order.__getitem__)
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
