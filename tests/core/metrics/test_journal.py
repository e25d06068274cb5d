"""The journal of points and records: written by several processes, torn by kills, read whole."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.alerts.journal import alerts_in
from pyruns_jupyter.core.metrics import journal as journal_module
from pyruns_jupyter.core.metrics.aggregate import POINTS_KEPT, compact, read_journal
from pyruns_jupyter.core.metrics.journal import (
    MAX_LINE_BYTES,
    TAIL_BYTES,
    Appender,
    JournalTail,
    encode,
    entries,
    tail_latest,
)

WRITER = """
import sys
from pathlib import Path
from typing import Any
from pyruns_jupyter.core.metrics.journal import Appender
journal = Appender(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    journal.append("track", {sys.argv[2]: number, "pad": "x" * 300}, 0.0)
"""


def test_points_keep_their_order_and_records_replace(tmp_path: Path) -> None:
    path = tmp_path / "run1.journal.jsonl"
    journal = Appender(path)
    journal.append("track", {"loss": 0.5, "step": 1}, 1.0)
    journal.append("record", {"acc": 0.1}, 2.0)
    journal.append("track", {"loss": math.nan}, 3.0)
    journal.append("record", {"acc": 0.2, "best": math.inf}, 4.0)
    journal.close()
    records, tracks = read_journal(path)
    assert records == {"acc": 0.2, "best": math.inf}
    assert tracks["step"] == [1]
    assert tracks["loss"][0] == 0.5
    assert math.isnan(tracks["loss"][1])
    assert tail_latest(path)["acc"] == 0.2
    assert read_journal(tmp_path / "none") == ({}, {})
    assert tail_latest(tmp_path / "none") == {}


def test_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(encode("track", {"a": 1}, 0.0) + b'{"t":0,"track":{"a":2')
    assert read_journal(path) == ({}, {"a": [1]})
    Appender(path).append("track", {"a": 3}, 0.0)
    assert read_journal(path) == ({}, {"a": [1, 3]})
    assert tail_latest(path) == {"a": 3}


def test_the_tail_of_a_long_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    lines = [encode("track", {"early": 1}, 0.0)]
    lines += [encode("track", {"step": number, "pad": "y" * 100}, 0.0) for number in range(3000)]
    path.write_bytes(b"".join(lines))
    assert path.stat().st_size > 2 * TAIL_BYTES
    assert tail_latest(path) == {"step": 2999, "pad": "y" * 100}


def test_the_tail_of_a_journal_that_grows(tmp_path: Path) -> None:
    """Only new lines are read, each as soon as it is complete; another journal is read from its start."""
    path, tail, line = tmp_path / "j", JournalTail(), encode("track", {"step": 2}, 0.0)
    path.write_bytes(encode("track", {"step": 1, "early": 0}, 0.0) + line[:-5])
    assert tail.read(path) == {"step": 1, "early": 0}
    with path.open("r+b") as stream:
        stream.write(encode("track", {"step": 9, "early": 9}, 0.0))
        stream.seek(0, os.SEEK_END)
        stream.write(line[-5:])
    assert tail.read(path) == {"step": 2, "early": 0}
    with path.open("ab") as stream:
        stream.write(encode("track", {"pad": "y" * 100}, 0.0) * 2000)
    assert tail.read(path) == {"step": 2, "early": 0, "pad": "y" * 100}
    path.write_bytes(line)
    assert tail.read(path) == {"step": 2}
    path.unlink()
    assert tail.read(path) == {"step": 2}


def test_the_tail_has_a_limited_number_of_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_KEYS", 3)
    path, tail, found = tmp_path / "j", JournalTail(), dict[str, Any]()
    for number in range(5):
        with path.open("ab") as stream:
            stream.write(encode("track", {f"key{number}": 0, "step": number}, 0.0))
        found = tail.read(path)
    assert found == {"key0": 0, "key1": 0, "step": 4}


@pytest.mark.parametrize(
    ("key", "value"),
    [("k", "x" * 3000), ("k", ["x" * 1000] * 3), ("k", [[1.0, 2.0]] * 300), ("k", 10**4000), ("k" * 3000, 1)],
    ids=["text", "list", "lists", "integer", "key"],
)
def test_the_tail_takes_a_limited_amount_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: Any
) -> None:
    """A value that has no room is left out, and no earlier one of its key is shown; what is replaced makes
    room.
    """
    monkeypatch.setattr(journal_module, "MAX_NEWEST_BYTES", 100_000)
    path, tail, found = tmp_path / "j", JournalTail(), dict[str, Any]()

    def track(**values: Any) -> dict[str, Any]:
        with path.open("ab") as stream:
            stream.write(encode("track", values, 0.0))
        return tail.read(path)

    track(**{f"{key}99": 0})
    for number in range(100):
        found = track(**{f"{key}{number}": value, "step": number, "again": "y" * 3000})
    assert 20 < len(found) < 60
    assert found[f"{key}0"] == value
    assert (f"{key}99" in found) is (value == 1)  # which replaces a value of the same size
    assert found["step"] == 99
    assert found["again"] == "y" * 3000
    if key == "k":
        for number in range(100):
            found = track(**{f"k{number}": number})
        assert found == {"step": 99, "again": "y" * 3000} | {f"k{number}": number for number in range(100)}


def test_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"rank{rank}", "1000"])
        for rank in range(4)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    _, tracks = read_journal(path)
    for rank in range(4):
        assert tracks[f"rank{rank}"] == list(range(1000))
    assert len(tracks["pad"]) == 4000


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_content_crashes(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    path.write_bytes(b"\n".join([*lines, b'{"t":1,"track":{"ok":1}}', b'{"track":[1],"record":3}', b"[]"]))
    _, tracks = read_journal(path)
    assert tracks["ok"][-1] == 1
    assert tail_latest(path)["ok"] == 1


def test_a_long_journal_fits_into_a_task_file(tmp_path: Path) -> None:
    path = tmp_path / "j"
    count = 40_001
    lines = [encode("track", {"step": n, "loss": 1 / (n + 1)}, 0.0) for n in range(count)]
    path.write_bytes(b"".join([*lines, encode("record", {"acc": 1}, 0.0), encode("track", {"once": 7}, 0.0)]))
    records, tracks, whole = compact(path)
    assert not whole
    assert records == {"acc": 1}
    assert tracks["once"] == [7]
    steps = tracks["step"]
    assert 400 < len(steps) <= POINTS_KEPT
    assert (steps[0], steps[-1]) == (0, count - 1)
    assert len({later - step for step, later in pairwise(steps[:-1])}) == 1  # evenly chosen
    assert len(read_journal(path)[1]["step"]) == count
    short = tmp_path / "short"
    short.write_bytes(b"".join(lines[:5000]))
    assert compact(short) == (*read_journal(short), True)
    assert compact(tmp_path / "none") == ({}, {}, True)


def test_a_line_behind_a_torn_one_is_found(tmp_path: Path) -> None:
    """A process that is killed in the middle of a line may tear it before the line of another one."""
    path = tmp_path / "j"
    torn = encode("track", {"a": {"t": 1}, "text": "x" * 50}, 0.0)
    whole = encode("track", {"b": {"t": 2}}, 0.0) + encode("track", {"b": 3}, 0.0)
    for cut in range(len(torn) - 1):
        path.write_bytes(torn[:cut] + whole)
        assert read_journal(path)[1]["b"] == [{"t": 2}, 3], torn[:cut]


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    """What fits only in part is an error, and the next line that fits is whole."""
    code = """
import resource, signal, sys
from pathlib import Path
from typing import Any
from pyruns_jupyter.core.metrics.journal import Appender
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Appender(Path(sys.argv[1]))
def append(number):
    try:
        journal.append("track", {"n": number, "pad": "x" * 100}, 0.0)
        return True
    except OSError:
        return False
stored = [n for n in range(20) if append(n)]
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
stored += [n for n in range(20, 40) if append(n)]
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
stored += [n for n in range(40, 50) if append(n)]
print(stored)
"""
    path = tmp_path / "j"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    steps = read_journal(path)[1]["n"]
    assert str(steps) == done.stdout.strip()
    assert steps[-10:] == list(range(40, 50))
    assert len(steps) < 35


def test_eight_processes_and_long_lines(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from typing import Any
from pyruns_jupyter.core.metrics.journal import Appender
rank = int(os.environ["RANK"])
journal = Appender(Path(sys.argv[1]))
for number in range(150):
    journal.append("track", {f"rank{rank}": number, "pad": chr(97 + rank) * (5000 + 700 * rank)}, 0.0)
"""
    path = tmp_path / "j"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], env={**os.environ, "RANK": str(rank)})
        for rank in range(8)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * 8
    tracks = read_journal(path)[1]
    for rank in range(8):
        assert tracks[f"rank{rank}"] == list(range(150))
        assert tracks["pad"].count(chr(97 + rank) * (5000 + 700 * rank)) == 150
    lines = entries(path.read_bytes())
    assert len(lines) == 8 * 150
    assert all(f"rank{line['r']}" in line["track"] for line in lines)


