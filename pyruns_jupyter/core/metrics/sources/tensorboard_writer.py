"""Write TensorBoard event files; `tensorboard` describes the format.

The hyperparameters of a run are a summary value with the tag `_hparams_/session_start_info`, whose metadata
(9) has the data of the plugin `hparams`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import BinaryIO

from .tensorboard import masked_crc

_DOUBLE, _FLOAT = struct.Struct("<d"), struct.Struct("<f")
_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
_VERSION = b"brain.Event:2"
_HPARAMS_TAG, _HPARAMS = b"_hparams_/session_start_info", b"hparams"


class EventWriter:
    """Writes one event file to a stream."""

    def __init__(self, stream: BinaryIO, time: float) -> None:
        """Begin the file; `time` is in epoch seconds.

        Raises:
            OSError: when it cannot be written.
        """
        self._stream = stream
        self._write(b"\x09" + _DOUBLE.pack(time) + _bytes(3, _VERSION))

    def add_scalar(self, tag: str, value: float, step: int, time: float) -> None:
        """Add a value, which is stored as a float32. `time` is in epoch seconds.

        Raises:
            OSError: when it cannot be written.
        """
        content = _bytes(1, tag.encode("utf-8", "replace")) + b"\x15" + _float32(value)
        self._write(b"\x09" + _DOUBLE.pack(time) + b"\x10" + _varint(step) + _bytes(5, _bytes(1, content)))

    def add_hparams(self, values: Mapping[str, object], time: float) -> None:
        """Add the hyperparameters of the run: numbers, booleans, and everything else as text.

        Raises:
            OSError: when it cannot be written.
        """
        entries = b"".join(
            _bytes(1, _bytes(1, key.encode("utf-8", "replace")) + _bytes(2, _value(value)))
            for key, value in values.items()
        )
        start = _bytes(3, entries + b"\x29" + _DOUBLE.pack(time))  # start_time_secs = 5
        metadata = _bytes(1, _bytes(1, _HPARAMS) + _bytes(2, start))
        summary = _bytes(1, _bytes(1, _HPARAMS_TAG) + _bytes(9, metadata))
        self._write(b"\x09" + _DOUBLE.pack(time) + _bytes(5, summary))

    def _write(self, event: bytes) -> None:
        length = _LENGTH.pack(len(event))
        self._stream.write(
            b"".join((length, _CRC.pack(masked_crc(length)), event, _CRC.pack(masked_crc(event))))
        )


def _value(value: object) -> bytes:
    """Return a `google.protobuf.Value`: 2 number, 3 text, 4 boolean."""
    if isinstance(value, bool):
        return b"\x20" + _varint(value)
    if isinstance(value, (int, float)) and abs(value) < 1e300:
        return b"\x11" + _DOUBLE.pack(value)
    return _bytes(3, str(value).encode("utf-8", "replace"))


def _float32(value: float) -> bytes:
    try:
        return _FLOAT.pack(value)
    except (OverflowError, struct.error):  # the latter for a whole number of more than 1,024 bits
        return _FLOAT.pack(float("inf") if value > 0 else float("-inf"))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _bytes(number: int, content: bytes) -> bytes:
    """Return a field with bytes."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content
