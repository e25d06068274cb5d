"""Read fields of protobuf messages, without a schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_MAX_VARINT = 10  # bytes


class Field(NamedTuple):
    """A field of a message: its value if it is a varint, else where its bytes are."""

    number: int
    wire: int
    value: int
    start: int
    end: int


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the varint at a position, and the position after it.

    Raises:
        ValueError: when it is not complete, or too long.
    """
    if end - at > 2:  # most have at most three bytes; this is faster
        first, second, third = data[at : at + 3]
        if first < 0x80:
            return first, at + 1
        if second < 0x80:
            return first & 0x7F | second << 7, at + 2
        if third < 0x80:
            return first & 0x7F | (second & 0x7F) << 7 | third << 14, at + 3
    value = shift = 0
    for place in range(at, min(end, at + _MAX_VARINT)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise ValueError("a number is not complete")


def signed(value: int) -> int:
    """Return a varint as the int64 that it encodes."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the fields of the message between two positions.

    Raises:
        ValueError: when it is not valid.
    """
    at, end = start, len(data) if end is None else end
    while at < end:
        tag, at = read_varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        value, begin = 0, at
        if wire == VARINT:
            value, at = read_varint(data, at, end)
        elif wire == FIXED64:
            at += 8
        elif wire == BYTES:
            length, begin = read_varint(data, at, end)
            at = begin + length
        elif wire == FIXED32:
            at += 4
        else:
            raise ValueError(f"wire type {wire} is unknown")
        if at > end:
            raise ValueError("a field is longer than its message")
        yield Field(number, wire, value, begin, at)
