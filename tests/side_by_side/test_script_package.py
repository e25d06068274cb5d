"""A script that does `import pyruns`, the real package, under our runner."""

from __future__ import annotations

import json

import pytest

from pyruns_jupyter.core import runs
from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.taskfile import edit_task, own, own_facts, read_task
from pyruns_jupyter.core.tasks import set_pinned

from .shared import Shared, rows

pytestmark = pytest.mark.reference

SCRIPT = """\
import os

import pyruns

config = pyruns.load()
print("config", config.optimizer.lr, config.optimizer.name, config.points, config.tags, flush=True)
for step in range(config.points):
    pyruns.track(loss=step / 2, step=step)
pyruns.record(first=1, acc=config.optimizer.lr)
pyruns.record(acc=config.optimizer.lr * 2, note="grüße")
folder = pyruns.artifact_dir()
with open(os.path.join(folder, "model.txt"), "w") as stream:
    stream.write("weights")
print("folder", folder)
print("task", pyruns.get_task_dir(), pyruns.get_run_index(), flush=True)
"""
CONFIG = """\
optimizer:
  lr: 0.25 | 0.5  # swept
  name: sgd
points: 120
tags: [a, b]
"""


def test_its_api_works_and_nothing_is_lost(shared: Shared) -> None:
    workspace = shared.script(SCRIPT)
    names = create_tasks(workspace, CONFIG, "api")
    shared.submit(workspace, *names, jobs=2)

    # While the scripts write into their task files, so do we, as fast as we can.
    writes = dict.fromkeys(names, 0)
    while any(runs.status_of(read_task(workspace.paths(name).folder)) in runs.ACTIVE for name in names):
        for name in names:
            with edit_task(workspace.paths(name).folder, durable=False) as info:
                own(info)["writes"] = own_facts(info).get("writes", 0) + 1
            writes[name] += 1
            set_pinned(workspace, name, True)

    table = rows(workspace)
    for name, lr in zip(names, (0.25, 0.5), strict=True):
        paths = workspace.paths(name)
        info, log = read_task(paths.folder), paths.log(1).read_text("utf-8")
        assert runs.status_of(info) == "completed", log
        assert f"config {lr} sgd 120 ['a', 'b']\n" in log
        assert f"folder {paths.artifact_dir(1)}\ntask {paths.folder} 1\n" in log
        assert "warning" not in log.lower()
        assert (paths.artifact_dir(1) / "model.txt").read_text() == "weights"
        assert own_facts(info)["writes"] == writes[name] > 0
        assert info["tracks"] == [{"loss": [step / 2 for step in range(120)], "step": list(range(120))}]
        assert info["records"] == [{"first": 1, "acc": lr * 2, "note": "grüße"}]
        row = table[name]
        assert (row.status, row.pinned, row.swept) == ("completed", True, {"optimizer.lr": lr})
        assert row.figures == {"loss": 59.5, "step": 119, "first": 1, "acc": lr * 2, "note": "grüße"}
        assert [path.name for path in paths.folder.glob(".pyruns-input-*")] == []


def test_many_points_move_to_its_database(shared: Shared) -> None:
    workspace = shared.script(SCRIPT)
    (name,) = create_tasks(workspace, CONFIG.replace("0.25 | ", "").replace("120", "600"), "many")
    shared.submit(workspace, name)
    info = shared.wait_for(workspace, name, "completed")
    folder = workspace.paths(name).folder
    assert "track_store" in info and (folder / "tracks.sqlite3").is_file()
    assert info["records"] == [{"first": 1, "acc": 1.0, "note": "grüße"}]
    shown = json.loads(shared.pyr("show", "--json", f"{name}@1", workspace=workspace).stdout)
    track = shown.get("task", shown)["selected_run"]["track"]
    assert track == {"loss": [step / 2 for step in range(600)], "step": list(range(600))}
    # The second run is that program's, and neither loses the other's points.
    shared.pyr("run", name, workspace=workspace)
    for run in (1, 2):
        shown = json.loads(shared.pyr("show", "--json", f"{name}@{run}", workspace=workspace).stdout)
        assert shown.get("task", shown)["selected_run"]["track"]["step"] == list(range(600))
    row = rows(workspace)[name]
    assert (row.status, row.runs, row.figures["acc"]) == ("completed", 2, 1.0)
