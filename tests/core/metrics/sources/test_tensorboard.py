"""TensorBoard event files: by hand, and by tensorboardX."""

from __future__ import annotations

import math
import random
import struct
import tracemalloc
from pathlib import Path

import pytest

from pyruns_jupyter.core.metrics.sources.base import SLICE_BYTES, Point, SourceError
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.tensorboard import EventFile, pid_in_name

from .support import field, read_all, record, scalar, tensor, varint

VERSION = record(b"\x09" + struct.pack("<d", 1.0) + field(3, b"brain.Event:2"))


def test_names() -> None:
    torch = "runs/a/events.out.tfevents.1700000000.host-1.example.org.4321.0"
    assert pid_in_name(torch) == 4321
    assert pid_in_name("/x/events.out.tfevents.1700000000.host.4321.7.v2") == 4321
    assert pid_in_name("events.out.tfevents.1700000000.host") is None
    for name in (torch, "events.out.tfevents.1700000000.host"):
        found = format_of(name)
        assert found is not None and found.name == "TensorBoard"
    assert format_of("my.events.out.tfevents.txt") is None


def test_scalars_of_a_step_are_one_point(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(
        VERSION
        + scalar("loss", 0, 0.1)
        + scalar("acc", 0, 0.5, 1000.5)
        + scalar("loss", 1, math.nan)
        + scalar("loss", 1, 2.0)
        + scalar("loss", 300, 3.0)
        + scalar("loss", 1 << 40, math.inf)
        + scalar("step", 7, 4.0)
    )
    points = read_all(EventFile(path))
    assert points[0] == Point(1000.0, {"loss": 0.1, "acc": 0.5, "step": 0})
    assert math.isnan(points[1].values["loss"])
    assert [point.values for point in points[2:]] == [
        {"loss": 2.0, "step": 1},
        {"loss": 3.0, "step": 300},
        {"loss": math.inf, "step": 1 << 40},
        {"step": 4.0},
    ]


def test_tensors_with_one_number(tmp_path: Path) -> None:
    path = tmp_path / "events"
    text = record(
        b"\x09"
        + bytes(8)
        + field(5, field(1, field(1, b"text") + field(8, b"\x08\x07" + field(8, b"words"))))
    )
    two = tensor("two", 3, 1.0)
    double = b"\x08\x02" + field(4, struct.pack("<d", 0.25))
    path.write_bytes(
        VERSION
        + b"".join(tensor("epoch_loss", step, step / 10, packed=step % 2 == 0) for step in range(1, 5))
        + text
        + record(b"\x09" + bytes(8) + field(5, field(1, field(1, b"wide") + field(8, double))))
    )
    points = read_all(EventFile(path))
    assert [point.values.get("epoch_loss") for point in points] == [0.1, 0.2, 0.3, 0.4, None]
    assert points[-1].values == {"wide": 0.25, "step": 0}
    assert len(two) > 60  # with its metadata


def test_half_a_record_is_read_later(tmp_path: Path) -> None:
    path = tmp_path / "events"
    data = VERSION + b"".join(scalar("loss", step, step) for step in range(3))
    source = EventFile(path)
    with pytest.raises(OSError, match="No such file"):
        source.read()
    values = []
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        values += [point.values["loss"] for point in read_all(source)]
    assert values == [0.0, 1.0, 2.0]
    assert source.offset == len(data)


def test_each_byte_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events"
    count = 3 * SLICE_BYTES // len(scalar("loss", 1000, 1.0))
    path.write_bytes(VERSION + b"".join(scalar("loss", step, step) for step in range(count)))
    source = EventFile(path)
    sizes: list[int] = []
    parse = EventFile.parse

    def counting(self: EventFile, data: bytes) -> tuple[list[Point], int]:
        points, used = parse(self, data)
        sizes.append(used)
        assert len(data) <= SLICE_BYTES
        return points, used

    monkeypatch.setattr(EventFile, "parse", counting)
    assert len(read_all(source)) == count
    with path.open("ab") as stream:
        stream.write(scalar("loss", count, 0.5))
    assert [point.values for point in read_all(source)] == [{"loss": 0.5, "step": count}]
    assert sum(sizes) == path.stat().st_size


def test_a_large_record_is_skipped_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "events"
    picture = record(b"\x09" + bytes(8) + field(5, field(1, field(1, b"img") + field(4, bytes(300_000)))))
    path.write_bytes(scalar("loss", 1, 1.0) + picture[:200_000])
    source = EventFile(path)
    assert len(read_all(source)) == 1
    assert source.offset == len(scalar("loss", 1, 1.0))
    path.write_bytes(scalar("loss", 1, 1.0) + picture + scalar("loss", 2, 2.0))
    assert [point.values["loss"] for point in read_all(source)] == [2.0]


@pytest.mark.parametrize(
    "wrong",
    [
        b"\xff" * 100,
        bytes(100),
        record(b"hello, this is not an event"),
        record(b"\x09" + bytes(8) + b"\x2a\x7f\x0a"),
        struct.pack("<QI", 1 << 62, 7) + bytes(40),
        struct.pack("<QI", 100_000, 7) + bytes(40),
        record(b"\x09"),
    ],
)
def test_invalid_data_ends_the_source_but_not_what_was_before(tmp_path: Path, wrong: bytes) -> None:
    path = tmp_path / "events"
    good = scalar("loss", 1, 1.0)
    path.write_bytes(good + wrong + scalar("loss", 2, 2.0) * 3)
    source = EventFile(path)
    assert [point.values["loss"] for point in source.read()] == [1.0]
    with pytest.raises(SourceError, match=f"byte {len(good)} is not valid"):
        source.read()


def test_a_file_that_became_smaller_is_not_read_further(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(scalar("loss", 1, 1.0) * 5)
    source = EventFile(path)
    read_all(source)
    path.write_bytes(scalar("loss", 1, 1.0))
    with pytest.raises(SourceError, match="smaller"):
        source.read()


def test_damaged_files_only_raise_what_is_documented(tmp_path: Path) -> None:
    path = tmp_path / "events"
    data = VERSION + b"".join(scalar("a", step, 1.0) + tensor("b", step, 1.0) for step in range(20))
    chance = random.Random(1)
    for _ in range(500):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(damaged)
        source = EventFile(path)
        try:
            for _ in range(3):
                source.read()
        except SourceError:
            continue


def test_varints() -> None:
    assert varint(300) == b"\xac\x02"


def test_what_tensorboardx_writes(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("tensorboardX")
    writer = tensorboard.SummaryWriter(str(tmp_path))
    for step in range(200):
        writer.add_scalar("train/loss", 1 / (step + 1), step)
        writer.add_scalar("train/acc", step / 200, step)
    writer.add_text("note", "words", 1)
    writer.add_histogram("weights", [1.0, 2.0, 3.0], 1)
    writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 3)
    writer.close()
    (path,) = [each for each in tmp_path.iterdir() if each.is_file()]
    points = read_all(EventFile(path))
    assert len(points) == 200
    assert [point.values["step"] for point in points] == list(range(200))
    assert points[9].values["train/loss"] == 0.1
    assert abs(points[0].time - points[-1].time) < 60 if points[0].time and points[-1].time else False
    below = [each for each in tmp_path.rglob("events*") if each.parent != tmp_path]
    assert [read_all(EventFile(each))[0].values for each in sorted(below)] == [
        {"both": 1.0, "step": 3},
        {"both": 2.0, "step": 3},
    ]


def test_the_memory_for_layouts_is_bounded(tmp_path: Path) -> None:
    """A record can be large, with bytes that differ around the value."""
    path = tmp_path / "events.out.tfevents.1.host"
    with path.open("wb") as stream:
        for number in range(2000):
            value = field(1, b"loss") + b"\x15\0\0\0\0" + field(9, number.to_bytes(4, "little") * 4000)
            stream.write(record(b"\x09" + bytes(8) + field(5, field(1, value))))
    source = EventFile(path)
    tracemalloc.start()
    while True:
        source.read()
        if not source.has_more:
            break
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 4_000_000
