"""Queueing and cancelling: order, limits, refusals, and many front ends at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from tests.engine.support import Project, python
from tests.support import ROOT, wait_until


def test_never_more_than_jobs_at_once_and_in_order(shell: Project) -> None:
    hold = "while [ ! -e {} ]; do sleep 0.1; done\n"
    names = [shell.task(f"t{number:02}", hold.format(f"go{number}")) for number in range(20)]
    shell.submit(*names, jobs=2)
    shell.wait_for_output(names[0], b"START")
    for number in range(20):
        for name in names[number + 1 : number + 2]:
            shell.wait_for_output(name, b"START")
        assert sum(shell.status(name) == "running" for name in names) <= 2
        assert set(shell.wait(*names[:number])) <= {"completed"}
        assert {shell.status(name) for name in names[number : number + 2]} == {"running"}
        assert {shell.status(name) for name in names[number + 2 :]} <= {"queued"}
        (shell.folder / f"go{number}").touch()
    assert set(shell.wait(*names)) == {"completed"}
    shell.wait_for_exit()
    assert not ensure_running(shell.root)


def test_what_cannot_be_queued_is_refused_with_a_sentence(shell: Project) -> None:
    shell.task("long", "sleep 600")
    shell.task("moving", "true", _namespace_operation={"expires_at": time.time() + 60})
    shell.task("good", "true")
    shell.task("damaged", "true")
    shell.paths("damaged").info.write_text("{")
    assert shell.submit("long").queued == ["long"]
    result = shell.submit("long", "good", "good", "missing", "../x", "moving", "damaged")
    assert result.queued == ["good"]
    assert set(result.refused) == {"long", "missing", "../x", "moving", "damaged"}
    assert result.refused["missing"].startswith("The task 'missing' does not exist in ")
    assert all(reason.endswith(".") for reason in result.refused.values())
    assert shell.paths("damaged").info.read_text() == "{"
    assert shell.submit("missing").batch == ""
    assert shell.submit().queued == []
    with pytest.raises(InvalidInput):
        shell.submit("good", jobs=0)
    assert shell.wait("good") == ["completed"]


def test_cancel_a_waiting_task(shell: Project) -> None:
    shell.task("first", "sleep 600")
    shell.task("second", "true")
    shell.task("third", "true")
    shell.submit("first", "second", "third")
    shell.wait_for_output("first", b"START")
    assert cancel(shell.workspace, "second") == "cancelled"
    info = shell.info("second")
    assert (info["status"], info.get("run_index", 0)) == ("cancelled", 0)
    assert not {"runner_id", "lease_until", "queued_at"} & set(info)
    assert "reason=cancelled_by_user" in (shell.paths("second").run_logs / "error.log").read_text()
    with pytest.raises(Conflict):
        cancel(shell.workspace, "second")
    with pytest.raises(NotFound):
        cancel(shell.workspace, "nobody")
    # The way another program asks:
    with edit_task(shell.paths("third").folder) as wanted:
        wanted["cancel_requested_at"] = "2026-01-01_00-00-00"
    assert shell.wait("third") == ["cancelled"]
    assert cancel(shell.workspace, "first") == "running"
    assert shell.wait("first") == ["cancelled"]


def test_cancel_a_running_task_and_all_its_descendants(shell: Project) -> None:
    deaf = (
        "import os, signal, time; signal.signal(15, signal.SIG_IGN); "
        "os.write(1, b'P %d\\n' % os.getpid()); time.sleep(600)"
    )
    shell.task(
        "T",
        f'{sys.executable} -c "{deaf}" &\nsetsid {sys.executable} -c "{deaf}" &\n'
        "setsid sh -c 'echo P $$; sleep 600' &\nwait\n",
    )
    shell.submit("T")
    wait_until(lambda: shell.output("T").count(b"P ") == 3, message=lambda: repr(shell.log("T")))
    pids = [int(word) for word in shell.output("T").split() if word != b"P"]
    assert cancel(shell.workspace, "T") == "running"
    assert shell.wait("T") == ["cancelled"]
    pids.append(shell.info("T")["pids"][0])
    assert shell.info("T")["exit_codes"] == [-15]
    assert shell.log("T").endswith(b"[PYRUNS] Final status: cancelled\n")
    wait_until(lambda: not any(map(psutil.pid_exists, pids)))
    errors = (shell.paths("T").run_logs / "error.log").read_text()
    assert "Run #1 stopped at" in errors
    assert "previous_status=running\nexit_code=-15\n" in errors


def test_a_script_may_take_its_leave(shell: Project) -> None:
    program = """
