"""Running tasks that give no sign of life are flagged, and no others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    (tmp_path / "train.py").write_text("import argparse\nargparse.ArgumentParser().parse_args()\n")
    workspace, _ = open_workspace(tmp_path / "train.py")
    create_tasks(workspace, "{}", "one")
    return workspace


def settings(workspace: WorkspaceFolder, text: str) -> None:
    (workspace.root / "_pyruns_settings.yaml").write_text(text)


def test_neither_output_nor_points(workspace: WorkspaceFolder) -> None:
    settings(workspace, "silent_after_minutes: 5\n")
    paths = workspace.paths("one")
    with edit_task(paths.folder) as info:
        runs.queue(info, attempt="a", batch="b")
        runs.start(info, attempt="a", command="x", workdir="/")
        began = time.time() - 900
        info["pyruns_jupyter"]["times"]["1"] = [began, None]
    paths.run_logs.mkdir(exist_ok=True)
    index = TaskIndex(workspace)

    def since() -> float | None:
        index.refresh()
        return index.rows["one"].silent_since

    assert since() == pytest.approx(began, abs=1)
    log, journal = paths.log(1), paths.journal(1)
    log.write_text("hello\n")
    assert since() is None
    long_ago = time.time() - 600
    os.utime(log, (long_ago, long_ago))
    before = index.revision
    assert since() == pytest.approx(long_ago)
    assert index.revision == before + 1
    assert since() == pytest.approx(long_ago)
    assert index.revision == before + 1  # told once
    journal.write_text('{"t":1.0,"track":{"loss":1}}\n')
    assert since() is None
    os.utime(journal, (long_ago + 60, long_ago + 60))
    assert since() == pytest.approx(long_ago + 60)
    assert index.rows["one"].to_dict()["silent_since"] == pytest.approx(long_ago + 60)

    store = paths.folder / "tracks.sqlite3-wal"  # of the other program
    store.touch()
    assert since() is None
    store.unlink()
    assert since() is not None

    settings(workspace, "silent_after_minutes: 60\n")
    assert since() is None
    settings(workspace, "silent_after_minutes: 0\n")
    os.utime(log, (1e9, 1e9))
    assert since() is None

    settings(workspace, "silent_after_minutes: 5\n")
    assert since() is not None
    with edit_task(paths.folder) as info:
        runs.finish(info, attempt="a", status="completed", exit_code=0)
    assert since() is None
