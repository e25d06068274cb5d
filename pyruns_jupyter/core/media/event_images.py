"""Images in TensorBoard event files, which torch, tensorboardX and TensorFlow write.

`metrics.sources.tensorboard` describes the format. An image is in a value of a summary: in field 4, a message
whose field 4 is the encoded image (torch, tensorboardX, TensorFlow 1), or in field 8, a tensor of strings (8)
with width, height and one or more encoded images (TensorFlow 2). Only their positions are kept in memory.
"""

from __future__ import annotations

import os
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO, NamedTuple

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.sources.protobuf import BYTES, VARINT, Field, fields, signed
from pyruns_jupyter.core.metrics.sources.tensorboard import masked_crc

from .kinds import ANY_IMAGE, MAGIC_BYTES, image_type

MAX_IMAGES = 2001  # of one file: one more than are listed of a run, so that the list is known to be cut
MAX_FILES = 1024  # whose positions are kept
MAX_STEP = 2**53  # larger ones lose digits in JavaScript
MAX_IMAGE_BYTES = 16 * 1024 * 1024
_MAX_TAG = 300  # bytes
_HEAD = struct.Struct("<QI")  # length of a record and its checksum; another checksum follows the record
_TAIL = 4
_SMALLEST = 50  # bytes of a record with an image
_CHECKED = 64 * 1024  # a length above this one is only believed if its checksum is right
_BUFFER = 256 * 1024
_RECORDS = 500  # after which the time is checked; a large one counts as several
_SUMMARY, _VALUE, _TAG, _IMAGE, _ENCODED, _TENSOR, _STRINGS = 5, 1, 1, 4, 4, 8, 8


class EventImage(NamedTuple):
    """An image of an event file: `offset` and `size` are those of the encoded image, in bytes."""

    tag: str
    step: int
    offset: int
    size: int


class _Index:
    """The images of one file, as far as it has been read."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.images: dict[int, EventImage] = {}  # by offset
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._is_broken = False

    def update(self, path: Path, deadline: float) -> bool:
        """Read what was added to the file, until `deadline` (monotonic); return whether that was all.

        Raises:
            OSError: if the file cannot be read.
        """
        with os.fdopen(open_regular(path), "rb", buffering=_BUFFER) as stream:
            status = os.fstat(stream.fileno())
            if (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset:
                self.images, self._offset, self._is_broken = {}, 0, False
                self._file = status.st_dev, status.st_ino
            if self._is_broken:
                return True
            stream.seek(self._offset)
            try:
                return self._read(stream, status.st_size, deadline)
            except ValueError:
                self._is_broken = True  # what is before it counts
                return True

    def _read(self, stream: BinaryIO, size: int, deadline: float) -> bool:
        number = 0
        while self._offset + _HEAD.size + _TAIL <= size and len(self.images) < MAX_IMAGES:
            if number >= _RECORDS:
                number = 0
                if time.monotonic() > deadline:
                    return False
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return True
            length, checksum = _HEAD.unpack(head)
            if length > _CHECKED and masked_crc(head[:8]) != checksum:
                raise ValueError("a length that is not valid")
            number += 1 + length // _CHECKED
            end = self._offset + _HEAD.size + length + _TAIL
            if end > size:
                return True  # the rest is still being written
            if length > MAX_IMAGE_BYTES:
                stream.seek(end)
            else:
                data = stream.read(length + _TAIL)
                if length >= _SMALLEST and ANY_IMAGE.search(data):
                    number = _RECORDS  # an image takes longer
                    self._add(data, len(data) - _TAIL, self._offset + _HEAD.size)
            self._offset = end
        return True

    def _add(self, data: bytes, length: int, place: int) -> None:
        """Add the images of the event in `data`, which is at byte `place` of the file."""
        step, summaries = 0, []
        for field in fields(data, 0, length):
            if field.number == 2 and field.wire == VARINT:
                step = min(max(0, signed(field.value)), MAX_STEP)
            elif field.number == _SUMMARY and field.wire == BYTES:
                summaries.append(field)
        for value in _parts(data, summaries, _VALUE):
            tag = next(_parts(data, [value], _TAG), None)
            if tag is None or tag.end - tag.start > _MAX_TAG:
                continue
            name = data[tag.start : tag.end].decode("utf-8", "replace")
            images = _parts(data, _parts(data, [value], _IMAGE), _ENCODED)
            strings = _parts(data, _parts(data, [value], _TENSOR), _STRINGS)
            for image in (*images, *strings):
                if (
                    image_type(data[image.start : image.start + MAGIC_BYTES])
                    and len(self.images) < MAX_IMAGES
                ):
                    found = EventImage(name, step, place + image.start, image.end - image.start)
                    self.images[found.offset] = found


def _parts(data: bytes, messages: Iterable[Field], number: int) -> Iterator[Field]:
    """Yield the fields of some messages that have a number and contain bytes."""
    for message in messages:
        for field in fields(data, message.start, message.end):
            if field.number == number and field.wire == BYTES:
                yield field


_indexes: OrderedDict[str, _Index] = OrderedDict()
_lock = Lock()


def event_images(path: Path, deadline: float) -> tuple[list[EventImage], bool]:
    """Return the images of an event file in their order, and whether the file was read to its end.

    A file is read once: later calls continue where the last one ended, at its `deadline` (monotonic).

    Raises:
        OSError: if the file cannot be read.
    """
    with _lock:
        index = _indexes.setdefault(str(path), _Index())
        _indexes.move_to_end(str(path))
        while len(_indexes) > MAX_FILES:
            _indexes.popitem(last=False)
    with index.lock:
        is_complete = index.update(path, deadline)
        return list(index.images.values()), is_complete
