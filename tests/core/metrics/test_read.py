"""What a run reported, wherever it lies: task file, journal, the other program's database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.metrics import aggregate
from pyruns_jupyter.core.metrics.aggregate import (
    ROOM_BYTES,
    WHOLE_BYTES,
    JournalReader,
    compact,
    read_journal,
)
from pyruns_jupyter.core.metrics.journal import Appender, encode
from pyruns_jupyter.core.metrics.read import POINTS_SHOWN, add_points, last_metrics, run_metrics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.tasks.row import row_from
from tests.core.metrics.test_peer_tracks import INFO as STORED
from tests.core.metrics.test_peer_tracks import store


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    folder = tmp_path / "task"
    (folder / "run_logs").mkdir(parents=True)
    return TaskPaths(folder)


def info_of(status: str, *tracks: dict[str, Any], **more: Any) -> dict[str, Any]:
    count = len(tracks)
    return {
        "status": status,
        "run_statuses": [status] * count,
        "tracks": [*tracks],
        "records": [{}] * count,
        **more,
    }


def figures(info: dict[str, Any], paths: TaskPaths, run: int = 1, **more: bool) -> Any:
    return run_metrics(info, runs.runs(info)[run - 1], paths, **more)


def last(info: dict[str, Any], paths: TaskPaths) -> dict[str, Any]:
    return last_metrics(info, runs.runs(info)[0], paths)


def points(path: Path, count: int, **more: Any) -> None:
    with path.open("ab") as stream:
        stream.writelines(encode("track", {"step": n, **more}, 0.0) for n in range(count))


def test_both_packages_in_one_script_lose_nothing(paths: TaskPaths) -> None:
    """What the other package wrote lies in the file, ours in the journal."""
    Appender(paths.journal(1)).append("track", {"loss": 2, "step": 1}, 0.0)
    info = info_of("running", {"loss": [1]})
    assert figures(info, paths).tracks == {"loss": [1, 2], "step": [1]}
    assert add_points(info, 1, read_journal(paths.journal(1))[1], whole=True)
    info["status"] = info["run_statuses"][0] = "completed"
    # The journal may still be there, when who wrote the end died before removing it.
    assert figures(info, paths).tracks == {"loss": [1, 2], "step": [1]}
    paths.journal(1).unlink()
    assert figures(info, paths).tracks == {"loss": [1, 2], "step": [1]}


def test_a_long_journal_stays_and_counts_once(paths: TaskPaths) -> None:
    path = paths.journal(1)
    points(path, 60_000)
    _, tracks, whole = compact(path)
    assert not whole
    info = info_of("completed", {"step": [-1]})
    for _ in range(2):  # the end of a run may be written again
        assert not add_points(info, 1, tracks, whole=whole)
    assert len(info["tracks"][0]["step"]) == 1 + len(tracks["step"])
    assert figures(info, paths).tracks["step"] == [-1, *range(60_000)]
    shown = figures(info, paths, thinned=True).tracks["step"]
    assert (shown[0], shown[-1]) == (-1, 59_999)
    assert len(shown) <= POINTS_SHOWN
    Appender(path).append("track", {"step": 60_000}, 0.0)  # somebody outlived the run
    assert figures(info, paths, thinned=True).tracks["step"][-1] == 60_000
    assert last(info, paths) == {"step": 60_000}
    path.unlink()
    assert figures(info, paths).tracks["step"] == info["tracks"][0]["step"]


def test_points_in_the_other_programs_database(paths: TaskPaths) -> None:
    store(paths.folder, 10).close()
    info = info_of("completed", {"loss": [9], "file": [1]}, {}, **STORED)
    assert figures(info, paths, 2).tracks == {"loss": [0.5, 0.25], "step": list(range(1, 11))}
    assert figures(info, paths, 1).tracks == {"loss": [1.0], "old": [7], "file": [1]}
    assert row_from(info, paths.folder).figures == {"loss": 0.25, "step": 10}
    # Ours come behind theirs. They stay in the journal, since the task file does not count any more.
    Appender(paths.journal(2)).append("track", {"step": 11}, 0.0)
    assert not add_points(info, 2, {"step": [11]}, whole=True)
    assert info["tracks"][1] == {}
    assert add_points(info, 2, {}, whole=True)
    assert figures(info, paths, 2).tracks["step"] == list(range(1, 12))
    assert row_from(info, paths.folder).figures == {"loss": 0.25, "step": 11}
    assert figures(info, paths, 2).messages == []


def test_the_last_values_wherever_they_are(paths: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long journal nothing but the end is read when the task file has the rest."""
    path = paths.journal(1)
    Appender(path).append("track", {"early": 7}, 0.0)
    points(path, 60_000)
    assert last(info_of("running", {"old": [1, 2]}), paths) == {"old": 2, "early": 7, "step": 59_999}
    info = info_of("completed", {"old": [1, 2]})
    _, tracks, whole = compact(path)
    add_points(info, 1, tracks, whole=whole)
    info["records"] = [{"old": 5}]
    monkeypatch.setattr(aggregate, "open_regular", None)
    assert last(info, paths) == {"old": 5, "early": 7, "step": 59_999}
    path.unlink()
    assert last(info, paths) == {"old": 5, "early": 7, "step": 59_999}


