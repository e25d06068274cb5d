"""Points of metric sources in a journal: the values that the script tracks win."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.metrics.aggregate import JournalReader, compact
from pyruns_jupyter.core.metrics.downsample import Curve, CurveDownsampler
from pyruns_jupyter.core.metrics.journal import (
    MAX_LINE_BYTES,
    TRACK,
    Appender,
    JournalTail,
    encode,
    encode_points,
    entries,
    tail_latest,
)


def imported(step: int, **values: float) -> bytes:
    return encode(TRACK, {**values, "step": step}, float(step), source=1)


def tracked(**values: float) -> bytes:
    return encode(TRACK, dict(values), 5.0)


LINES = [
    imported(1, loss=9.0, acc=0.5),
    imported(2, loss=9.0, acc=0.6),
    tracked(loss=0.25, epoch=1),
    imported(3, loss=9.0, acc=0.7, epoch=7),
    tracked(loss=0.125, epoch=2),
    imported(4, loss=9.0),
]


@pytest.mark.parametrize("pieces", range(1, 7))
def test_the_values_of_the_script_win(tmp_path: Path, pieces: int) -> None:
    """However many of the lines are read at once."""
    path = tmp_path / "run1.journal.jsonl"
    downsampler = CurveDownsampler()
    reader, tail = JournalReader(downsampler=downsampler), JournalTail()
    for start in range(0, len(LINES), pieces):
        with path.open("ab") as stream:
            stream.writelines(LINES[start : start + pieces])
        reader.feed(path)
        tail.read(path)
    assert reader.tracks() == {
        "acc": [0.5, 0.6, 0.7],
        "loss": [0.25, 0.125],
        "epoch": [1, 2],
        "step": [1, 2, 3, 4],
    }
    curves = downsampler.curves()
    assert curves["loss"].values == [0.25, 0.125]
    assert curves["loss"].steps == {"epoch": [1, 2]}
    assert curves["acc"].steps["step"] == [1, 2, 3]
    assert compact(path)[1] == reader.tracks()
    assert tail.read(path) == tail_latest(path) == {"loss": 0.125, "acc": 0.7, "epoch": 2, "step": 4}


NAMES = st.dictionaries(st.sampled_from(["loss", "acc", "step", "epoch"]), st.integers(0, 9), max_size=3)
POINTS = st.lists(st.tuples(NAMES, st.sampled_from([None, 1, 2])), max_size=30)


@given(POINTS, st.sets(st.integers(1, 29)))
def test_it_does_not_matter_how_many_lines_are_read_at_once(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[dict[str, int], int | None]], cuts: set[int]
) -> None:
    lines = [encode(TRACK, {**values}, float(n), source=each) for n, (values, each) in enumerate(points)]
    path = tmp_path_factory.mktemp("journal") / "run1.journal.jsonl"

    def read(ends: list[int]) -> tuple[dict[str, list[int]], dict[str, Curve]]:
        downsampler = CurveDownsampler()
        reader = JournalReader(downsampler=downsampler)
        for end in ends:
            path.write_bytes(b"".join(lines[:end]))
            reader.feed(path)
        return reader.tracks(), downsampler.curves()

    whole = read([len(lines)])
    assert read([*sorted(cuts), len(lines)]) == whole
    tracks, curves = whole
    assert {key: curve.values for key, curve in curves.items()} == tracks
    by_script = {key for values, source in points if source is None for key in values}
    for key, found in tracks.items():
        given = [
            values[key]
            for values, source in points
            if key in values and (source is None or key not in by_script)
        ]
        assert found == given


def test_a_replaced_journal_forgets_where_values_were_from(tmp_path: Path) -> None:
    path = tmp_path / "run1.journal.jsonl"
    path.write_bytes(imported(1, loss=9.0))
    reader = JournalReader(downsampler=CurveDownsampler())
    reader.feed(path)
    other = tmp_path / "other"
    other.write_bytes(tracked(loss=0.5) + imported(1, loss=9.0))
    other.replace(path)
    reader.feed(path)
    assert reader.tracks() == {"loss": [0.5], "step": [1]}


def test_lines_are_written_together_and_after_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "run1.journal.jsonl"
    path.write_bytes(b'{"t":1,"track":{"lo')
    journal = Appender(path)
    lines = imported(1, loss=1.0) + imported(2, loss=2.0)
    assert journal.write(lines) == len(lines)
    journal.append(TRACK, {"loss": 3.0}, 0.0)
    journal.close()
    assert [entry[TRACK]["loss"] for entry in entries(path.read_bytes())] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "values",
    [{}, {"nan": math.nan}, {"low": -math.inf}, {"null": 1.0}, {"\ud800": 1.0}, {"é\n": 1.0}, {"n": 1 << 70}],
)
@pytest.mark.parametrize("moment", [1e9 + 0.1239, 0.0])
def test_points_that_are_encoded_together(values: dict[str, float], moment: float) -> None:
    points = [(5.0, {"loss": 0.1, "step": 1}), (moment, {"acc": 1e-9, **values}), (6.5, {"loss": 1e300})]
    expected = [encode(TRACK, each, time, source=2) for time, each in points]
    found = b"".join(encode_points(points, source=2))
    assert repr(entries(found)) == repr(entries(b"".join(expected)))
    assert len(entries(found)) == 3
    assert b"".join(encode_points([], source=2)) == b""


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "-Infinity", "[Infinity]", "1e400", "-1e400", "1e-400", "-0.0", "-0", "0.1", "1E5", "1.0"),
        *(f"{sign}{1 << bits}" for bits in (53, 62, 63, 64, 70, 1300) for sign in ("", "-")),
        *(f"{(1 << bits) - 1}" for bits in (53, 63, 64)),
        *("123456789012345678901234567890.5", "0.30000000000000004", "2.2250738585072011e-308", "5e-324"),
        *("9007199254740993.0", "1.7976931348623158e308", "true", "null", "[]", "{}", '"é\\u00e9\\n/\\/"'),
        '{"a":1,"b":2,"a":3}',
        '1,"loss":2',
    ],
)
def test_a_line_is_read_as_python_reads_it(text: str) -> None:
    line = f'{{"t":1.5,"track":{{"loss":{text}}}}}'
    assert repr(entries(line.encode())) == repr([json.loads(line)])
    assert repr(entries(f"{line}\n{line}".encode())) == repr([json.loads(line)] * 2)


def test_a_point_that_is_too_long_ends_them() -> None:
    points: list[tuple[float, dict[str, float]]] = [
        (1.0, {"loss": 0.5}),
        (2.0, {"x" * MAX_LINE_BYTES: 1.0}),
        (3.0, {"loss": 0.25}),
    ]
    lines = encode_points(points, source=1)
    assert next(lines) == encode(TRACK, {"loss": 0.5}, 1.0, source=1)
    with pytest.raises(ValueError, match="at most 1,048,576 are allowed"):
        next(lines)


@pytest.mark.parametrize("to_end", [True, False])
def test_a_new_journal_with_the_inode_of_the_old_one(tmp_path: Path, to_end: bool) -> None:
    """A task is deleted and created again, or a daemon tracks after the end of its run."""
    path = tmp_path / "run1.journal.jsonl"
    path.write_bytes(b"".join(tracked(loss=float(step)) for step in range(10)))
    reader = JournalReader()
    reader.feed(path, to_end=to_end)
    reader.feed(path, to_end=to_end)
    with path.open("r+b") as stream:  # the same inode, and larger
        stream.truncate()
        stream.write(b"".join(tracked(other=float(step), loss=1.0) for step in range(20)))
    reader.feed(path, to_end=to_end)
    assert reader.tracks() == {"other": [float(step) for step in range(20)], "loss": [1.0] * 20}
    with path.open("ab") as stream:
        stream.write(tracked(other=20.0))
    reader.feed(path, to_end=to_end)
    assert reader.tracks()["other"] == [float(step) for step in range(21)]
