"""TensorBoard event files: of torch, tensorboardX, TensorFlow 2, Keras, Lightning.

A file is a sequence of records: little-endian uint64 length, uint32 checksum of the length, payload, uint32
checksum of the payload. A payload is a protobuf message `Event`: 1 wall time (double), 2 step, 5 summary.
`Summary` has values (1): 1 tag, 2 value (float), or 8 tensor: 1 type, 4 content, 5 floats, 6 doubles.
"""

from __future__ import annotations

import os
import re
import struct
from functools import cache
from pathlib import Path

from .base import MAX_KEY_LENGTH, SLICE_BYTES, STEP, FileSource, Point, SourceError
from .protobuf import BYTES, FIXED32, VARINT, Field, fields, read_varint, signed

FORMAT = "TensorBoard"
_NAME = re.compile(r"events\.out\.tfevents\.\d+\.")
_PID = re.compile(r"events\.out\.tfevents\.\d+\..+?\.(\d+)\.\d+(?:\.v2)?$")

_LENGTH = struct.Struct("<QI")
_DOUBLE = struct.Struct("<d")
_TIME_TAG, _STEP_TAG = 0x09, 0x10  # field 1 as a double, field 2 as a varint
_FRAME = 16  # bytes of a record besides its payload
_MAX_RECORD = 1 << 31  # protobuf's limit
_CHECKED = SLICE_BYTES - _FRAME  # a length above this one is only believed if its checksum is right
_DT_FLOAT, _DT_DOUBLE = 1, 2
_MAX_LAYOUTS, _MAX_LAYOUT = 10_000, 1024  # how many are kept, and bytes of one
# The tag, and the value, or the position of a float (4 bytes), which is decoded later.
_Scalar = tuple[str, float, int]


def recognizes(path: str) -> bool:
    """Return whether a path can be that of an event file."""
    return _NAME.match(os.path.basename(path)) is not None


def pid_in_name(path: str) -> int | None:
    """Return the pid in the name of an event file; tensorboardX writes none."""
    found = _PID.match(os.path.basename(path))
    return int(found[1]) if found else None


