"""Left-overs of makers that were killed: gone with the next creation, and only those."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs import temp_names
from pyruns_jupyter.core.taskfile.lock import protocol
from pyruns_jupyter.core.tasks.index import TaskIndex
from tests.core.making import script_workspace
from tests.core.victims import Victims
from tests.support import ROOT

CREATING = """
import sys
from pathlib import Path
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
workspace = WorkspaceFolder.at(Path(sys.argv[1]))
create_tasks(workspace, "seed: 0:40", sys.argv[2])
"""


def dead_suffix() -> str:
    code = "from pyruns_jupyter.core.fs.temp_names import maker_suffix; print(maker_suffix())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def hidden(folder: Path) -> set[str]:
    names = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    return names - {".pyruns-create.lock.guard", ".gitignore", ".trash"}


def test_only_what_provably_belongs_to_nobody_goes(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    dead = dead_suffix()
    gone = [f".pyruns-task-new{dead}", f".task_info.json{dead}.tmp"]
    ours = ".pyruns-task-new" + temp_names.maker_suffix()
    other_host = f".pyruns-task-new-00000000-{dead.split('-', 2)[2]}"
    unknown = ".pyruns-task-a1b2c3d4"
    recycled = dead.split("-")
    recycled[2] = str(os.getpid())  # a pid that lives, but began at another moment
    gone.append(f".pyruns-task-new{'-'.join(recycled)}")
    for name in (*gone, ours, other_host, unknown):
        path = workspace.tasks / name
        if name.endswith(".tmp"):
            path.write_text("half")
        else:
            (path / "task").mkdir(parents=True)
    create_tasks(workspace, "lr: 1", "new")
    assert hidden(workspace.tasks) == {ours, other_host, unknown}
    for name in (other_host, unknown):  # a day later
        for path in (workspace.tasks / name / "task", workspace.tasks / name):
            os.utime(path, (time.time() - 90_000, time.time() - 90_000))
    create_tasks(workspace, "lr: 1", "newer")
    assert hidden(workspace.tasks) == {ours}


def test_reservations_of_the_dead_go(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    process = subprocess.Popen(["true"])
    process.wait()
    entry = {"host": host_name(), "lock_protocol": protocol(), "pid": process.pid, "process_create_time": 1.0}
    dead = workspace.tasks / ".pyruns-create-old.lock"
    dead.write_text(json.dumps(entry))
    alive = workspace.tasks / ".pyruns-create-other.lock"
    alive.write_text(json.dumps({**entry, "pid": os.getpid(), "process_create_time": None}))
    text = workspace.tasks / ".pyruns-create-text.lock"
    text.write_text("123 somebody")
    create_tasks(workspace, "lr: 1", "new")
    assert hidden(workspace.tasks) == {alive.name, text.name}


def test_kill_during_creation_leaves_no_half_task(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    chance = random.Random(3)
    left_over = whole = 0
    longest = 0.06  # seconds until the kill; follows how long a creation takes on this machine at this moment
    with Victims(CREATING, workspace.folder) as victims:
        for attempt in range(60):
            victims.kill(chance.uniform(0, longest), f"sweep{attempt}")
            cut_off = bool(hidden(workspace.tasks))
            left_over += cut_off
            names = [name for name in workspace.task_names() if name.startswith(f"sweep{attempt}_")]
            whole += bool(names)
            longest *= 1.0 if cut_off else 0.9 if names else 1.2
            for name in names:
                folder = workspace.paths(name).folder
                assert json.loads((folder / "task_info.json").read_bytes())["name"] == name
                assert (folder / "config.yaml").read_text().startswith("seed:")
    create_tasks(workspace, "lr: 1", "last")
    assert hidden(workspace.tasks) == set()
    assert hidden(workspace.root) <= {".engine"}
    assert all(row.readable for row in TaskIndex(workspace).rows.values())
    assert left_over, "no kill hit a creation: the test shows nothing"
