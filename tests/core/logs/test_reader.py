"""Logs by byte offset, followed while they grow, are cut, replaced and moved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.logs import reader as logs
from pyruns_jupyter.core.logs.reader import (
    LogFollower,
    LogReset,
    last_drawn,
    log_size,
    read_range,
    tail_offset,
)


def test_ranges(tmp_path: Path) -> None:
    path = tmp_path / "t" / "run_logs" / "run1.log"
    assert log_size(path) is None
    with pytest.raises(NotFound, match="run1"):
        read_range(path, 0, 10)
    assert tail_offset(path, 10) == 0
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\x00one\r\ntwo\n")
    assert log_size(path) == 11
    assert read_range(path, 2, 3) == b"one"
    assert read_range(path, 100, 5) == b""
    assert read_range(path, 0, 10**9) == b"\xff\x00one\r\ntwo\n"


def test_a_tail_begins_at_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"first\nsecond\nthird\n")
    assert read_range(path, tail_offset(path, 9), 99) == b"third\n"
    assert read_range(path, tail_offset(path, 6), 99) == b"third\n"
    assert tail_offset(path, 1000) == 0
    path.write_bytes(b"10%\r20%\r30%")
    assert read_range(path, tail_offset(path, 5), 99) == b"30%"
    path.write_bytes("é".encode() * 10)
    assert read_range(path, tail_offset(path, 5), 99) == "éé".encode()


@given(st.binary(max_size=60), st.integers(1, 70))
def test_a_tail_is_never_longer_than_asked(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, nbytes: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(data)
    offset = tail_offset(path, nbytes)
    assert max(0, len(data) - nbytes) <= offset <= len(data)


def test_following_a_log_that_grows_and_moves(tmp_path: Path) -> None:
    path = tmp_path / "log"
    follower = LogFollower(path)
    assert follower.read(10) == b""
    with path.open("ab", buffering=0) as stream:
        stream.write(b"hello")
        assert follower.read(3) == b"hel"
        assert follower.read(3) == b"lo"
        assert follower.read(3) == b""
        path.rename(tmp_path / "moved")
        stream.write(b" there")
        assert follower.read(99) == b" there"
    assert follower.offset == 11
    follower.close()


def test_jumping_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthree\nfour\n")
    follower = LogFollower(path)
    assert not follower.jump(99)
    assert follower.read(4) == b"one\n"
    assert follower.size == 19
    assert follower.jump(8)
    assert follower.offset == 14
    assert follower.read(99) == b"four\n"
    assert not follower.jump(8)  # never backwards
    path.rename(tmp_path / "moved")
    assert not follower.jump(1)
    os.mkfifo(path)
    assert not follower.jump(1)
    assert follower.offset == 19
    follower.close()


def test_a_log_that_is_cut_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    follower = LogFollower(path, 4)
    assert follower.read(99) == b"456789"
    path.write_bytes(b"abc")
    with pytest.raises(LogReset, match="truncated"):
        follower.read(99)
    assert follower.read(99) == b"abc"
    other = tmp_path / "other"
    other.write_bytes(b"abcdef")
    other.replace(path)
    with pytest.raises(LogReset, match="replaced"):
        follower.read(99)
    assert follower.read(99) == b"abcdef"
    path.write_bytes(b"ABCDEFGHI")  # the same file, written anew and longer
    with pytest.raises(LogReset, match="rewritten"):
        follower.read(99)
    assert follower.read(99) == b"ABCDEFGHI"
    with pytest.raises(LogReset):
        LogFollower(path, 50).read(1)


def test_a_whole_log_is_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_TEXT", 2**20)
    folder = tmp_path / "task" / "run_logs"
    folder.mkdir(parents=True)
    log = folder / "run1.log"
    assert logs.read_text(log) == ""
    log.write_bytes("é".encode() * 2**19)
    assert logs.read_text(log) == "é" * 2**19
    with log.open("ab") as file:
        file.write(b"!")
    with pytest.raises(InvalidInput, match="at most 1 MiB"):
        logs.read_text(log)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("\x1b]0;title\x07loss 1\n\x1b[31mred\x1b[0m", "loss 1\nred"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;loss 1\nloss 2\x07", "0;loss 1\nloss 2\x07"),
        ("\x1b]0;loss 1\x1b[0m", "0;loss 1"),
        ("10%\r20%\r\n\x1b(Bend", "20%\nend"),
    ],
)
def test_escape_sequences_hide_no_text_of_a_line(text: str, drawn: str) -> None:
    assert last_drawn(text) == drawn
