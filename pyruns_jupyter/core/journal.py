"""The journal of a living run: points and records, one JSON object a line, appended by any number of
processes.

`{"t": epoch seconds, "track": {key: value}}` is a point of curves, `{"t": ..., "record": {key: value}}` sets
final figures. NaN and the infinities are written as the tokens NaN, Infinity and -Infinity.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .filelock import FILE_MODE

TAIL_BYTES = 64 * 1024
WHOLE_BYTES = 1024 * 1024  # up to which a journal goes whole into the task file at the end of its run
POINTS_KEPT = 1000  # of a curve in the task file, when the journal is larger
TRACK, RECORD = "track", "record"

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=True).encode


def encode(kind: str, values: dict[str, Any], epoch: float) -> bytes:
    """Return one line of the journal; `kind` is `track` or `record`.

    Raises:
        TypeError: when a value is no JSON data.
        ValueError: when a value contains itself.
    """
    return b'{"t":%.3f,"%s":%s}\n' % (epoch, kind.encode(), _encode(values).encode())


class Appender:
    """An open journal. Each line is one write at the end of the file, so that several processes never mix
    lines.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`, creating it.

        Raises:
            OSError: when that is not possible.
        """
        flags = (
            os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
        self._descriptor = os.open(path, flags, FILE_MODE)
        status = os.fstat(self._descriptor)
        self._file = (status.st_dev, status.st_ino)
        size = status.st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")  # a line that a dying process tore must not spoil ours

    @property
    def usable(self) -> bool:
        """Whether the descriptor is still our file: scripts that become daemons close them all."""
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._file

    def append(self, kind: str, values: dict[str, Any], epoch: float) -> None:
        """Append one line (see `encode`).

        Raises:
            TypeError, ValueError: when a value is no JSON data; nothing is written.
            OSError: when the disk does not take the whole line.
        """
        line = encode(kind, values, epoch)
        written = os.write(self._descriptor, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes could be written; the disk is full")

    def close(self) -> None:
        """Close the file; the object must not be used any more."""
        os.close(self._descriptor)


def _entries(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.split(b"\n"):
        if not line.startswith(b"{"):
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue  # torn or foreign
        if isinstance(entry, dict):
            yield entry


def fold(path: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return what a journal says: the records (a later value replaces an earlier one) and the curves, in
    order.

    A missing journal says nothing; torn and foreign lines are passed over.
    """
    records: dict[str, Any] = {}
    tracks: dict[str, list[Any]] = {}
    for entry in _lines(path):
        point, record = entry.get(TRACK), entry.get(RECORD)
        if isinstance(point, dict):
            for key, value in point.items():
                tracks.setdefault(key, []).append(value)
        if isinstance(record, dict):
            records.update(record)
    return records, tracks


def summary(path: Path) -> tuple[dict[str, Any], dict[str, list[Any]], bool]:
    """Return records and curves as a task file can hold them, and whether that is all the journal says.

    A journal of up to 1 MiB comes whole. Of a larger one each curve has at most 1000 values, evenly chosen,
    and its last one: a task file with millions of points could not be read any more.
    """
    try:
        whole = path.stat().st_size <= WHOLE_BYTES
    except (FileNotFoundError, NotADirectoryError):
        return {}, {}, True
    if whole:
        return *fold(path), True
    records: dict[str, Any] = {}
    curves: dict[str, _Curve] = {}
    for entry in _lines(path):
        point, record = entry.get(TRACK), entry.get(RECORD)
        if isinstance(point, dict):
            for key, value in point.items():
                curves.setdefault(key, _Curve()).add(value)
        if isinstance(record, dict):
            records.update(record)
    return records, {key: curve.values() for key, curve in curves.items()}, False


class _Curve:
    """Every so-manieth value of a curve, and its last one."""

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._stride = 1
        self._count = 0
        self._last: Any = None

    def add(self, value: Any) -> None:
        if self._count % self._stride == 0:
            if len(self._kept) == POINTS_KEPT - 1:
                del self._kept[1::2]
                self._stride *= 2
            if self._count % self._stride == 0:
                self._kept.append(value)
        self._count += 1
        self._last = value

    def values(self) -> list[Any]:
        last_is_kept = (self._count - 1) % self._stride == 0
        return self._kept if last_is_kept else [*self._kept, self._last]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        stream = path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    with stream:
        for line in stream:
            yield from _entries(line)


def tail_latest(path: Path) -> dict[str, Any]:
    """Return the newest value of each key, tracked or recorded, in the last 64 KiB of a journal."""
    try:
        with path.open("rb") as stream:
            start = max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES)
            stream.seek(start)
            data = stream.read(TAIL_BYTES)
    except OSError:
        return {}
    if start:
        data = data[data.find(b"\n") + 1 :]
    latest: dict[str, Any] = {}
    for entry in _entries(data):
        for kind in (TRACK, RECORD):
            values = entry.get(kind)
            if isinstance(values, dict):
                latest.update(values)
    return latest
