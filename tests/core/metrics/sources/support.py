"""Metric files written by hand, byte by byte."""

from __future__ import annotations

import struct

from pyruns_jupyter.core.metrics.sources.base import Point, Source
from pyruns_jupyter.core.metrics.sources.tensorboard import masked_crc


def record(payload: bytes) -> bytes:
    """A TFRecord."""
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked_crc(length)) + payload + struct.pack("<I", 0)


def varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def scalar(tag: str, step: int, value: float, moment: float = 1000.0) -> bytes:
    """A record with a scalar, as torch and tensorboardX write it."""
    summary = field(1, field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
    coded = b"" if step == 0 else b"\x10" + varint(step)
    return record(b"\x09" + struct.pack("<d", moment) + coded + field(5, summary))


def tensor(tag: str, step: int, value: float, *, packed: bool = False) -> bytes:
    """A record with a scalar, as TensorFlow 2 and Keras write it."""
    number = struct.pack("<f", value)
    content = b"\x08\x01\x12\x00" + field(5 if packed else 4, number)
    plugin = field(9, field(1, field(1, b"scalars")))
    summary = field(1, field(1, tag.encode()) + field(8, content) + plugin)
    return record(b"\x09" + struct.pack("<d", 5.0) + b"\x10" + varint(step) + field(5, summary))


def read_all(source: Source) -> list[Point]:
    """All points that a source has now."""
    points = source.read()
    while source.has_more:
        points += source.read()
    return points
