"""What cannot be taken up or started now is tried again, and the queue says why."""

from __future__ import annotations

import resource
import subprocess
import sys

import psutil

from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from pyruns_jupyter.engine.queue.status import read_queue
from tests.support import ROOT, wait_until

from .support import Project

# A scheduler with a fault of our own, for as long as the file `fault` is there.
FAULTY = """
import os, sys
from pyruns_jupyter.engine.queue import entries
from pyruns_jupyter.engine.scheduler import loop, process
def open_batch(root, batch):
    if os.path.exists(root.parent / "fault"):
        raise LookupError("a fault of our own")
    return entries.open_batch(root, batch)
loop.open_batch = open_batch
sys.exit(process.main([sys.argv[1]]))
"""


def why(project: Project) -> str:
    return " ".join(batch.why for batch in read_queue(project.root).batches)


def test_a_fault_of_our_own_does_not_lose_a_batch(shell: Project) -> None:
    shell.task("T", "true")
    fault = shell.folder / "fault"
    fault.touch()
    claim_engine(shell.root)
    with (
        shell.engine.log.open("ab") as log,
        subprocess.Popen([sys.executable, "-c", FAULTY, str(shell.root)], cwd=ROOT, stderr=log) as process,
    ):
        wait_until(lambda: scheduler_alive(shell.root))
        shell.submit("T")
        wait_until(lambda: "LookupError: a fault of our own" in why(shell), message=lambda: why(shell))
        assert "Traceback" in shell.scheduler_log()
        assert shell.status("T") == "queued"
        assert [path.suffix for path in shell.engine.batches.iterdir()] == [".json"]
        fault.unlink()
        assert shell.wait("T") == ["completed"]
        assert process.wait(60) == 0
    assert shell.scheduler_log().count("Traceback") == 1


def test_a_scheduler_without_room_for_open_files_says_so(shell: Project) -> None:
    shell.task("T", "true")
    launch.pause(shell.root)
    shell.submit("T")
    scheduler = psutil.Process(shell.scheduler_pid())
    wait_until(lambda: "paused" in why(shell))
    scheduler.rlimit(
        resource.RLIMIT_NOFILE, (scheduler.num_fds(), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    launch.resume(shell.root)
    wait_until(lambda: "Retrying _shell_/T" in shell.scheduler_log(), message=shell.scheduler_log)
    assert shell.status("T") == "queued"
    scheduler.rlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
    assert shell.wait("T") == ["completed"]


def test_the_queue_says_why_a_task_is_not_started(shell: Project) -> None:
    shell.task("T", "true")
    shell.submit("T")
    shell.wait("T")
    shell.wait_for_exit()
    launch.pause(shell.root)
    shell.submit("T")
    wait_until(lambda: "paused" in why(shell))
    content = shell.paths("T").info.read_bytes()
    shell.paths("T").info.write_bytes(b"{")  # an editor is writing it
    launch.resume(shell.root)
    wait_until(lambda: "Retrying _shell_/T after an error: " in why(shell), message=lambda: why(shell))
    assert "is not valid JSON" in why(shell)
    shell.paths("T").info.write_bytes(content)
    assert shell.wait("T") == ["completed"]
    assert shell.info("T")["run_statuses"] == ["completed", "completed"]
