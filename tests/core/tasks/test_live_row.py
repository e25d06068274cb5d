"""The row of a running task shows the newest values, wherever they are stored."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.metrics import journal, peer_tracks
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from tests.core.making import one_task, script_workspace, start_run
from tests.core.metrics.test_peer_tracks import INFO, store

STORED = {"loss": 1.0, "old": 7}  # by `store`, for the first run


class Running:
    """A task that runs, in its first run."""

    def __init__(self, project: Path) -> None:
        workspace = script_workspace(project)
        self.folder = one_task(workspace)
        run = start_run(self.folder, pid=os.getpid(), create_time=psutil.Process().create_time())
        self.owner = FileLock(TaskPaths(self.folder).owner(run))
        assert self.owner.try_acquire()
        self.journal = TaskPaths(self.folder).journal(run)
        self.database: sqlite3.Connection | None = None
        self.index = TaskIndex(workspace)

    def close(self) -> None:
        self.owner.release()
        if self.database is not None:
            self.database.close()

    def move_to_store(self) -> None:
        """Store the points as the other program does."""
        self.database = store(self.folder)
        with edit_task(self.folder) as info:
            info.update(INFO)

    def store_point(self, **values: float) -> None:
        assert self.database is not None
        self.database.execute(
            "INSERT INTO points (generation, operation, run_index, payload) VALUES ('g', ?, 1, ?)",
            (json.dumps(values), json.dumps(values)),
        )
        self.database.commit()

    def track(self, **values: Any) -> None:
        with self.journal.open("ab") as stream:
            stream.write(journal.encode("track", values, 0.0))

    def figures(self) -> dict[str, Any]:
        self.index.refresh()
        return self.index.rows["one"].figures


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(peer_tracks, "_SHORT_SECONDS", 60.0)  # for a busy machine
    found = Running(tmp_path)
    yield found
    found.close()


def test_a_later_value_in_the_store_replaces_that_of_the_journal(running: Running) -> None:
    running.move_to_store()
    running.track(acc=0.1)
    assert running.figures() == {**STORED, "acc": 0.1}
    running.track(note="x" * journal.TAIL_BYTES)
    running.track(step=2)
    running.store_point(acc=0.9)
    assert running.figures() == {**STORED, "acc": 0.9, "step": 2}
    running.track(step=3)
    assert running.figures() == {**STORED, "acc": 0.9, "step": 3}


@pytest.mark.parametrize("stored", [{}, STORED])
def test_another_journal_replaces_the_values_of_the_first(running: Running, stored: dict[str, Any]) -> None:
    if stored:
        running.move_to_store()
    running.track(early=1, step=1)
    running.track(step=2)
    assert running.figures() == {**stored, "early": 1, "step": 2}
    running.journal.write_bytes(b"")
    running.track(step=1)
    assert running.figures() == {**stored, "step": 1}


def test_the_number_of_keys_is_limited(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_KEYS", 3)
    running.move_to_store()
    for number in range(5):
        running.track(**{f"key{number}": 0, "loss": 1 + number})
        running.figures()
    assert running.figures() == {"loss": 5, "old": 7, "key0": 0}
