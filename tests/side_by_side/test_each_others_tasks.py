"""Each shows, moves, removes and brings back what the other made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import own_facts, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import snapshot
from tests.support import ROOT, wait_until

from .shared import SCRIPT, Shared, rows

pytestmark = pytest.mark.reference


def test_looking_at_what_it_made_changes_nothing(shared: Shared) -> None:
    (shared.project / "train.py").write_text(SCRIPT, encoding="utf-8")
    (shared.project / "f.yaml").write_text("lr: 0.1 | 0.2\n", encoding="utf-8")
    shared.pyr("init", "train.py")
    workspace, created = open_workspace(shared.project / "train.py")
    assert not created
    assert workspace.script == shared.project / "train.py"
    shared.pyr("add", "f.yaml", "-n", "N", workspace=workspace)
    before = snapshot(shared.project)
    found = rows(workspace)
    assert sorted(found) == ["N_1-of-2", "N_2-of-2"]
    assert all(row.status == "pending" and row.message is None for row in found.values())
    assert WorkspaceFolder.at(workspace.folder).problem() is None
    assert snapshot(shared.project) == before


def test_it_runs_ours_and_we_tell_how_it_went(shared: Shared) -> None:
    workspace = shared.script()
    names = create_tasks(workspace, "lr: 0.1 | 1e-3  # rate\n", "{lr}-{n}")
    assert names == ["0.1-1", "1e-3-2"]
    shared.pyr("run", names[1], workspace=workspace)
    row = rows(workspace)[names[1]]
    assert (row.status, row.exit_code, row.runs, row.swept) == ("completed", 0, 1, {"lr": 0.001})
    assert "lr 0.001" in workspace.paths(names[1]).log(1).read_text("utf-8")
    shell = shared.shell()
    create_tasks(shell, "echo from $PWD\nexit 3\n", "job")
    assert shared.pyr("run", "job", workspace=shell, check=False).returncode != 0
    row = rows(shell)["job"]
    assert (row.status, row.exit_code, row.kind, row.message) == ("failed", 3, "shell", "Exit code 3")
    assert f"from {shared.project}" in shell.paths("job").log(1).read_text("utf-8")


def test_both_move_each_others_tasks(shared: Shared) -> None:
    workspace = shared.script()
    create_tasks(workspace, "lr: 0.5\n", "ours")
    shared.add(workspace, "theirs", "lr: 0.5\n")
    shared.pyr("mv", "ours", "ours2", workspace=workspace)
    tasks.rename(workspace, "theirs", "theirs2")
    assert sorted(shared.listed(workspace)) == sorted(workspace.task_names()) == ["ours2", "theirs2"]
    shared.pyr("rm", "ours2", workspace=workspace)
    trash.trash(workspace, "theirs2")
    assert trash.trash_names(workspace) == ["ours2", "theirs2"]
    assert shared.listed(workspace) == {}
    assert trash.restore(workspace, "ours2") == "ours2"
    shared.pyr("restore", "theirs2", workspace=workspace)
    tasks.change(workspace, "theirs2", TaskPatch(notes="kept"))
    shared.pyr("pin", "theirs2", workspace=workspace)
    info = read_task(workspace.paths("theirs2").folder)
    assert (info["notes"], info["pinned"], info["name"]) == ("kept", True, "theirs2")
    assert own_facts(read_task(workspace.paths("ours2").folder))["batch_name"] == "ours"


DIVERGED = f"""\
import sys

sys.path.insert(0, {str(ROOT)!r})
import pyruns_jupyter as pyruns

pyruns.load()
pyruns.track(loss=0.5)
pyruns.track(loss=float("nan"))
pyruns.record(best=float("inf"))
"""


def test_it_can_work_with_a_task_that_diverged(shared: Shared) -> None:
    """Its files are strict JSON: it neither changes a task file with NaN in it nor exports it."""
    workspace = shared.script(DIVERGED)
    create_tasks(workspace, "lr: .inf | 1\n", "ours")
    name = workspace.task_names()[0]
    shared.submit(workspace, name)
    shared.wait_for(workspace, name, "completed")
    for words in (["pin", name], ["mv", name, "moved"], ["rm", "moved"], ["restore", "moved"]):
        shared.pyr(*words, workspace=workspace)
    selected = shared.shown(workspace, "moved@1")["selected_run"]
    assert (selected["track"], selected["record"]) == ({"loss": [0.5, "NaN"]}, {"best": "Infinity"})
    (line,) = json.loads(shared.pyr("export", "-f", "json", workspace=workspace).stdout)
    assert line["best"] == "Infinity"
    figures = rows(workspace)["moved"].figures
    assert repr(figures) == repr({"loss": float("nan"), "best": float("inf")})


def test_every_verb_of_ours_on_its_tasks_in_work(shared: Shared) -> None:
    workspace = shared.script()
    names = ["runs", "waits", "done", "idle"]
    for name in names:
        shared.add(workspace, name, "lr: 0.25\n" if name == "done" else f"lr: 0.5\ngate: {shared.gate}\n")
    shared.pyr("run", "done", workspace=workspace)
    shared.pyr("run", "-d", "-j", "1", "runs", "waits", workspace=workspace)
    shared.wait_for_output(workspace, "runs", b"lr 0.5")

    opened = Workspace(workspace)
    for name in names:
        task = opened[name]
        task.pinned, task.notes, task.tags = True, "grüße", ("a", "b")
        task.set_env(SEED="1")
        assert task.duplicate().config == task.config
        if name in ("runs", "waits"):
            with pytest.raises(Conflict):
                task.rename("elsewhere")
            with pytest.raises(Conflict):
                task.delete()
            with pytest.raises(Conflict):
                task.run()
        else:
            task.rename("elsewhere")
            opened["elsewhere"].delete()
            opened.restore("elsewhere", as_name=name)
    opened.move(["done"], before="runs")

    def exported(name: str, key: str) -> Any:
        return next(line[key] for line in opened.results() if line["task"] == name)

    wait_until(lambda: exported("runs", "loss") == 1.0)  # the script tracks it only after its output
    assert exported("runs", "status") == "running"
    assert exported("done", "acc") == 0.75
    opened.archive(names, shared.project / "a.zip")
    assert len(opened.unpack(shared.project / "a.zip", shared.project)) == len(names)
    opened["waits"].stop()
    opened.run("idle")

    shared.wait_for(workspace, "waits", "cancelled")
    assert shared.listed(workspace)["runs"]["status"] == "running"
    shared.open_gate()
    for name, acc in (("runs", 0.5), ("done", 0.75), ("idle", 0.5)):
        info = shared.wait_for(workspace, name, "completed")
        assert (info["pinned"], info["notes"], info["env"]) == (True, "grüße", {"SEED": "1"})
        assert info["records"] == [{"acc": acc}]
        assert own_facts(info)["tags"] == ["a", "b"]
    assert runs.runs(read_task(workspace.paths("waits").folder)) == []
