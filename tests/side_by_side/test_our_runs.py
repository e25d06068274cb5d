"""Tasks that our engine runs, or keeps waiting: it sees them, ends them by asking, leaves them alone."""

from __future__ import annotations

import json
import os
import signal

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics.system_metrics import stored_summary
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from tests.support import wait_until

from .shared import Shared, facts, rows

pytestmark = pytest.mark.reference


def test_running_and_waiting(shared: Shared) -> None:
    workspace = shared.shell()
    for name in ("running", "waiting", "last"):
        create_tasks(workspace, shared.gated(begin=f"begin {name}"), name)
    create_tasks(workspace, "echo quick\n", "other")
    shared.submit(workspace, "running", "waiting", "last", jobs=1)
    shared.wait_for_output(workspace, "running", b"begin running")

    assert shared.statuses(workspace) == {
        "running": "running",
        "waiting": "queued",
        "last": "queued",
        "other": "pending",
    }
    folder = workspace.paths("running").folder
    wait_until(lambda: runs.runs(read_task(folder))[0].pid)  # which is stored a moment after the start
    (run,) = runs.runs(read_task(folder))
    shown = shared.shown(workspace, "running")
    assert (shown["status"], shown["run_index"], shown["pid"]) == ("running", 1, run.pid)
    assert "begin running" in shared.pyr("log", "running", workspace=workspace).stdout

    # Running anything makes it look at every task of the workspace for owners that are gone.
    before = {name: facts(workspace.paths(name).folder) for name in ("running", "waiting", "last")}
    for name in ("running", "waiting"):
        refused = shared.pyr("run", name, workspace=workspace, check=False)
        assert refused.returncode == 1 and "already active" in refused.stderr
    assert shared.pyr("rm", "running", workspace=workspace, check=False).returncode == 1
    assert shared.pyr("mv", "waiting", "elsewhere", workspace=workspace, check=False).returncode == 1
    shared.pyr("run", "other", workspace=workspace)
    shared.pyr("pin", "running", "waiting", workspace=workspace)
    lease = ("lease_heartbeat", "lease_until")
    for name, content in before.items():
        after = facts(workspace.paths(name).folder)
        assert {**after, **{key: content[key] for key in lease}} == content
    assert [row.status for row in rows(workspace).values() if row.pinned] == ["running", "queued"]

    shared.pyr("stop", "--timeout", "60", "waiting", workspace=workspace)
    waiting = read_task(workspace.paths("waiting").folder)
    assert (waiting["status"], waiting["run_index"], runs.runs(waiting)) == ("cancelled", 0, [])
    assert "runner_id" not in waiting

    shared.pyr("stop", "--timeout", "60", "running", workspace=workspace)
    stopped = rows(workspace)["running"]
    assert (stopped.status, stopped.exit_code, stopped.runs) == ("cancelled", -15, 1)
    log = shared.pyr("log", "running", workspace=workspace).stdout
    assert log.endswith("[PYRUNS] Final status: cancelled\n")
    assert "\nend" not in log

    # The rest of our queue goes on, and it follows that to the end.
    shared.wait_for_output(workspace, "last", b"begin last")
    follower = shared.start_pyr("log", "-f", "last", workspace=workspace)
    waiter = shared.start_pyr("wait", "last", workspace=workspace)
    shared.open_gate()
    followed, waited = (one.communicate(timeout=120)[0] for one in (follower, waiter))
    assert (follower.returncode, waiter.returncode, waited) == (0, 0, "completed\tlast\n")
    assert "begin last\nend\n" in followed
    assert rows(workspace)["waiting"].runs == 0, "a waiting task that was stopped never ran"
    assert "Traceback" not in shared.scheduler_log()

    # What was stopped is free for either program.
    shared.pyr("run", "waiting", workspace=workspace)
    assert shared.submit(workspace, "running").refused == {}
    shared.wait_for(workspace, "running", "completed")
    statuses = {name: row.status for name, row in rows(workspace).items()}
    assert statuses == dict.fromkeys(("running", "waiting", "last", "other"), "completed")
    assert {name: task["run_index"] for name, task in shared.listed(workspace).items()} == {
        "running": 2,
        "waiting": 1,
        "last": 1,
        "other": 1,
    }


def test_nothing_is_taken_over_while_our_scheduler_is_dead(shared: Shared) -> None:
    workspace = shared.script()
    create_tasks(workspace, f"lr: 0.5\ngate: {shared.gate}\n", "running")
    create_tasks(workspace, "lr: 0.25\n", "waiting")
    create_tasks(workspace, "lr: 1\n", "other")
    shared.submit(workspace, "running", "waiting", jobs=1)
    shared.wait_for_output(workspace, "running", b"lr 0.5")
    os.kill(json.loads(shared.engine.scheduler_lock.read_bytes())["pid"], signal.SIGKILL)
    wait_until(lambda: not scheduler_alive(shared.root), message="the scheduler is dead")

    shared.pyr("run", "other", workspace=workspace)
    assert shared.statuses(workspace) == {"running": "running", "waiting": "queued", "other": "completed"}
    shared.open_gate()
    shared.wait_for(workspace, "running", "completed")
    wait_until(lambda: ensure_running(shared.root), message="the next scheduler")
    shared.wait_for(workspace, "waiting", "completed")
    table = rows(workspace)
    assert {name: row.figures["acc"] for name, row in table.items()} == {
        "running": 0.5,
        "waiting": 0.75,
        "other": 0.0,
    }
    assert {row.runs for row in table.values()} == {1}


def test_it_ignores_our_system_metrics(shared: Shared) -> None:
    workspace = shared.shell()
    create_tasks(workspace, shared.gated(), "job")
    shared.submit(workspace, "job")
    wait_until(lambda: workspace.paths("job").system(1).exists())
    shared.open_gate()
    shared.wait_for(workspace, "job", "completed")
    before = read_task(workspace.paths("job").folder)
    samples = workspace.paths("job").system(1).read_bytes()
    assert stored_summary(before, 1)["seconds"] > 0
    assert shared.shown(workspace, "job")["status"] == "completed"
    shared.pyr("mv", "job", "moved", workspace=workspace)
    shared.pyr("run", "moved", workspace=workspace)
    shared.pyr("rm", "moved", workspace=workspace)
    shared.pyr("restore", "moved", workspace=workspace)
    after = read_task(workspace.paths("moved").folder)
    assert after["run_statuses"] == ["completed", "completed"]
    assert stored_summary(after, 1) == stored_summary(before, 1)
    assert workspace.paths("moved").system(1).read_bytes() == samples
    assert not workspace.paths("moved").system(2).exists()
