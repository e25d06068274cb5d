"""Tasks that it made and runs: we show them live, stop them by asking, and leave them alone otherwise."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.live_row import INTERRUPTED
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.queue.launch import ensure_running
from tests.support import wait_until

from .shared import SCRIPT, Shared, rows

pytestmark = pytest.mark.reference


def stored(folder: Path) -> bytes:
    return (folder / "task_info.json").read_bytes()


def test_live_to_the_end_and_stopped_by_asking(shared: Shared) -> None:
    (shared.project / "train.py").write_text(SCRIPT, encoding="utf-8")
    shared.pyr("init", "train.py")
    assert not open_workspace(shared.project / "train.py")[1]
    workspace = shared.script()
    for name in ("one", "two", "three"):
        shared.add(workspace, name, f"lr: 0.5\ngate: {shared.gate}\n")
    create_tasks(workspace, "lr: 0.25\n", "ours")
    index = TaskIndex(workspace)
    index.refresh()
    assert {name: row.status for name, row in index.rows.items()} == dict.fromkeys(
        ("one", "two", "three", "ours"), "pending"
    )

    shared.pyr("run", "-d", "-j", "1", "one", "two", "three", workspace=workspace)
    shared.wait_for_output(workspace, "one", b"lr 0.5")
    # Its scripts write their points straight into the task file.
    wait_until(lambda: index.refresh() and index.rows["one"].figures, message="the first point")
    one, two = index.rows["one"], index.rows["two"]
    assert (one.status, one.message, one.finished_at) == ("running", None, None)
    assert one.started_at is not None and one.created_at is not None and one.started_at >= one.created_at
    assert one.figures == {"loss": 1.0, "step": 1}
    assert (two.status, two.message, two.runs) == ("queued", None, 0)

    # Nothing here takes them for its own: not a queueing, not the scheduler that it starts.
    before = {name: read_task(workspace.paths(name).folder) for name in ("one", "two")}
    submission = shared.submit(workspace, "one", "two", "ours")
    assert submission.queued == ["ours"]
    assert sorted(submission.refused) == ["one", "two"]
    for name in ("one", "two"):
        with pytest.raises(Conflict):
            tasks.rename(workspace, name, "elsewhere")
        with pytest.raises(Conflict):
            trash.trash(workspace, name)
    tasks.change(workspace, "one", TaskPatch(notes="seen"))
    shared.wait_for(workspace, "ours", "completed")
    assert not ensure_running(shared.root)
    lease = ("lease_heartbeat", "lease_until")
    for name, content in before.items():
        after = read_task(workspace.paths(name).folder)
        after.pop("notes", None)
        assert {**after, **{key: content[key] for key in lease}} == content

    # We ask, their owner acts.
    assert cancel(workspace, "two") in (runs.QUEUED, runs.CANCELLED)
    shared.wait_for(workspace, "two", "cancelled")
    assert cancel(workspace, "one") == runs.RUNNING
    stopped = shared.wait_for(workspace, "one", "cancelled")
    assert stopped["exit_codes"] == [-15] and stopped["notes"] == "seen"
    assert [run.status for run in runs.runs(stopped)] == ["cancelled"]

    shared.wait_for_output(workspace, "three", b"lr 0.5")
    shared.open_gate()
    shared.wait_for(workspace, "three", "completed")
    index.refresh()
    three = index.rows["three"]
    assert (three.status, three.exit_code, three.runs, three.message) == ("completed", 0, 1, None)
    assert three.figures == {"loss": 0.25, "step": 2, "acc": 0.5}
    assert index.rows["two"].runs == 0


def test_a_shell_task_whose_owner_dies(shared: Shared) -> None:
    shared.pyr("exec", "-d", "-n", "theirs", "-c", shared.gated())
    workspace = WorkspaceFolder.at(shared.root / "_shell_")
    folder = workspace.paths("theirs").folder
    shared.wait_for_output(workspace, "theirs", b"begin")
    create_tasks(workspace, "true\n", "ours")
    row = rows(workspace)["theirs"]
    assert (row.status, row.kind, row.message) == ("running", "shell", None)
    assert row.started_at is not None

    wait_until(lambda: runs.runs(read_task(folder))[0].pid)  # which is stored a moment after the start
    info = read_task(folder)
    (run,) = runs.runs(info)
    assert run.pid is not None
    owner = psutil.Process(int(info["runner_id"].split(":")[1]))
    assert "pyruns" in " ".join(owner.cmdline())
    created = owner.create_time()
    owner.kill()
    wait_until(lambda: not process_alive(owner.pid, created), message="its end")
    before = stored(folder)
    # Its process lives on, or its lease does: no reason to say anything.
    assert rows(workspace)["theirs"].message is None
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    wait_until(lambda: not process_alive(run.pid or 0, run.pid_create_time), message="the end of its task")
    assert rows(workspace)["theirs"].message is None
    assert stored(folder) == before

    with edit_task(folder) as info:
        info["lease_until"] = info["lease_heartbeat"]
    before = stored(folder)
    row = rows(workspace)["theirs"]
    assert (row.status, row.message) == ("running", INTERRUPTED)
    # Our engine passes it by, until somebody wants to stop it or to run it again.
    shared.submit(workspace, "ours")
    shared.wait_for(workspace, "ours", "completed")
    assert stored(folder) == before
    assert cancel(workspace, "theirs") == runs.FAILED
    (run,) = runs.runs(read_task(folder))
    assert (run.status, run.exit_code) == ("failed", None) and run.finished_at is not None
    assert "runner_id" not in read_task(folder)
    assert shared.statuses(workspace)["theirs"] == "failed"
    with edit_task(folder) as info:
        info.clear()
        info.update(json.loads(before))
    shared.open_gate()
    assert shared.submit(workspace, "theirs").queued == ["theirs"]
    shared.wait_for(workspace, "theirs", "completed")
    assert [run.status for run in runs.runs(read_task(folder))] == ["failed", "completed"]
