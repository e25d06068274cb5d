"""Folders of earlier versions: they list, show and run, and nothing is rewritten by looking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.service.tasks import detail
from tests.core.making import snapshot
from tests.core.old import OLD_TASKS, SHOWN

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject
    from tests.engine.support import Project


def old_tasks(project: Project) -> None:
    for name, info in OLD_TASKS.items():
        folder = project.workspace.tasks / name
        folder.mkdir()
        (folder / "task_info.json").write_text(json.dumps(info))
        (folder / "config.sh").write_text("echo again\n")


def test_they_are_shown_as_they_are_and_not_rewritten(shell: Project) -> None:
    old_tasks(shell)
    before = snapshot(shell.folder)
    index = TaskIndex(shell.workspace)
    index.refresh()
    assert {name: (row.status, row.runs) for name, row in index.rows.items()} == SHOWN
    assert all(row.readable for row in index.rows.values())
    assert index.rows["first_version"].figures == {"loss": 0.1, "acc": 0.75}
    workspace = Workspace.open(shell.folder)
    for name in OLD_TASKS:
        task = workspace[name]
        assert len(task.runs) == SHOWN[name][1]
        assert "echo again" in task.config_text
        assert task.log() == ""
        assert detail(index, name)["task"]["status"] == SHOWN[name][0]
        repr(task)
    statuses = [run.status for run in workspace["short_arrays"].runs]
    assert statuses == ["completed", "", "failed"]
    assert [run.records for run in workspace["first_version"].runs] == [{"acc": 0.5}, {"acc": 0.75}]
    assert workspace["first_version"].tracks(1) == {"loss": [1.0, 0.5]}
    assert snapshot(shell.folder) == before


def test_they_run_and_their_arrays_are_filled(shell: Project) -> None:
    old_tasks(shell)
    names = list(OLD_TASKS)
    assert shell.submit(*names, jobs=2).refused == {}
    assert set(shell.wait(*names)) == {"completed"}
    for name, old in OLD_TASKS.items():
        info = shell.info(name)
        count = SHOWN[name][1] + 1
        for key, padding in runs.SLOTS.items():
            kept = old.get(key, [])
            assert info[key][: len(kept)] == kept, (name, key)
            assert info[key][len(kept) : count - 1] == [padding] * (count - 1 - len(kept)), (name, key)
            assert len(info[key]) == count, (name, key)
        assert info["run_index"] == count
        assert shell.output(name, count) == b"again\n"
        assert {
            key: info[key] for key in old.keys() - runs.SLOTS.keys() - {"status", "progress", "run_index"}
        } == {key: old[key] for key in old.keys() - runs.SLOTS.keys() - {"status", "progress", "run_index"}}


@pytest.mark.parametrize("kind", ["config", "python", None])
def test_old_script_tasks_run(make_project: MakeProject, kind: str | None) -> None:
    project = make_project("import os; print('config', os.path.exists(os.environ['__PYRUNS_CONFIG__']))\n")
    folder = project.workspace.tasks / "old"
    folder.mkdir()
    old = {"name": "old", "status": "completed", "task_kind": kind, "start_times": ["2026-03-02_10-00-00"]}
    (folder / "task_info.json").write_text(json.dumps({k: v for k, v in old.items() if v is not None}))
    (folder / "config.yaml").write_text("lr: 1\n")
    project.submit("old")
    assert project.wait("old") == ["completed"]
    assert project.output("old", 2) == b"config True\n"
    info = project.info("old")
    assert info.get("task_kind") == kind
    assert info["run_statuses"] == ["", "completed"]
