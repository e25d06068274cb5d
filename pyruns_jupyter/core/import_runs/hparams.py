"""Read the hyperparameters in an event file of TensorBoard, which `SummaryWriter.add_hparams` writes.

The summary value with the tag `_hparams_/session_start_info` has metadata (9), the data of a plugin (1) and
its content (2): a message with `session_start_info` (3), whose `hparams` (1) are a map of keys (1) to values
(2): 2 number, 3 text, 4 bool.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.sources.protobuf import BYTES, FIXED64, VARINT, fields

_TAG = b"_hparams_/session_start_info"
_HEAD_BYTES = 1024 * 1024  # of a file, in which they are looked for
_LENGTH, _DOUBLE = struct.Struct("<QI"), struct.Struct("<d")
_SUMMARY, _VALUE, _METADATA, _PLUGIN, _CONTENT, _START, _HPARAMS = 5, 1, 9, 1, 2, 3, 1
_KEY, _ENTRY = 1, 2
_NUMBER, _TEXT, _BOOL = 2, 3, 4


def read_hparams(path: Path) -> dict[str, object]:
    """Return the hyperparameters in an event file; empty if it has none at its beginning."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            data = stream.read(_HEAD_BYTES)
    except OSError:
        return {}
    found: dict[str, object] = {}
    if _TAG in data:
        try:
            for start, end in _records(data):
                if _TAG in data[start:end]:
                    content = data[start:end]
                    for number in (_SUMMARY, _VALUE, _METADATA, _PLUGIN, _CONTENT, _START):
                        content = _part(content, number)
                    found |= dict(_hparams(content))
        except (ValueError, struct.error):
            return found
    return found


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + _LENGTH.size <= len(data):
        length = _LENGTH.unpack_from(data, at)[0]
        start = at + _LENGTH.size
        at = start + length + 4
        if at > len(data):
            return
        yield start, start + length


def _part(data: bytes, number: int) -> bytes:
    """Return the first field with a number; empty if there is none.

    Raises:
        ValueError: when the message is not valid.
    """
    for one in fields(data):
        if one.number == number and one.wire == BYTES:
            return data[one.start : one.end]
    return b""


def _hparams(data: bytes) -> Iterator[tuple[str, object]]:
    for one in fields(data):
        if one.number != _HPARAMS or one.wire != BYTES:
            continue
        entry = data[one.start : one.end]
        content, value = _part(entry, _ENTRY), None
        for part in fields(content):
            if part.number == _NUMBER and part.wire == FIXED64:
                number = _DOUBLE.unpack_from(content, part.start)[0]
                value = int(number) if number.is_integer() and abs(number) < 1 << 53 else number
            elif part.number == _TEXT and part.wire == BYTES:
                value = content[part.start : part.end].decode("utf-8", "replace")
            elif part.number == _BOOL and part.wire == VARINT:
                value = bool(part.value)
        yield _part(entry, _KEY).decode("utf-8", "replace"), value
