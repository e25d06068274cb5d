"""Copies of tasks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyruns_jupyter.core.alerts.stored import Alert, store_alerts
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.create.duplicate import duplicate
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.paths import CELL_CODE, CELL_GIVEN
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import end_run, one_task, script_workspace, shell_workspace, snapshot, start_run


def with_a_run(workspace: WorkspaceFolder) -> Path:
    folder = one_task(workspace)
    start_run(folder, pid=1, create_time=1.0)
    end_run(folder, records={"acc": 0.5}, tracks={"loss": [1, 2]})
    (folder / "run_logs" / "run1.log").write_text("said")
    (folder / "run_logs" / ".run1.owner").write_text("{}")
    (folder / "artifacts" / "run1").mkdir(parents=True)
    (folder / "artifacts" / "run1" / "model").write_bytes(b"weights")
    (folder / "artifacts" / "run1" / "link").symlink_to("/etc")
    with edit_task(folder) as info:
        info["foreign"] = {"kept": [1]}
        info["pinned"] = True
        store_alerts(info, 1, [Alert(1.0, "loss is nan", "", "warning")])
    wanted = metadata.TaskPatch(notes="why", tags=("t",), env={"A": "1"}, order=3.0)
    tasks.change(workspace, "one", wanted)
    return folder


def test_a_copy_waits_for_its_first_run(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = with_a_run(workspace)
    before = snapshot(folder)
    assert duplicate(workspace, "one") == "one_2"
    assert snapshot(folder) == before
    info = read_task(workspace.paths("one_2").folder)
    assert (info["name"], info["status"], info["notes"], info["pinned"]) == ("one_2", "pending", "why", False)
    assert info["foreign"] == {"kept": [1]}
    assert metadata.tags_of(info) == ("t",)
    assert metadata.env_of(info) == {"A": "1"}
    assert metadata.order_of(info) is None
    assert runs.slot_count(info) == 0
    assert info["run_index"] == 0
    assert "_attempt_id" not in info
    assert set(info["pyruns_jupyter"]) == {"swept", "batch_name", "created_at", "tags"}
    copied = workspace.paths("one_2").folder
    assert sorted(os.listdir(copied)) == ["config.yaml", "run_logs", "task_info.json"]
    assert (copied / "config.yaml").read_bytes() == (folder / "config.yaml").read_bytes()
    index = TaskIndex(workspace)
    index.refresh()
    assert index.counts["pending"] == 1
    start_run(copied, pid=1, create_time=1.0)


def test_a_copy_with_runs(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = with_a_run(workspace)
    duplicate(workspace, "one", "runs", with_runs=True)
    copied = workspace.paths("runs").folder
    assert runs.runs(read_task(copied)) == runs.runs(read_task(folder))
    assert os.listdir(copied / "run_logs") == ["run1.log"]
    assert not (copied / "artifacts").exists()
    duplicate(workspace, "one", "all", with_runs=True, with_artifacts=True)
    assert os.listdir(workspace.paths("all").folder / "artifacts" / "run1") == ["model"]


def test_what_cannot_be_copied_leaves_nothing(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    before = set(os.listdir(workspace.tasks))
    with pytest.raises(Conflict):
        duplicate(workspace, "one", "one")
    with pytest.raises(InvalidInput):
        duplicate(workspace, "one", "a/b")
    with pytest.raises(NotFound):
        duplicate(workspace, "nothing")
    start_run(folder, pid=1, create_time=1.0)
    with pytest.raises(Conflict, match="running"):
        duplicate(workspace, "one", with_runs=True)
    assert duplicate(workspace, "one") == "one_2"
    (folder / "config.yaml").unlink()
    with pytest.raises(NotFound, match="configuration"):
        duplicate(workspace, "one")
    (folder / "config.yaml").symlink_to("/etc/passwd")
    with pytest.raises(NotFound, match="configuration"):
        duplicate(workspace, "one")
    assert set(os.listdir(workspace.tasks)) - before <= {"one_2", ".pyruns-create.lock.guard"}


def test_a_copied_shell_task(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    one_task(workspace)
    duplicate(workspace, "one", "two")
    assert (workspace.paths("two").folder / "config.sh").read_text() == "echo hi\n"
    assert read_task(workspace.paths("two").folder)["workdir"] == str(tmp_path)


def test_others_read_no_copy(tmp_path: Path) -> None:
    """Also not that of a task which an earlier release created."""
    workspace = shell_workspace(tmp_path)
    folder = one_task(workspace)
    for name in ("config.sh", CELL_CODE, CELL_GIVEN):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    made = workspace.paths(duplicate(workspace, "one")).folder
    files = [path for path in made.iterdir() if path.is_file()]
    assert {CELL_CODE, CELL_GIVEN, "config.sh"} <= {path.name for path in files}
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