import signal, sys, time
def leave(*unused):
    time.sleep(0.5)
    print("saved", flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""
    shell.task("T", "exec " + python(program))
    shell.submit("T")
    shell.wait_for_output("T", b"ready")
    cancel(shell.workspace, "T")
    assert shell.wait("T") == ["cancelled"]
    assert b"saved" in shell.output("T")
    assert shell.info("T")["exit_codes"] == [3]


SUBMITTER = """
import sys, time
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
workspace = WorkspaceFolder.at(Path(sys.argv[1]))
for name in sys.argv[2:]:
    result = submit(workspace, [name])
    assert result.queued == [name], result
    time.sleep(float(len(name) % 3) * 0.02)
"""


def test_eight_processes_queue_at_once_and_nothing_is_forgotten(shell: Project) -> None:
    # A scheduler that leaves at once makes the moment between its last look and its end come often.
    shell.settings("scheduler_linger_seconds: 0\n")
    count = 'echo run >> "$PYRUNS_TASK_DIR/count"\n'
    names = [[shell.task(f"p{p}-{'x' * n}", count) for n in range(4)] for p in range(8)]
    command = [sys.executable, "-c", SUBMITTER, str(shell.workspace.folder)]
    fronts = [subprocess.Popen([*command, *mine], cwd=ROOT) for mine in names]
    assert [front.wait(120) for front in fronts] == [0] * 8
    everything = [name for mine in names for name in mine]
    assert set(shell.wait(*everything)) == {"completed"}  # nobody attends: each batch found its scheduler
    for name in everything:
        assert (shell.paths(name).folder / "count").read_text() == "run\n"
    shell.wait_for_exit()
    wait_until(lambda: list(shell.engine.batches.iterdir()) == [], message="no batch is left")


def test_a_front_end_that_dies_while_it_queues_leaves_nothing_queued(shell: Project) -> None:
    shell.task("A", "true")
    shell.task("B", "true")
    with edit_task(shell.paths("B").folder) as info:
        info.update(status="cancelled", cancel_requested_at="2026-01-01_00-00-00", _attempt_id="0" * 32)
    program = """
import os, sys
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.client.submit import submit
batches.Batches.write = lambda *unused: os.kill(os.getpid(), 9)
submit(WorkspaceFolder.at(Path(sys.argv[1])), ["A", "B"])
"""
    done = subprocess.run([sys.executable, "-c", program, str(shell.workspace.folder)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert [shell.status(name) for name in ("A", "B")] == ["queued", "queued"]
    assert not scheduler_alive(shell.root)
    assert ensure_running(shell.root)
    wait_until(lambda: shell.status("A") == "pending" and shell.status("B") == "cancelled")
    info = shell.info("B")
    assert info["cancel_requested_at"] == "2026-01-01_00-00-00"
    assert info["_attempt_id"] == "0" * 32
    assert not {"runner_id", "lease_until", "queued_at"} & set(info)
    shell.wait_for_exit()
    assert not shell.has_work()


def test_a_disk_that_takes_no_batch_leaves_nothing_queued(
    shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*unused: object) -> None:
        raise OSError(28, "No space left on device")

    shell.task("A", "true")
    before = shell.paths("A").info.read_bytes()
    monkeypatch.setattr(batches.Batches, "write", full)
    with pytest.raises(OSError, match="No space"):
        shell.submit("A")
    assert json.loads(shell.paths("A").info.read_bytes())["status"] == "pending"
    assert json.loads(before)["status"] == "pending"
    assert not scheduler_alive(shell.root)


def test_a_damaged_batch_is_set_aside(shell: Project) -> None:
    shell.task("A", "true")
    claim_engine(shell.root)
    damaged: Path = shell.engine.batches / "00000000000000000001-00000000.json"
    damaged.write_text("{")
    shell.submit("A")
    assert shell.wait("A") == ["completed"]
    shell.wait_for_exit()
    assert damaged.with_suffix(".damaged").read_text() == "{"
    assert not ensure_running(shell.root)
