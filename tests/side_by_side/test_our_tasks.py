"""Tasks that we made: it lists, shows, runs, moves and exports them, and we still read them right."""

from __future__ import annotations

import csv
import json

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.task_file import own_facts, read_task
from pyruns_jupyter.core.tasks import trash

from .shared import Shared, rows

pytestmark = pytest.mark.reference

SWEEP = """\
# learning
lr: 0.5 | 1e-3  # rate
layers: [64, 32]
cache: true
"""


def test_a_sweep(shared: Shared) -> None:
    workspace = shared.script()
    names = create_tasks(workspace, SWEEP, "ab")
    first, second = names
    ours = {name: own_facts(read_task(workspace.paths(name).folder)) for name in names}

    listed = shared.listed(workspace)
    assert sorted(listed) == names
    for name, task in listed.items():
        assert (task["status"], task["kind"], task["pinned"]) == ("pending", "python", False)
        assert task["load_error"] == ""
        assert task["payload"] == str(workspace.paths(name).folder / "config.yaml")
    shown = shared.shown(workspace, second)
    assert shown["config"] == {"lr": 0.001, "layers": [64, 32], "cache": True}
    assert (shown["name"], shown["run_index"]) == (second, 0)

    shared.pyr("run", second, workspace=workspace)
    row = rows(workspace)[second]
    assert (row.status, row.exit_code, row.runs, row.message) == ("completed", 0, 1, None)
    assert row.swept == {"lr": 0.001}
    assert row.figures == {"loss": 0.0005, "step": 2, "acc": 0.999}
    assert row.started_at and row.finished_at and row.duration is not None
    log = shared.pyr("log", second, workspace=workspace).stdout
    assert "lr 0.001 layers [64, 32] cache True\nend\n" in log
    assert log.encode() == workspace.paths(second).log(1).read_bytes()

    # The next run is ours, then its commands go over a task that both have run.
    assert shared.submit(workspace, second).queued == [second]
    shared.wait_for(workspace, second, "completed")
    shared.pyr("pin", second, workspace=workspace)
    shared.pyr("mv", second, "moved", workspace=workspace)
    assert sorted(rows(workspace)) == [first, "moved"]
    shared.pyr("rm", "moved", workspace=workspace)
    assert (trash.trash_names(workspace), sorted(rows(workspace))) == (["moved"], [first])
    shared.pyr("restore", "moved", workspace=workspace)

    row = rows(workspace)["moved"]
    assert (row.pinned, row.status, row.runs, row.figures["acc"]) == (True, "completed", 2, 0.999)
    info = read_task(workspace.paths("moved").folder)
    facts = own_facts(info)
    assert info["name"] == "moved"
    assert {key: facts[key] for key in ours[second]} == ours[second]
    assert info["records"] == [{"acc": 0.999}] * 2
    assert info["tracks"] == [{"loss": [1.0, 0.0005], "step": [1, 2]}] * 2
    assert read_task(workspace.paths(first).folder)["pyruns_jupyter"] == ours[first]

    lines = list(csv.DictReader(shared.pyr("export", "-f", "csv", workspace=workspace).stdout.splitlines()))
    assert [(line["name"], line["status"], line["run"], line["exit_code"]) for line in lines] == [
        ("moved", "completed", "1", "0"),
        ("moved", "completed", "2", "0"),
    ]
    assert [float(line["acc"]) for line in lines] == [0.999, 0.999]


def test_a_shell_task(shared: Shared) -> None:
    workspace = shared.shell()
    create_tasks(workspace, "echo from $PWD\nexit 3\n", "job")
    shared.script()  # two workspaces: it finds its way among them, whatever our engine keeps beside
    create_tasks(workspace, "true\n", "quick")
    assert shared.submit(workspace, "quick").queued == ["quick"]
    shared.wait_for(workspace, "quick", "completed")
    assert shared.engine.wake.is_file()

    assert shared.statuses(workspace) == {"job": "pending", "quick": "completed"}
    assert shared.pyr("run", "job", workspace=workspace, check=False).returncode == 1
    row = rows(workspace)["job"]
    assert (row.status, row.exit_code, row.kind, row.message) == ("failed", 3, "shell", "Exit code 3")
    assert f"from {shared.project}" in shared.pyr("log", "job", workspace=workspace).stdout
    assert shared.shown(workspace, "job")["workdir"] == str(shared.project)

    trash.trash(workspace, "job")
    shared.pyr("restore", "job", workspace=workspace)
    exported = json.loads(shared.pyr("export", "-f", "json", workspace=workspace).stdout)
    assert {(line["name"], line["status"], line["exit_code"]) for line in exported} == {
        ("job", "failed", 3),
        ("quick", "completed", 0),
    }
    for command in (["doctor"], ["status"]):
        shared.pyr(*command, workspace=workspace)
