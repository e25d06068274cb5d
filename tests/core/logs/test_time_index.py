"""Time marks of a log: what is written comes back, and what is damaged is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.logs.time_index import Mark, encode_mark, read_marks

MARKS = st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 100)), max_size=60).map(
    lambda steps: [
        (sum(size for size, _ in steps[: n + 1]), 1.7e9 + sum(wait for _, wait in steps[: n + 1]))
        for n in range(len(steps))
    ]
)


def written(path: Path, marks: list[Mark]) -> Path:
    path.write_bytes(b"".join(encode_mark(*mark) for mark in marks))
    return path


@given(marks=MARKS, begin=st.integers(0, 100_000), length=st.integers(1, 100_000))
def test_the_marks_of_a_part_tell_when_each_of_its_bytes_was_written(
    tmp_path_factory: pytest.TempPathFactory, marks: list[Mark], begin: int, length: int
) -> None:
    path = written(tmp_path_factory.mktemp("marks") / "run1.times", marks)
    end = begin + length
    found = read_marks(path, begin, end, 1000)

    def written_at(place: int, known: list[Mark]) -> float | None:
        return next((epoch for size, epoch in known if size > place), None)

    for place in {begin, begin + length // 2, end - 1}:
        assert written_at(place, found) == written_at(place, marks)
    assert all(size > begin for size, _ in found)
    assert sum(size >= end for size, _ in found) <= 1


@given(marks=MARKS, most=st.integers(1, 20))
def test_fewer_marks_tell_no_wrong_order_and_keep_the_last(
    tmp_path_factory: pytest.TempPathFactory, marks: list[Mark], most: int
) -> None:
    path = written(tmp_path_factory.mktemp("marks") / "run1.times", marks)
    found = read_marks(path, 0, 10**9, most)
    assert len(found) <= most
    assert found == [mark for mark in marks if mark in found]
    assert found[-1:] == marks[-1:]


def test_damaged_lines_and_steps_back_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "run1.times"
    path.write_bytes(b"10 100.0\nnonsense\n5 101.0\n20 99.0\n\xff\xfe 3\n30 102.5\n40 1")
    assert read_marks(path, 0, 1000, 10) == [(10, 100.0), (30, 102.5)]
    assert read_marks(tmp_path / "missing", 0, 1000, 10) == []
    os.mkfifo(tmp_path / "pipe")
    assert read_marks(tmp_path / "pipe", 0, 1000, 10) == []
