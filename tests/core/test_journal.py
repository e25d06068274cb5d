"""The journal of points and records: written by several processes, torn by kills, read whole."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyruns_jupyter.core.journal import POINTS_KEPT, TAIL_BYTES, Appender, encode, fold, summary, tail_latest

WRITER = """
import sys
from pathlib import Path
from pyruns_jupyter.core.journal import Appender
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
    records, tracks = fold(path)
    assert records == {"acc": 0.2, "best": math.inf}
    assert tracks["step"] == [1]
    assert tracks["loss"][0] == 0.5
    assert math.isnan(tracks["loss"][1])
    assert tail_latest(path)["acc"] == 0.2
    assert fold(tmp_path / "none") == ({}, {})
    assert tail_latest(tmp_path / "none") == {}


def test_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(encode("track", {"a": 1}, 0.0) + b'{"t":0,"track":{"a":2')
    assert fold(path) == ({}, {"a": [1]})
    Appender(path).append("track", {"a": 3}, 0.0)
    assert fold(path) == ({}, {"a": [1, 3]})
    assert tail_latest(path) == {"a": 3}


def test_the_tail_of_a_long_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    lines = [encode("track", {"early": 1}, 0.0)]
    lines += [encode("track", {"step": number, "pad": "y" * 100}, 0.0) for number in range(3000)]
    path.write_bytes(b"".join(lines))
    assert path.stat().st_size > 2 * TAIL_BYTES
    assert tail_latest(path) == {"step": 2999, "pad": "y" * 100}


def test_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"rank{rank}", "1000"])
        for rank in range(4)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    _, tracks = fold(path)
    for rank in range(4):
        assert tracks[f"rank{rank}"] == list(range(1000))
    assert len(tracks["pad"]) == 4000


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_content_crashes(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    path.write_bytes(b"\n".join([*lines, b'{"t":1,"track":{"ok":1}}', b'{"track":[1],"record":3}', b"[]"]))
    _, tracks = fold(path)
    assert tracks["ok"][-1] == 1
    assert tail_latest(path)["ok"] == 1


def test_a_long_journal_fits_into_a_task_file(tmp_path: Path) -> None:
    path = tmp_path / "j"
    count = 40_001
    lines = [encode("track", {"step": n, "loss": 1 / (n + 1)}, 0.0) for n in range(count)]
    path.write_bytes(b"".join([*lines, encode("record", {"acc": 1}, 0.0), encode("track", {"once": 7}, 0.0)]))
    records, tracks, whole = summary(path)
    assert not whole
    assert records == {"acc": 1}
    assert tracks["once"] == [7]
    steps = tracks["step"]
    assert 400 < len(steps) <= POINTS_KEPT
    assert (steps[0], steps[-1]) == (0, count - 1)
    assert len({later - step for step, later in pairwise(steps[:-1])}) == 1  # evenly chosen
    assert len(fold(path)[1]["step"]) == count
    short = tmp_path / "short"
    short.write_bytes(b"".join(lines[:5000]))
    assert summary(short) == (*fold(short), True)
    assert summary(tmp_path / "none") == ({}, {}, True)
