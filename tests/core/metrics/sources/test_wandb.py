"""The log of a run of W&B: one that W&B itself wrote, and damaged ones."""

from __future__ import annotations

import math
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from pyruns_jupyter.core.metrics.sources.base import NotMetrics, SourceError
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.wandb import RunFile, writer_pid
from tests.support import ROOT

from .support import field, read_all, varint

# Written by W&B 0.31.0, offline: 20 calls `log({"loss": 1 / (n + 1), "deep": {"acc": n / 20}})`, and then
# `log({"odd": math.inf, "text": "words"})`.
RECORDED = ROOT / "tests" / "data" / "run-by-wandb-0.31.0.wandb"


def written(records: list[bytes]) -> bytes:
    """The log of records, with the framing of LevelDB."""
    data = b":W&B" + bytes.fromhex("bee100")
    for record in records:
        first = True
        while record or first:
            left = 32768 - len(data) % 32768
            if left < 7:
                data += bytes(left)
                continue
            part, record = record[: left - 7], record[left - 7 :]
            kind = (1 if first else 4) if not record else 2 if first else 3
            crc = zlib.crc32(part, zlib.crc32(bytes([kind])))
            data += struct.pack("<IHB", crc, len(part), kind) + part
            first = False
    return data


def history(step: int, **values: str) -> bytes:
    items = [("_step", str(step)), *values.items()]
    found = b"".join(field(1, field(2, key.encode()) + field(16, text.encode())) for key, text in items)
    return b"\x08" + varint(step) + field(2, found)


def test_what_wandb_writes() -> None:
    found = format_of(str(RECORDED))
    assert found is not None and found.name == "W&B"
    points = read_all(RunFile(RECORDED))
    assert len(points) == 21
    assert [point.values["step"] for point in points] == list(range(21))
    assert points[9].values == {"loss": 0.1, "deep.acc": 0.45, "step": 9}
    assert points[20].values == {"odd": math.inf, "step": 20}
    assert points[0].time is not None and points[0].time > 1.7e9


def test_half_a_record_is_read_later(tmp_path: Path) -> None:
    path = tmp_path / "run-a.wandb"
    data = written(
        [history(1, loss="0.5"), field(7, bytes(70_000)), history(2, loss="0.25"), history(3, loss="1")]
    )
    source = RunFile(path)
    values = []
    ends = [*range(60), *range(60, len(data), 977), *range(len(data) - 80, len(data) + 1)]
    for end in ends:
        path.write_bytes(data[:end])
        values += [point.values["loss"] for point in read_all(source)]
    assert values == [0.5, 0.25, 1]
    assert source.offset == len(data)


def test_many_records(tmp_path: Path) -> None:
    path = tmp_path / "run-a.wandb"
    path.write_bytes(written([history(step, loss=str(step / 2), **{"x" * 40: "1"}) for step in range(5000)]))
    points = read_all(RunFile(path))
    assert [point.values["loss"] for point in points] == [step / 2 for step in range(5000)]


def test_a_record_that_is_too_large_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "run-a.wandb"
    path.write_bytes(written([field(2, bytes(5_000_000)), history(2, loss="0.25")]))
    assert [point.values["loss"] for point in read_all(RunFile(path))] == [0.25]


@pytest.mark.parametrize("text", ['"words"', "{}", "[1]", "null", "true", "1" * 400, "-", "1e", "[" * 290])
def test_values_that_are_not_numbers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run-a.wandb"
    path.write_bytes(written([history(1, loss="0.5"), history(2, loss=text, acc="1")]))
    source = RunFile(path)
    try:
        points = read_all(source)
    except SourceError:
        assert text in ("-", "1e")
    else:
        assert points[-1].values == {"acc": 1, "step": 2}


def test_damaged_files_only_raise_what_is_documented(tmp_path: Path) -> None:
    path = tmp_path / "run-a.wandb"
    path.write_bytes(b"something else, that is long enough")
    with pytest.raises(NotMetrics):
        RunFile(path).read()
    data = written([history(step, loss="0.5") for step in range(50)])
    path.write_bytes(data[:200] + b"\xff" + data[201:])
    source = RunFile(path)
    assert 0 < len(source.read()) < 50
    with pytest.raises(SourceError, match="not valid"):
        source.read()
    chance = random.Random(1)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(damaged)
        source = RunFile(path)
        try:
            for _ in range(3):
                source.read()
        except (SourceError, NotMetrics):
            continue


def test_the_process_that_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "run-1" / "run-a.wandb"
    (path.parent / "logs").mkdir(parents=True)
    assert writer_pid(str(path)) is None
    log = path.parent / "logs" / "debug.log"
    log.write_text(
        "2026-01-01 10:00:00,000 INFO    MainThread:4321 [wandb_setup.py:_flush():81] Current SDK\n"
    )
    assert writer_pid(str(path)) == 4321
    log.write_bytes(bytes(1000))
    assert writer_pid(str(path)) is None


def test_endless_empty_parts_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "run-a.wandb"
    with path.open("wb") as stream:
        stream.write(b":W&B" + bytes.fromhex("bee100"))
        for number in range(100_000):
            kind = 2 if number == 0 else 3
            stream.write(struct.pack("<IHB", zlib.crc32(bytes([kind])), 0, kind))
            if 32768 - stream.tell() % 32768 < 7:
                stream.write(bytes(32768 - stream.tell() % 32768))
    source = RunFile(path)
    tracemalloc.start()
    assert read_all(source) == []
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert source.offset == path.stat().st_size
    assert kept < 400_000


def test_what_is_before_an_invalid_record_counts(tmp_path: Path) -> None:
    path = tmp_path / "run-a.wandb"
    path.write_bytes(written([history(1, loss="0.5"), b"\xff" * 20, history(2, loss="0.25")]))
    source = RunFile(path)
    assert [point.values["loss"] for point in source.read()] == [0.5]
    assert source.has_more
    with pytest.raises(SourceError, match="not valid"):
        source.read()
