"""Old folders after a run are the same, whichever program ran them."""

from __future__ import annotations

import json

import pytest

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from tests.core.old import OLD_TASKS, SHELL
from tests.support import wait_until

from .shared import Shared

pytestmark = pytest.mark.reference


def test_arrays_are_filled_as_it_fills_them(shared: Shared) -> None:
    workspace = shared.shell()
    # What says nothing of its kind belongs to the workspace's script for that program.
    old = {name: {**SHELL, **info} for name, info in OLD_TASKS.items() if name != "odd_status"}
    for name, info in old.items():
        for prefix in ("ours", "its"):
            folder = workspace.tasks / f"{prefix}_{name}"
            folder.mkdir()
            (folder / "task_info.json").write_text(json.dumps({**info, "name": folder.name}))
            (folder / "config.sh").write_text("echo again\n")
    assert set(shared.statuses(workspace)) == {f"{side}_{name}" for side in ("ours", "its") for name in old}
    shared.pyr("run", "-j", "2", *(f"its_{name}" for name in old), workspace=workspace)
    shared.submit(workspace, *(f"ours_{name}" for name in old), jobs=2)
    for name in old:
        ours = shared.wait_for(workspace, f"ours_{name}", "completed")
        its = read_task(workspace.paths(f"its_{name}").folder)
        for key in runs.SLOTS:
            assert ours[key][:-1] == its[key][:-1], (name, key)
            assert len(ours[key]) == len(its[key]), (name, key)
        assert ours["run_index"] == its["run_index"]
        assert ours["run_statuses"][-1] == its["run_statuses"][-1] == "completed"


def test_it_shows_what_we_know_of_a_run(shared: Shared) -> None:
    workspace = shared.script()
    settings = workspace.root / "_pyruns_settings.yaml"
    settings.write_text(settings.read_text() + "snapshot_code: true\n")
    shared.add(workspace, "A", "lr: 0.5\n")
    shared.submit(workspace, "A")
    shared.wait_for(workspace, "A", "completed")
    folder = workspace.paths("A").folder
    wait_until(lambda: "packages" in read_task(folder)["run_environments"][0])  # stored after a short run
    info = read_task(folder)
    shown = json.loads(shared.pyr("show", "A@1", "--json", workspace=workspace).stdout)["selected_run"]
    shared.pyr("run", "A", workspace=workspace)
    second = json.loads(shared.pyr("show", "A@2", "--json", workspace=workspace).stdout)["selected_run"]
    assert shown["source_state"].split(" | ")[:2] == second["source_state"].split(" | ")[:2]
    assert set(second["environment"]) <= set(shown["environment"])
    same = ("host", "system", "launcher", "conda_env", "gpu_scope", "gpu_status", "gpus", "assigned_gpu_ids")
    its = {**second["environment"], "launcher": shown["environment"]["launcher"]}
    assert {key: shown["environment"][key] for key in same} == {key: its[key] for key in same}
    assert set(second["input"]) <= set(shown["input"])
    for key in set(second["input"]) - {"captured_at", "launch_argv", "run_index"}:
        assert shown["input"][key] == second["input"][key], key
    assert shown["input"]["pyruns_jupyter"]["code"] == info["pyruns_jupyter"]["sources"]["1"]["code"]
    assert "Source:" in shared.pyr("show", "A@1", workspace=workspace).stdout
    # Everything of ours is still there after it ran the task.
    again = read_task(folder)
    assert again["pyruns_jupyter"] == info["pyruns_jupyter"]
    assert again["run_environments"][0] == info["run_environments"][0]


def test_its_log_of_a_waiting_task_says_that_it_waits(shared: Shared) -> None:
    workspace = shared.shell()
    for name in ("first", "second"):
        folder = workspace.tasks / name
        folder.mkdir()
        (folder / "task_info.json").write_text(json.dumps({**SHELL, "name": name, "status": "pending"}))
        (folder / "config.sh").write_text(shared.gated())
    shared.submit(workspace, "first", "second")
    shared.wait_for_output(workspace, "first", b"begin")
    assert "as task 2 of 2 (-j 1)" in shared.pyr("log", "second", workspace=workspace).stdout
    assert "begin" in shared.pyr("log", "first", workspace=workspace).stdout
    shared.open_gate()
    shared.wait_for(workspace, "second", "completed")
