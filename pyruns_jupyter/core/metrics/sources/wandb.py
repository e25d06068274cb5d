"""The log of a run of Weights & Biases, `run-ID.wandb`, which it writes offline and online.

After a header of 7 bytes, the file consists of blocks of 32 KiB, with the framing of LevelDB's logs: uint32
checksum, uint16 length, type (1 complete, 2 first, 3 middle, 4 last part), data. Together, the parts are a
protobuf message `Record`; its field 2 is `HistoryRecord` with items (1): 1 key, 2 nested key, 16 value as
JSON. W&B writes the last, incomplete block when the run ends.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular

from .base import MAX_KEY_LENGTH, STEP, FileSource, NotMetrics, Point, SourceError, is_number
from .protobuf import BYTES, fields

FORMAT = "W&B"
_SUFFIX = ".wandb"
_LOGGED_PID = re.compile(rb" \w+:(\d{1,9}) \[")
_HEADER = b":W&B"
_HEADER_SIZE, _BLOCK = 7, 32 * 1024
_PART = struct.Struct("<IHB")
_COMPLETE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MAX_RECORD = 4 * 1024 * 1024
_HISTORY, _ITEM, _KEY, _NESTED_KEY, _VALUE = 2, 1, 1, 2, 16
_STEP, _TIME = "_step", "_timestamp"


def recognizes(path: str) -> bool:
    """Return whether a path can be that of a run of W&B."""
    return path.endswith(_SUFFIX) and os.path.basename(path).startswith("run-")


def writer_pid(path: str) -> int | None:
    """Return the process that started the run of a file, from W&B's own log next to it."""
    try:
        with os.fdopen(open_regular(f"{os.path.dirname(path)}/logs/debug.log"), "rb") as stream:
            found = _LOGGED_PID.search(stream.readline(500))
    except OSError:
        return None
    return int(found[1]) if found else None


class RunFile(FileSource):
    """The log of a run of W&B."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        super().__init__(path, offset)
        self._parts: list[bytes] | None = None
        self._length = 0
        self._error: SourceError | None = None

    def parse(self, data: bytes) -> tuple[list[Point], int]:
        """See `FileSource`."""
        if self._error is not None:
            raise self._error
        at = 0
        if self.offset == 0:
            if len(data) < _HEADER_SIZE:
                return [], 0
            if data[: len(_HEADER)] != _HEADER:
                raise NotMetrics
            at = _HEADER_SIZE
        points = []
        while True:
            left = _BLOCK - (self.offset + at) % _BLOCK
            if left < _PART.size:
                if len(data) < at + left:
                    break
                at += left  # the end of a block that is too short for a part
                continue
            if len(data) < at + _PART.size:
                break
            checksum, length, kind = _PART.unpack_from(data, at)
            end = at + _PART.size + length
            if len(data) < end and length <= left - _PART.size:
                break
            part = data[at + _PART.size : end]
            if length > left - _PART.size or zlib.crc32(part, zlib.crc32(bytes((kind,)))) != checksum:
                if at > 0 and self.offset + at > _HEADER_SIZE:
                    break  # what is before it counts; the next call raises
                raise self._invalid(at)
            record = self._joined(kind, part)
            if record is not None:
                try:
                    points += self.points_of(record)
                except (ValueError, RecursionError):
                    self._error = self._invalid(at)
                    if not at:
                        raise self._error from None
                    break  # what is before it counts; the next call raises
            at = end
        return points, at

    def points_of(self, record: bytes) -> list[Point]:
        """Return the points of a record.

        Raises:
            ValueError: when it is not valid.
        """
        return _points(record)

    def skip_invalid(self) -> int:
        """Continue after data that is not valid; return the number of bytes that are left out: one part, if
        a valid one follows it, else the rest of the block.

        Raises:
            SourceError: when the file has become smaller.
            OSError: when it cannot be read.
        """
        data = self._next_bytes()
        start = _HEADER_SIZE if self.offset == 0 else 0
        left = min(_BLOCK - (self.offset + start) % _BLOCK, len(data) - start)
        skipped = left
        if left >= _PART.size:
            end = _PART.size + _PART.unpack_from(data, start)[1]
            if end <= left and _is_valid(data, start + end, left - end):
                skipped = end
        self._parts = self._error = None
        self.offset += start + skipped
        self.has_more = self.offset < self.size
        return skipped

    def _invalid(self, at: int) -> SourceError:
        return SourceError(f"The data at byte {self.offset + at:,} is not valid, so the rest is not read.")

    def _joined(self, kind: int, part: bytes) -> bytes | None:
        """Return the record that ends with a part; None if there is none, or it is too large for metrics."""
        if kind == _COMPLETE:
            self._parts = None
            return part
        if kind == _FIRST:
            self._parts, self._length = [part], len(part)
            return None
        if self._parts is None:
            return None
        if part:
            self._parts.append(part)
        self._length += len(part)
        if self._length > _MAX_RECORD:
            self._parts = None
        if kind != _LAST or self._parts is None:
            return None
        record, self._parts = b"".join(self._parts), None
        return record


def _is_valid(data: bytes, at: int, left: int) -> bool:
    """Return whether a valid part, or the end of the block, begins at a position; `left` bytes of the block
    follow it.
    """
    if left < _PART.size:
        return True
    checksum, length, kind = _PART.unpack_from(data, at)
    part = data[at + _PART.size : at + _PART.size + length]
    return bool(length <= left - _PART.size and zlib.crc32(part, zlib.crc32(bytes((kind,)))) == checksum)


def _points(record: bytes) -> list[Point]:
    """Return the point of a record, if it is one of the history.

    Raises:
        ValueError: when it is not valid.
    """
    for field in fields(record):
        if field.number != _HISTORY or field.wire != BYTES:
            continue
        values: dict[str, float] = {}
        step = moment = None
        for item in fields(record, field.start, field.end):
            if item.number != _ITEM or item.wire != BYTES:
                continue
            key, number = _item(record, item.start, item.end)
            if key == _STEP:
                step = number
            elif key == _TIME:
                moment = number
            elif number is not None and key and key[0] != "_":
                values[key] = number
        if values:
            if step is not None:
                values.setdefault(STEP, step)
            return [Point(moment, values)]
    return []


def _item(record: bytes, start: int, end: int) -> tuple[str, float | None]:
    """Return key and value of an item of the history; None if the value is not a number."""
    names, text = [], b""
    for part in fields(record, start, end):
        if part.wire != BYTES:
            continue
        if part.number in (_KEY, _NESTED_KEY):
            names.append(record[part.start : part.end].decode("utf-8", "replace"))
        elif part.number == _VALUE and part.end - part.start <= MAX_KEY_LENGTH:
            text = record[part.start : part.end]
    key = ".".join(name for name in names if name)
    if text.strip(b'"') in (b"NaN", b"Infinity", b"-Infinity"):
        return key, float(text.strip(b'"'))
    if len(key) > MAX_KEY_LENGTH or text[:1] not in b"-0123456789" or not text:
        return key, None
    value = json.loads(text)
    return key, value if is_number(value) else None
