"""Aggregates from the points of a run: bounded memory and time, and errors that are not hidden."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.metrics import aggregate, journal, run_aggregates
from pyruns_jupyter.core.metrics.aggregate import WHOLE_BYTES, compact
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.metrics.journal import TRACK, encode
from pyruns_jupyter.core.metrics.read import add_points, compact_journal
from pyruns_jupyter.core.metrics.run_aggregates import JournalAggregates, Points, StepSearch
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import runs
from tests.core.metrics.test_peer_tracks import INFO as STORED
from tests.core.metrics.test_read import info_of


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    folder = tmp_path / "task"
    (folder / "run_logs").mkdir(parents=True)
    return TaskPaths(folder)


def write(path: Path, *points: dict[str, Any]) -> None:
    with path.open("a") as stream:
        stream.writelines(json.dumps({"t": 1.0, "track": point}) + "\n" for point in points)


def limited(calls: int) -> Callable[[], float]:
    """Return a time budget that is over after some calls."""
    left = iter(range(calls))

    def remaining() -> float:
        if next(left, None) is None:
            raise TimeoutError
        return 1.0

    return remaining


def test_only_numbers_of_curves_that_were_asked_for_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "run1.points"
    write(path, *({"loss": number, "acc": -number, "note": "x" * 1000} for number in range(3000)))
    found = JournalAggregates(path)
    assert found.value(Aggregate("max", "loss")) == 2999
    assert [found.reader.recent(key) for key in ("loss", "acc", "note")] == [[], [], []]
    assert found.value(Aggregate("mean", "loss", 3)) == 2998
    assert found.value(Aggregate("mean", "acc", 1)) == -2999  # also after its values were read
    write(path, {"loss": "text", "acc": 1})
    assert found.value(Aggregate("mean", "loss", 2)) == 2999
    assert found.value(Aggregate("mean", "acc", 1)) == 1
    assert found.value(Aggregate("max", "loss")) == 2999
    assert found.value(Aggregate("mean", "note", 3)) is None
    assert len(found.reader.recent("loss")) == 1000
    assert {*found.reader.recent("note")} == {None}


def test_a_line_that_is_too_long_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(journal, "_PIECE", 100)
    path = tmp_path / "run1.points"
    path.write_bytes(b"x" * 10_000)
    search = StepSearch(path, Aggregate("at", "loss", 7))
    assert search.value() is None
    assert search._offset > 8000  # it is not read again
    write(path, {"other": 1}, {"loss": 5, "step": 6}, {"loss": 4, "step": 7}, {"loss": 3, "step": 8})
    assert search.value() == 4


@pytest.mark.parametrize("piece", [60, 10_000])
@pytest.mark.parametrize(
    ("points", "step", "expected"),
    [
        ([(1, {"loss": 9.0, "step": 1}), (1, {"loss": 8.0, "step": 1})], 1, 9.0),
        ([(None, {"loss": 9.0, "step": 1}), (None, {"loss": 8.0, "step": 1})], 1, 9.0),
        ([(None, {"loss": "a", "step": 1}), (None, {"loss": 8.0, "step": 1})], 1, 8.0),
        ([(1, {"loss": 9.0, "step": 0}), (1, {"loss": 8.0, "step": -1})], -1, 8.0),
        ([(1, {"loss": 9.0, "step": 5}), (None, {"loss": 8.0}), (1, {"loss": 7.0, "step": 5})], 0, 8.0),
        ([(None, {"loss": math.nan, "step": 1}), (None, {"loss": 8.0, "step": 2})], 1, math.nan),
    ],
)
def test_a_step_has_the_same_value_while_a_run_is_running_and_later(
    paths: TaskPaths,
    monkeypatch: pytest.MonkeyPatch,
    points: list[tuple[int | None, dict[str, Any]]],
    step: int,
    expected: float,
    piece: int,
) -> None:
    """The points of a metric source (1) do not count if the script tracks the metric."""
    wanted = Aggregate("at", "loss", step)
    lines = [encode(TRACK, values, 1.0, source=source) for source, values in points]
    paths.journal(1).write_bytes(b"".join(lines))
    monkeypatch.setattr(journal, "_PIECE", piece)
    assert repr(StepSearch(paths.journal(1), wanted).value()) == repr(expected)
    _, tracks, whole = compact_journal(paths, 1, {}, 0)
    info = info_of("completed", {})
    assert add_points(info, 1, tracks, whole=whole)
    paths.journal(1).unlink()
    for _ in range(2):
        found = run_aggregates.run_aggregates(info, runs(info)[0], paths, [wanted])
        assert repr(found.get(wanted)) == repr(expected)
        paths.curves(1).unlink(missing_ok=True)


@pytest.mark.parametrize("has_statistics", [True, False])
def test_a_large_journal_of_an_ended_run(
    paths: TaskPaths, monkeypatch: pytest.MonkeyPatch, has_statistics: bool
) -> None:
    """Its values are not read into memory all at once."""
    path = paths.journal(1)
    write(path, *({"loss": abs(number - 20_000), "step": 2 * number} for number in range(40_000)))
    assert path.stat().st_size > WHOLE_BYTES
    statistics: Any = {}
    _, tracks, whole = compact(path, statistics=statistics)
    info = info_of("completed", {"loss": [-7.0, 50_000.0]})  # of another program
    add_points(info, 1, tracks, whole=whole, statistics=statistics if has_statistics else None)
    wanted = {
        Aggregate("mean", "loss", 10): 19_994.5,
        Aggregate("mean", "loss"): (400_000_000 + 49_993) / 40_002,
        Aggregate("min", "loss"): -7,
        Aggregate("max", "loss"): 50_000,
        Aggregate("at", "loss", 40_000): 0,
        Aggregate("last", "loss"): 19_999,
    }

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(run_aggregates, "run_metrics", refuse)
    run = runs(info)[0]
    assert run_aggregates.run_aggregates(info, run, paths, wanted) == pytest.approx(wanted)
    points = Points(info, run, paths, wanted)
    assert len(points._journal.reader.tracks().get("loss", [])) <= 2
    assert points.statistics()["loss"].count == 40_002


def test_reading_continues_after_a_timeout(paths: TaskPaths) -> None:
    write(paths.journal(1), *({"loss": number} for number in range(60_000)))
    info = info_of("completed", {})
    add_points(info, 1, {"loss": [59_999]}, whole=False)
    wanted = Aggregate("mean", "loss", 2)
    for one in (wanted, Aggregate("at", "loss", 59_990)):
        points = Points(info, runs(info)[0], paths, [wanted])
        for attempt in range(100):
            try:
                value = points.value(one, limited(2))
                break
            except TimeoutError:
                assert attempt < 50
        assert attempt > 1
        assert value == {"mean": 59_998.5, "at": 59_990}[one.function]


def test_errors_are_not_hidden(paths: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Aggregate("mean", "loss", 2)
    (paths.folder / "tracks.sqlite3").write_text("x")
    info = info_of("completed", {"loss": [9]}, **STORED)
    with pytest.raises(Unreadable, match=r"tracks\.sqlite3"):
        Points(info, runs(info)[0], paths, [wanted]).value(wanted)
    assert run_aggregates.run_aggregates(info, runs(info)[0], paths, [wanted]) == {}
    info = info_of("completed", {"loss": [9]})
    write(paths.journal(1), {"loss": 5})

    def fail(path: Path) -> int:
        raise PermissionError(path)

    monkeypatch.setattr(aggregate, "open_regular", fail)
    with pytest.raises(PermissionError):
        Points(info, runs(info)[0], paths, [wanted]).value(wanted)