def test_a_damaged_database_is_told_and_hides_nothing_else(paths: TaskPaths) -> None:
    (paths.folder / "tracks.sqlite3").write_text("x")
    Appender(paths.journal(1)).append("track", {"step": 11}, 0.0)
    info = info_of("completed", {"loss": [9]}, **STORED)
    found = figures(info, paths)
    assert found.tracks == {"loss": [9], "step": [11]}
    assert "tracks.sqlite3 cannot be read" in found.messages[0]
    assert row_from(info, paths.folder).figures == {"loss": 9, "step": 11}


def test_a_journal_that_is_none(paths: TaskPaths) -> None:
    path = paths.journal(1)
    path.symlink_to("/dev/zero")
    found = figures(info_of("completed", {"loss": [9]}), paths)
    assert found.tracks == {"loss": [9]}
    assert str(path) in found.messages[0]


def test_a_growing_journal_is_read_once(paths: TaskPaths) -> None:
    path = paths.journal(1)
    reader, seen = JournalReader(100, 1000), 0
    for part in range(6):
        with path.open("ab") as stream:
            stream.write(b"".join(encode("track", {"step": part * 50 + n}, 0.0) for n in range(50)))
            stream.write(b'{"t":1,"record":')
            stream.flush()
            reader.feed(path, to_end=False)
            stream.write(b'{"part":%d}}\n' % part)
        assert reader.offset > seen
        seen = reader.offset
        assert reader.tracks()["step"][-1] == part * 50 + 49
    reader.feed(path)
    assert reader.records == {"part": 5}
    assert reader.offset == path.stat().st_size
    path.unlink()
    points(path, 3)
    reader.feed(path)
    assert (reader.records, reader.tracks()) == ({}, {"step": [0, 1, 2]})


def test_the_task_file_stays_readable_whatever_was_tracked(paths: TaskPaths) -> None:
    path = paths.journal(1)

    def room_taken(lines: list[dict[str, Any]], kind: str = "track", taken: int = 0) -> int:
        path.write_bytes(b"".join(encode(kind, line, 0.0) for line in lines))
        records, tracks, whole = compact(path, taken)
        assert not whole
        return len(json.dumps({"tracks": [tracks], "records": [records]}, indent=2, ensure_ascii=False))

    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    assert room_taken([{"deep": deep}] * 7000) < ROOM_BYTES
    assert room_taken([{"text": "x" * 100_000}] * 50) < ROOM_BYTES
    assert room_taken([{f"k{n}": n} for n in range(60_000)]) < ROOM_BYTES
    assert room_taken([{"list": list(range(100_000))}] * 3) < ROOM_BYTES
    assert room_taken([{f"k{n}": "ü" * 150_000} for n in range(40)], "record") < ROOM_BYTES
    # A file that is large already grows no more, nor does that of a task with many runs.
    some = [{"step": n, "loss": n / 3} for n in range(10_000)]
    assert room_taken(some, taken=ROOM_BYTES - 50_000) < 60_000
    assert room_taken(some, taken=ROOM_BYTES + 1) < 100
    deep = 1
    for _ in range(400):
        deep = [deep]
    path.write_bytes(encode("record", {"deep": deep, "acc": 1}, 0.0))
    assert compact(path) == ({"acc": 1}, {}, False)


def test_curves_that_belong_together_stay_aligned(paths: TaskPaths) -> None:
    path = paths.journal(1)
    lines = [encode("track", {"step": n, "loss": -n}, 0.0) for n in range(50_001)]
    lines += [encode("track", {"val": n}, 0.0) for n in range(7)]
    path.write_bytes(b"".join(lines))
    assert path.stat().st_size > WHOLE_BYTES
    _, tracks, whole = compact(path)
    assert not whole
    assert [-loss for loss in tracks["loss"]] == tracks["step"]
    assert (tracks["step"][0], tracks["step"][-1], tracks["val"]) == (0, 50_000, list(range(7)))
