"""Images in event files: written by tensorboardX, by hand, and damaged."""

from __future__ import annotations

import io
import math
import os
import random
import struct
import time
import tracemalloc
from pathlib import Path

import pytest

from pyruns_jupyter.core.media import event_images as module
from pyruns_jupyter.core.media.event_images import EventImage, event_images
from tests.core.metrics.sources.support import field, record, scalar, varint

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2
JPEG = b"\xff\xd8\xff\xe0" + b"jpeg" * 50
VERSION = record(b"\x09" + struct.pack("<d", 1.0) + field(3, b"brain.Event:2"))


def image(tag: str, step: int, data: bytes = PNG) -> bytes:
    """A record with an image, as torch and tensorboardX write it."""
    content = b"\x08\x10\x10\x10\x18\x03" + field(4, data)
    summary = field(1, field(1, tag.encode()) + field(4, content))
    return record(b"\x09" + struct.pack("<d", 5.0) + b"\x10" + varint(step) + field(5, summary))


def tensors(tag: str, step: int, *images: bytes) -> bytes:
    """A record with images, as TensorFlow 2 writes it."""
    strings = b"".join(field(8, data) for data in (b"16", b"16", *images))
    plugin = field(9, field(1, field(1, b"images")))
    summary = field(1, field(1, tag.encode()) + field(8, b"\x08\x07\x12\x00" + strings) + plugin)
    return record(b"\x09" + struct.pack("<d", 5.0) + b"\x10" + varint(step) + field(5, summary))


def read(path: Path) -> list[EventImage]:
    images, is_complete = event_images(path, math.inf)
    assert is_complete
    return images


def content(path: Path, found: EventImage) -> bytes:
    return path.read_bytes()[found.offset : found.offset + found.size]


def test_images_are_where_they_are_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(
        VERSION
        + scalar("loss", 1, 0.5)
        + image("val/sample", 3)
        + tensors("two", 4, PNG, JPEG)
        + image("text", 4, b"no image, but it mentions \x89PNG\r\n\x1a\n")
        + image("x" * 301, 5)
    )
    found = read(path)
    assert [(one.tag, one.step) for one in found] == [("val/sample", 3), ("two", 4), ("two", 4)]
    assert [content(path, one) for one in found] == [PNG, PNG, JPEG]


def test_what_tensorboardx_writes(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("tensorboardX")
    numpy = pytest.importorskip("numpy")
    pillow = pytest.importorskip("PIL.Image")
    writer = tensorboard.SummaryWriter(str(tmp_path))
    for step in range(3):
        writer.add_scalar("loss", step, step)
        writer.add_image("val/noise", numpy.full((3, 300, 200), step / 4), step)
    writer.close()
    (path,) = tmp_path.iterdir()
    found = read(path)
    assert [(one.tag, one.step) for one in found] == [("val/noise", step) for step in range(3)]
    for one in found:
        with pillow.open(io.BytesIO(content(path, one))) as picture:
            assert picture.size == (200, 300)
            assert abs(picture.getpixel((0, 0))[0] - 255 * one.step / 4) <= 1


def test_a_growing_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events"
    data = image("a", 1)
    path.write_bytes(VERSION + data + data[:-1])
    assert len(read(path)) == 1
    with path.open("ab") as stream:
        stream.write(data[-1:] + image("a", 2))
    sought: list[bytes] = []
    original = module._Index._add

    def spy(self: module._Index, data: bytes, length: int, place: int) -> None:
        sought.append(data)
        original(self, data, length, place)

    monkeypatch.setattr(module._Index, "_add", spy)
    assert [one.step for one in read(path)] == [1, 1, 2]
    assert len(sought) == 2
    # Another file of this name, and a file that was truncated, are read anew.
    os.replace(_written(tmp_path / "new", image("b", 7)), path)
    assert [one.tag for one in read(path)] == ["b"]
    path.write_bytes(VERSION)
    assert read(path) == []


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_long_file_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(
        VERSION + b"".join(image("a", step) + scalar("loss", step, 1) * 600 for step in range(5))
    )
    parts = []
    for _ in range(100):
        images, is_complete = event_images(path, time.monotonic())
        parts.append(len(images))
        if is_complete:
            break
    assert parts[-1] == 5
    assert len(set(parts)) > 2


@pytest.mark.parametrize(
    "bad",
    [
        struct.pack("<QI", 1 << 40, 0) + bytes(100),
        struct.pack("<QI", 1 << 63, 7) + bytes(100),
        record(b"\x09" + bytes(8) + field(5, b"\x0a\xff\xff\x03" + PNG)),
        record(b"\xff" * 20 + PNG),
    ],
)
def test_damaged_files(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "events"
    path.write_bytes(image("a", 1) + bad + image("a", 2))
    assert [one.step for one in read(path)][:1] == [1]


def test_noise(tmp_path: Path) -> None:
    chance = random.Random(5)
    whole = VERSION + image("a", 1) + tensors("b", 2, PNG, JPEG) + image("c", 3, JPEG)
    path = tmp_path / "events"
    for number in range(300):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path = tmp_path / f"events{number}"
        path.write_bytes(data[: chance.randrange(len(data))])
        for one in read(path):
            assert content(path, one)[:3] in (PNG[:3], JPEG[:3])


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.write(image("a", 1))
        stream.write(image("huge", 1, PNG + bytes(module.MAX_IMAGE_BYTES)))
        stream.write(image("a", 2))
    monkeypatch.setattr(module, "MAX_IMAGES", 7)
    many = _written(tmp_path / "many", image("a", 1) * 50)
    tracemalloc.start()
    try:
        assert [one.step for one in read(large)] == [1, 2]
        assert len(read(many)) == 7
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    (tmp_path / "link").symlink_to(many)
    with pytest.raises(OSError, match="not a regular file"):
        event_images(tmp_path / "link", math.inf)
    for number in range(module.MAX_FILES + 5):
        event_images(many, math.inf)
        module._indexes[f"other{number}"] = module._Index()
    event_images(large, math.inf)
    assert len(module._indexes) == module.MAX_FILES


def test_the_time_is_checked_by_bytes(tmp_path: Path) -> None:
    megabyte = record(b"\x09" + bytes(8) + field(3, bytes(1 << 20)))
    path = _written(tmp_path / "events", megabyte * 100 + image("a", 1))
    assert event_images(path, 0.0) == ([], False)
    assert len(read(path)) == 1
