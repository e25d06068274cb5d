"""Aggregates of tasks: what is cached, and that no thread waits for another one's reads for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.core import query
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.metrics import goals
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.metrics.journal import TRACK, Appender
from pyruns_jupyter.core.query.columns import aggregate_columns
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.tasks import aggregates
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import one_task, script_workspace
from tests.recorder import Recorder

LAST_TWO = Aggregate("mean", "loss", 2)


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    found = script_workspace(tmp_path)
    for name in ("a", "b"):
        one_task(found, name)
        recorder = Recorder(found, name)
        recorder.start()
        recorder.finish(tracks={"loss": [5.0, 1.0, 3.0]})
    return found


@pytest.fixture
def index(workspace: WorkspaceFolder) -> TaskIndex:
    found = TaskIndex(workspace)
    found.refresh()
    return found


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Reading the task `a` sets the first event and waits for the second one."""
    reading, go_on = threading.Event(), threading.Event()
    read = read_task

    def read_slowly(folder: Path) -> object:
        if folder.name == "a":
            reading.set()
            assert go_on.wait(30)
        return read(folder)

    monkeypatch.setattr(aggregates, "read_task", read_slowly)
    yield reading, go_on
    go_on.set()


def test_others_do_not_wait_for_a_slow_read(
    index: TaskIndex, slow: tuple[threading.Event, threading.Event]
) -> None:
    reading, go_on = slow
    found: list[float | None] = []
    rows = index.rows
    thread = threading.Thread(target=lambda: found.append(index.aggregates.value(rows["a"], LAST_TWO)))
    thread.start()
    assert reading.wait(30)
    assert index.aggregates.value(rows["b"], LAST_TWO) == 2
    with pytest.raises(TimeoutError):
        index.aggregates.value(rows["a"], LAST_TWO, lambda: 0.01)
    index.aggregates.forget(["a", "b"])  # as the watcher does it, for tasks that were removed
    assert thread.is_alive()
    go_on.set()
    thread.join(30)
    assert found == [2]


def test_a_failed_read_is_not_cached(index: TaskIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    row = index.rows["a"]

    def fail(folder: Path) -> object:
        raise OSError(folder)

    with monkeypatch.context() as patch:
        patch.setattr(aggregates, "read_task", fail)
        assert index.aggregates.value(row, LAST_TWO) is None
    assert index.aggregates.value(row, LAST_TWO) == 2
    monkeypatch.setattr(aggregates, "read_task", fail)
    assert index.aggregates.value(row, LAST_TWO) == 2


def test_an_ended_run_is_forgotten(workspace: WorkspaceFolder, index: TaskIndex) -> None:
    one_task(workspace, "live")
    recorder = Recorder(workspace, "live")
    recorder.start()
    appender = Appender(recorder.paths.journal(recorder.run))
    appender.append(TRACK, {"loss": 4.0}, 1.0)
    appender.close()
    index.refresh()
    assert index.aggregates.value(index.rows["live"], Aggregate("min", "loss")) == 4
    assert "live" in index.aggregates._tasks
    recorder.finish(tracks={"loss": [4.0]})
    index.refresh()
    assert "live" not in index.aggregates._tasks


def test_the_time_for_points_is_bounded(index: TaskIndex) -> None:
    rows, sources = index.rows.values(), query.Sources.of(index)
    found = query.select(rows, "mean(loss,2)=2", sources=sources, points_seconds=-1.0)
    assert found.total == 0
    (notice,) = found.notices
    assert notice.code == "points_unread"
    assert "2 tasks not read" in notice.message
    assert notice.is_serious
    with pytest.raises(InvalidInput, match="Reading metrics was stopped"):
        query.select(rows, "mean(loss,2)=2", sources=sources, points_seconds=-1.0, strict=True)
    given_up = query.select(rows, sources=sources, aggregates=["mean(loss,2)"], is_given_up=lambda: True)
    assert [one.code for one in given_up.notices] == ["points_unread"]
    found = query.select(rows, "mean(loss,2)=2", sources=sources)
    assert (found.total, found.notices) == (2, [])
    # What is known needs no time.
    found = query.select(rows, "mean(loss,2)=2", sources=sources, points_seconds=-1.0)
    assert (found.total, found.notices) == (2, [])


def test_studies_are_read_when_a_goal_is_needed(
    workspace: WorkspaceFolder, index: TaskIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies = workspace.folder / "studies"
    studies.mkdir(exist_ok=True)
    (studies / "s.json").write_text('{"objective": "loss", "direction": "maximize"}')
    (studies / "t.json").write_text(
        '{"objective": "fuel", "direction": "minimize"%s}' % (" " * 2 * 1024 * 1024)
    )
    read: list[str] = []

    def counted(path: Path, **options: int) -> object:
        read.append(path.name)
        return read_json(path, **options)

    monkeypatch.setattr(goals, "read_json", counted)
    sources = query.Sources.of(index)
    assert read == []
    assert sources.goal is not None
    assert sources.goal("loss") == ("maximize", "study")
    assert sources.goal("fuel") is None  # its file is too large
    assert sorted(read) == ["s.json", "t.json"]


def test_columns_find_metrics_as_queries_do(workspace: WorkspaceFolder, index: TaskIndex) -> None:
    recorder = Recorder(workspace, "b")
    recorder.start()
    recorder.finish(tracks={"loss": [5.0], "train.acc": [1.0], "train.f2": [1.0], "val.f2": [1.0]})
    index.refresh()
    found, notices = aggregate_columns(index, ["min(acc)", "best(acc)", " mean(loss,2)"])
    assert found == {
        "min(acc)": Aggregate("min", "train.acc"),
        "best(acc)": Aggregate("max", "train.acc"),
        "mean(loss, 2)": LAST_TWO,
    }
    assert notices == []
    found, notices = aggregate_columns(index, ["min(los)", "best(accuracy2)"])
    assert found == {"min(los)": Aggregate("min", "los"), "best(accuracy2)": Aggregate("max", "accuracy2")}
    assert notices[0] == "No task has the metric `los` of `min(los)`. Did you mean `min(loss)`?"
    with pytest.raises(InvalidInput, match=r"`min\(train.f2\)` or `min\(val.f2\)`. Use one of them"):
        aggregate_columns(index, ["min(f2)"])
