"""No task is stuck: whatever its file says of an owner, it can be stopped and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.live_row import INTERRUPTED
from pyruns_jupyter.core.tasks.trash import trash
from pyruns_jupyter.core.tasks.unstarted import QUEUED_ELSEWHERE, QUEUED_NOWHERE
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.queue import launch
from tests.support import ROOT, wait_until

from .support import Project

BATCHES = ["gone", "damaged", "foreign"]
WAYS = ["run", "stop", "command line", "remove"]


def break_batch(project: Project, how: str) -> None:
    (path,) = project.engine.batches.glob("*.json")
    if how == "gone":
        path.unlink()
    elif how == "damaged":
        path.write_text("{")
    else:
        content = json.loads(path.read_bytes())
        del content["seal"]
        path.write_text(json.dumps(content))


def message(project: Project, name: str) -> str | None:
    index = TaskIndex(project.workspace)
    index.refresh()
    return index.rows[name].message


def leave(project: Project, name: str, way: str) -> None:
    """Take one of the ways out, and see that the task can be run again."""
    if way == "command line":
        command = [sys.executable, "-m", "pyruns_jupyter.cli", "stop", name, "-w", "_shell_"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    elif way != "run":
        assert cancel(project.workspace, name) in ("cancelled", "failed")
    if way == "remove":
        trash(project.workspace, name)
        assert not project.paths(name).folder.exists()
        return
    before = len(project.info(name).get("run_statuses", ()))
    assert project.submit(name).refused == {}
    wait_until(lambda: project.info(name).get("run_statuses", [])[before:] == ["completed"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("batch", BATCHES)
def test_a_run_that_lost_its_supervisor_and_its_batch(shell: Project, batch: str, way: str) -> None:
    shell.task("T", "[ -e again ] || { touch again; echo up; sleep 600; }")
    shell.submit("T")
    shell.wait_for_output("T", b"up")
    pid = shell.pid("T")
    shell.kill_scheduler()
    os.kill(shell.supervisor_pid("T"), signal.SIGKILL)
    with suppress(ProcessLookupError):  # the loss of its terminal ends it, too
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process_alive(pid, None))
    break_batch(shell, batch)
    wait_until(lambda: message(shell, "T") == INTERRUPTED)
    leave(shell, "T", way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("batch", BATCHES)
def test_a_queued_task_that_lost_its_batch(shell: Project, batch: str, way: str) -> None:
    shell.task("T", "true")
    launch.pause(shell.root)
    shell.submit("T")
    shell.kill_scheduler()
    assert message(shell, "T") is None
    break_batch(shell, batch)
    launch.resume(shell.root)
    assert message(shell, "T") == (QUEUED_ELSEWHERE if batch == "foreign" else QUEUED_NOWHERE)
    leave(shell, "T", way)


def test_the_list_learns_that_a_batch_is_gone_and_is_back(
    shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyruns_jupyter.core.tasks.unstarted._ORIGIN_SECONDS", 0.0)
    shell.task("T", "true")
    launch.pause(shell.root)
    shell.submit("T")
    index = TaskIndex(shell.workspace)
    index.refresh()
    assert index.rows["T"].message is None
    (path,) = shell.engine.batches.glob("*.json")
    content = path.read_bytes()
    path.unlink()
    wait_until(lambda: index.refresh() and index.rows["T"].message == QUEUED_NOWHERE)
    claim = path.with_name(f".{path.stem}.claim")
    claim.touch()  # somebody is queueing it at this moment
    wait_until(lambda: index.refresh() and index.rows["T"].message is None)
    claim.unlink()
    path.write_bytes(content)
    wait_until(lambda: not index.refresh())
    assert index.rows["T"].message is None
    launch.resume(shell.root)
    assert shell.wait("T") == ["completed"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", ["running", "queued"])
def test_what_another_host_or_program_left_when_its_lease_has_run_out(
    shell: Project, status: str, way: str
) -> None:
    shell.task("T", "true")
    with edit_task(shell.paths("T").folder) as info:
        info.update(status=status, _attempt_id="a", runner_id="other:1:a", runner_host="other")
        info["lease_until"] = time.time() + 60
        if status == "running":
            info.update(run_statuses=["running"], run_attempt_ids=["a"], start_times=[""], run_index=1)
            info.update(pids=[None], pid_create_times=[None], exit_codes=[None], durations=[None])
            info.update(finish_times=[""], records=[{}], tracks=[{}])
    assert message(shell, "T") is None
    assert shell.submit("T").refused
    with edit_task(shell.paths("T").folder) as info:
        info["lease_until"] = time.time() - 1
    if status == "running":
        assert "Lost contact with the supervisor of this run on other" in str(message(shell, "T"))
    leave(shell, "T", way)
    if status == "running" and way in ("run", "stop"):
        said = shell.info("T")["pyruns_jupyter"]["messages"]["1"]
        assert said == "The supervisor of this run has ended. The outcome of the run is unknown."