class EventFile(FileSource):
    """An event file. Scalars of the same step that follow each other are one point."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        super().__init__(path, offset)
        # Most events of a file differ only in time, step and value: `_tags` has the tag of the bytes around a
        # value, `_places` the position of the value by the number of bytes.
        self._tags: dict[tuple[bytes, bytes], str] = {}
        self._places: dict[int, int] = {}

    def parse(self, data: bytes) -> tuple[list[Point], int]:
        """See `FileSource`."""
        points: list[Point] = []
        steps: list[int] = []
        floats: list[bytes] = []
        targets: list[tuple[dict[str, float], str]] = []  # of the floats
        values: dict[str, float] = {}
        at, size, last_step = 0, len(data), None
        while size - at >= _LENGTH.size:
            length, checksum = _LENGTH.unpack_from(data, at)
            start = at + _LENGTH.size
            end = start + length
            try:
                if end + 4 > size:
                    if length > _CHECKED:
                        at += self._skip_large(data[at : at + 8], length, checksum, self.offset + at)
                    break
                if length < 9 or data[start] != _TIME_TAG:
                    raise ValueError("an event without a time")
                step, rest = 0, start + 9
                if length > 9 and data[rest] == _STEP_TAG:
                    step, rest = read_varint(data, rest + 1, end)
                    if step >> 63:
                        step = signed(step)
                place = self._places.get(end - rest, 0) + rest
                tag = self._tags.get((data[rest:place], data[place + 4 : end]))
                found = self._scalars(data, rest, end) if tag is None else [(tag, 0.0, place)]
            except (ValueError, IndexError, struct.error):
                if at:
                    break  # what is before it counts; the next call raises
                raise SourceError(
                    f"The data at byte {self.offset:,} is not valid, so the rest is not read."
                ) from None
            at = end + 4
            for tag, number, place in found:
                if step != last_step or tag in values:
                    values, last_step = {}, step
                    points.append(Point(_DOUBLE.unpack_from(data, start + 1)[0], values))
                    steps.append(step)
                values[tag] = number
                if place:
                    floats.append(data[place : place + 4])
                    targets.append((values, tag))
        for (values, tag), number in zip(targets, _shortest(b"".join(floats)), strict=True):
            values[tag] = number
        for point, step in zip(points, steps, strict=True):
            point.values.setdefault(STEP, step)
        return points, at

    def _scalars(self, data: bytes, start: int, end: int) -> list[_Scalar]:
        """Return the scalars in the fields of an event after its step."""
        found = [
            _scalar(data, value)
            for summary in fields(data, start, end)
            if summary.number == 5 and summary.wire == BYTES
            for value in fields(data, summary.start, summary.end)
            if value.number == 1 and value.wire == BYTES
        ]
        if len(found) == 1 and end - start <= _MAX_LAYOUT and len(self._tags) < _MAX_LAYOUTS:
            tag, _, place = found[0]
            if tag and place:
                self._tags[data[start:place], data[place + 4 : end]] = tag
                self._places[end - start] = place - start
        return [(tag, number, place) for tag, number, place in found if tag and number is not None]

    def _skip_large(self, coded: bytes, length: int, checksum: int, place: int) -> int:
        """Return how many bytes to skip of a record that is too large for a scalar: 0 if it is not complete.

        Raises:
            ValueError: when its length is not valid.
        """
        if length > _MAX_RECORD or masked_crc(coded) != checksum:
            raise ValueError("a length that is not valid")
        return length + _FRAME if place + length + _FRAME <= self.size else 0


def _scalar(data: bytes, value: Field) -> tuple[str, float | None, int]:
    """Return the tag of a value of a summary, and the value, or 0 and the position of a float."""
    tag, number, place = "", None, 0
    for part in fields(data, value.start, value.end):
        if part.number == 1 and part.wire == BYTES and part.end - part.start <= MAX_KEY_LENGTH:
            tag = data[part.start : part.end].decode("utf-8", "replace")
        elif part.number == 2 and part.wire == FIXED32:
            number, place = 0.0, part.start
        elif part.number == 8 and part.wire == BYTES:
            number, place = _tensor(data, part)
    return tag, number, place


def _tensor(data: bytes, tensor: Field) -> tuple[float | None, int]:
    """Return the value of a tensor with one number, or 0 and the position of a float."""
    kind, content = 0, None
    for part in fields(data, tensor.start, tensor.end):
        if part.number == 1 and part.wire == VARINT:
            kind = part.value
        elif part.number in (4, 5, 6) and part.wire != VARINT and part.end > part.start:
            content = part
    if content is None:
        return None, 0
    length = content.end - content.start
    if kind == _DT_FLOAT and length == 4 and content.number in (4, 5):
        return 0.0, content.start
    if kind == _DT_DOUBLE and length == _DOUBLE.size and content.number in (4, 6):
        return float(_DOUBLE.unpack_from(data, content.start)[0]), 0
    return None, 0


def _shortest(floats: bytes) -> list[float]:
    """Return float32 numbers as the shortest decimal numbers that stand for them: 0.1, not
    0.10000000149011612.
    """
    form = f"<{len(floats) // 4}f"
    numbers = struct.unpack(form, floats)
    short = [*map(float, ("%.7g " * len(numbers) % numbers).split())]
    for at, restored in enumerate(struct.unpack(form, struct.pack(form, *short))):
        if restored != numbers[at]:
            short[at] = float(f"{numbers[at]:.9g}")
    return short


def masked_crc(data: bytes) -> int:
    """Return the checksum of TFRecord: CRC-32C, rotated, plus a constant."""
    crc, table = 0xFFFFFFFF, _crc_table()
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _crc_table() -> tuple[int, ...]:
    """Return the remainder of each byte for the polynomial of CRC-32C."""
    table = list(range(256))
    for _ in range(8):
        table = [crc >> 1 ^ (0x82F63B78 if crc & 1 else 0) for crc in table]
    return tuple(table)