def test_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Each writer says what it has stored, and is killed at some moment."""
    code = """
import itertools, os, sys
from pathlib import Path
from typing import Any
from pyruns_jupyter.core.metrics.journal import Appender
journal = Appender(Path(sys.argv[1]))
size = int(sys.argv[3])
for number in itertools.count():
    journal.append("track", {sys.argv[2]: number, "pad": "x" * size}, 0.0)
    os.write(1, b"%d\\n" % number)
"""
    path = tmp_path / "j"
    acknowledged = {}
    for attempt in range(6):
        writers = {
            f"w{attempt}.{rank}": subprocess.Popen(
                [sys.executable, "-c", code, str(path), f"w{attempt}.{rank}", str(size)],
                stdout=subprocess.PIPE,
            )
            for rank, size in enumerate((10, 20_000, 300_000))
        }
        for name, writer in writers.items():
            assert writer.stdout is not None
            for _ in range(3 + 7 * attempt):
                assert writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read()
            writer.stdout.close()
            assert writer.wait() == -signal.SIGKILL
            acknowledged[name] = 3 + 7 * attempt + rest.count(b"\n")
    tracks = read_journal(path)[1]
    for name, count in acknowledged.items():
        assert tracks[name][:count] == list(range(count))
        assert len(tracks[name]) <= count + 1  # one may be stored that nobody was told of


def test_texts_that_no_file_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Appender(path).append("record", {"half \ud800": "x\udfff", "list": ["\ud83d\ude00"]}, 0.0)
    records, _ = read_journal(path)
    assert records == {"half \ufffd": "x\ufffd", "list": ["😀"]}


def test_no_line_is_too_long_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Appender(path)
    with pytest.raises(ValueError, match="artifact_dir"):
        journal.append("record", {"model": "x" * MAX_LINE_BYTES}, 0.0)
    assert path.stat().st_size == 0
    path.write_bytes(b"{" * (5 * MAX_LINE_BYTES) + b"\n" + encode("track", {"a": 1}, 0.0))
    assert read_journal(path) == ({}, {"a": [1]})


def test_a_fifo_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "j"
    os.mkfifo(path)
    with pytest.raises(OSError):
        read_journal(path)
    assert tail_latest(path) == {}
    with pytest.raises(OSError):
        Appender(path).append("track", {"a": 1}, 0.0)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_and_any_tear(tmp_path_factory: pytest.TempPathFactory, junk: bytes, cut: int) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    good = encode("track", {"a": 1, "b": [1, {"t": 2}]}, 1.0) + encode("record", {"c": "x"}, 2.0)
    path.write_bytes(good + junk + b"\n" + good + good[:cut])
    records, tracks = read_journal(path)
    assert records["c"] == "x" or b"record" in junk
    assert tracks["a"][0] == 1
    assert len(tracks["a"]) >= 2
    Appender(path).append("track", {"a": "last"}, 0.0)
    assert read_journal(path)[1]["a"][-1] == "last"


@given(
    st.dictionaries(
        st.text(max_size=6),
        st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=5)),
        min_size=1,
        max_size=4,
    ),
    st.one_of(st.none(), st.integers(0, 99)),
)
def test_every_point_comes_back(values: dict[str, Any], rank: int | None) -> None:
    (entry,) = entries(encode("track", values, 1.5, rank))
    assert entry["t"] == 1.5
    assert entry.get("r") == rank
    expected = {
        key.encode("utf-16", "surrogatepass").decode("utf-16", "replace"): value
        for key, value in values.items()
    }
    assert repr(list(entry["track"].values())) == repr(list(expected.values()))
    assert list(entry["track"]) == list(expected)


@pytest.mark.parametrize("depth", [600, 900, 100_000])
def test_a_line_that_is_too_deep_ends_no_reader(tmp_path: Path, depth: int) -> None:
    """A script can write it by hand. The supervisor reads it during the run, and at its end."""
    path = tmp_path / "journal.jsonl"
    deep = b'{"t":1,"track":{"a":' + b"[" * depth + b'"\\ud83d\\ude00"' + b"]" * depth + b"}}\n"
    path.write_bytes(deep + b'{"t":1,"track":{"b":1}}\n{"t":1,"alert":{"title":"x","level":"info"}}\n')
    assert read_journal(path)[1]["b"] == [1]
    assert [one.title for one in alerts_in(path)] == ["x"]
