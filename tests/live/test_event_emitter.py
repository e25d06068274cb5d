"""Which ends are reported, whenever the index was read."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyruns_jupyter.core.alerts.stored import Alert, store_alerts
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.paths import ENGINE
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.trust.engine_key import STUDIES
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.live import event_emitter
from pyruns_jupyter.live.event_emitter import EventDetector
from tests.recorder import Recorder

SCRIPT = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=int)
parser.parse_args()
"""


def test_runs_that_begin_and_end_between_two_looks_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace, _ = open_workspace(tmp_path / "train.py")
    made = create_tasks(workspace, "lr: 1 | 2 | 3\n", "task")
    first, second, third = (Recorder(workspace, name) for name in made)
    third.start()
    third.finish()
    index, detector = TaskIndex(workspace), EventDetector(workspace)
    assert detector.take(index.refresh()) == []  # what ended before is not news

    for task in (first, second):
        task.start()
        task.finish(status="failed" if task is second else "completed", exit_code=1)
    events = detector.take(index.refresh())
    assert [name for name, _ in events] == ["task_failed", "batch_finished"]
    assert events[0][1]["task"] == second.paths.folder.name
    counts = {"completed": 1, "failed": 1, "cancelled": 0}
    assert events[1][1] == {**counts, "summary": "1 of 2 failed: 1 Exit code 1."}

    name = first.paths.folder.name
    trash.trash(workspace, name)
    assert detector.take(index.refresh()) == []
    # Times of runs are whole seconds: the next look is some later.
    monkeypatch.setattr(event_emitter, "time", SimpleNamespace(time=lambda: time.time() + 5))
    detector.take(index.refresh())
    trash.restore(workspace, name)
    assert detector.take(index.refresh()) == []


def test_a_summary_counts_failures_that_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_emitter, "_MAX_READ", 2)
    monkeypatch.setattr(event_emitter, "_MAX_COMPARED", 1)
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace, _ = open_workspace(tmp_path / "train.py")
    tasks = [Recorder(workspace, name) for name in create_tasks(workspace, "lr: 1:6\n", "task")]
    index, detector = TaskIndex(workspace), EventDetector(workspace)
    detector.take(index.refresh())
    for number, task in enumerate(tasks):
        task.start()
        task.finish(status="completed" if number < 2 else "failed", exit_code=1)
    [*_, (_, facts)] = detector.take(index.refresh())
    total, failed = len(tasks), len(tasks) - 2
    assert facts["failed"] == failed
    assert facts["summary"] == f"{failed} of {total} failed: 2 Exit code 1; {failed - 2} others."


def test_each_new_alert_of_a_run_is_an_event(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace, _ = open_workspace(tmp_path / "train.py")
    [name] = create_tasks(workspace, "lr: 1\n", "task")
    task = Recorder(workspace, name)
    task.start()
    alert = Alert(time.time(), "loss is nan", "loss = nan.", "warning", "loss is nan -> stop")
    with edit_task(task.paths.folder) as info:
        store_alerts(info, 1, [alert._replace(time=5.0)])
    index, detector = TaskIndex(workspace), EventDetector(workspace)
    assert detector.take(index.refresh()) == []  # what was sent before is not news
    with edit_task(task.paths.folder) as info:
        store_alerts(info, 1, [alert, alert._replace(title="acc < 0.1")])
    [(event, facts)] = detector.take(index.refresh())
    assert (event, facts) == (
        "alert_sent",
        {"task": name, "run": 1, "level": "warning", "title": "acc < 0.1", "text": "loss = nan."},
    )
    with edit_task(task.paths.folder) as info:
        info["pinned"] = True
    assert detector.take(index.refresh()) == []


def test_a_running_task_whose_file_is_damaged_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace, _ = open_workspace(tmp_path / "train.py")
    [name] = create_tasks(workspace, "lr: 1\n", "task")
    task = Recorder(workspace, name)
    index, detector = TaskIndex(workspace), EventDetector(workspace)
    task.start()
    assert detector.take(index.refresh()) == []
    content = task.paths.info.read_bytes()
    task.paths.info.write_bytes(content[:-2])
    assert detector.take(index.refresh()) == []
    assert detector.running == 1
    task.paths.info.write_bytes(content)
    task.finish()
    counts = {"completed": 1, "failed": 0, "cancelled": 0}
    assert detector.take(index.refresh()) == [("batch_finished", counts)]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), PyrunsError("It is damaged.")])
def test_a_study_that_cannot_be_read_hides_no_other_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace, _ = open_workspace(tmp_path / "train.py")
    [name] = create_tasks(workspace, "lr: 1\n", "task")
    task = Recorder(workspace, name)
    marker = workspace.root / ENGINE / STUDIES / f"{workspace.name}@study"
    marker.parent.mkdir(parents=True)
    marker.write_text("")  # the study is active
    index, detector = TaskIndex(workspace), EventDetector(workspace)
    task.start()
    assert detector.take(index.refresh()) == []
    marker.unlink()
    task.finish(status="failed", exit_code=1)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(event_emitter, "read_study", fail)
    events = detector.take(index.refresh())
    assert [event for event, _ in events] == ["task_failed", "batch_finished"]
