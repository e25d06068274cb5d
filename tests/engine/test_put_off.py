"""What cannot be taken up or started now is tried again, and the queue says why."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.cluster.async_calls import AsyncCalls
from pyruns_jupyter.engine.cluster.engine import ClusterEngine
from pyruns_jupyter.engine.cluster.submissions import ClusterSubmission
from pyruns_jupyter.engine.queue import batches, launch
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from pyruns_jupyter.engine.run.command import build_command
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

# A scheduler whose disk does not respond about its lock, for as long as the file `fault` is there.
STALE = """
import errno, os, sys
from pathlib import Path
from pyruns_jupyter.engine.scheduler import process
folder = Path(sys.argv[1]).parent
def failing(call):
    def look(path, *more, **named):
        if str(path).endswith("scheduler.lock") and (folder / "fault").exists():
            (folder / "seen").touch()
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)
        return call(path, *more, **named)
    return look
os.stat, os.lstat = failing(os.stat), failing(os.lstat)
sys.exit(process.main([sys.argv[1]]))
"""


def why(project: Project) -> str:
    return " ".join(batch.why for batch in read_queue(project.root).batches)


def test_a_fault_of_our_own_does_not_lose_a_batch(shell: Project) -> None:
    shell.task("T", "true")
    fault = shell.folder / "fault"
    fault.touch()
    with shell.scheduler(FAULTY):
        shell.submit("T")
        wait_until(lambda: "LookupError: a fault of our own" in why(shell), message=lambda: why(shell))
        assert "Traceback" in shell.scheduler_log()
        assert shell.status("T") == "queued"
        assert [path.suffix for path in shell.engine.batches.iterdir()] == [".json"]
        fault.unlink()
        assert shell.wait("T") == ["completed"]
    shell.wait_for_exit()
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


def test_a_disk_that_does_not_respond_for_a_moment_ends_no_scheduler(shell: Project) -> None:
    for name in ("first", "next"):
        shell.task(name, "echo up; while [ ! -e go ]; do sleep 0.1; done")
    with shell.scheduler(STALE):
        shell.submit("first", "next")
        shell.wait_for_output("first", b"up")
        (shell.folder / "fault").touch()
        wait_until((shell.folder / "seen").exists)
        (shell.folder / "fault").unlink()
        (shell.folder / "go").touch()
        assert shell.wait("first", "next") == ["completed", "completed"]


def test_a_scheduler_starts_although_its_lock_is_being_checked(shell: Project) -> None:
    """The process that checks it may have to wait for a processor, for longer than anybody waits for it."""
    shell.task("T", "true")
    claim_engine(shell.root)
    checked = FileLock(shell.engine.scheduler_lock)
    checked.acquire(timeout=5, shared=True)
    command = [sys.executable, "-m", "pyruns_jupyter.engine.scheduler", str(shell.root)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        checked.release()
        wait_until(lambda: scheduler_alive(shell.root))
        assert subprocess.run(command, cwd=ROOT, check=True).returncode == 0  # another one leaves at once
        shell.submit("T")
        assert shell.wait("T") == ["completed"]
        assert process.wait(60) == 0


def test_a_job_that_waits_in_a_cluster_keeps_its_place_during_a_pause(
    shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that is started during the pause does not wait for the job yet."""
    clock = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(AsyncCalls, "run", lambda *_: True)
    monkeypatch.setattr(batches, "batch_ids", lambda _: ["batch"])
    key = shell.key
    shell.engine.cluster.mkdir(0o700, exist_ok=True)
    ClusterSubmission("slurm", "batch", "_shell_", ("a", "gone"), job="17").write(key)
    engine = ClusterEngine(key, "slurm")
    launch.pause(shell.root)
    for _ in range(2):
        clock[0] += 3600
        engine.poll()
    shell.engine.paused.unlink()
    clock[0] += 30
    engine.poll()
    options = QueueOptions(engine="slurm")
    assert engine.adopt(Job(shell.root, "_shell_", "a", "attempt", "batch", {}, "", options=options))
    clock[0] += 60
    engine.poll()
    assert not engine.adopt(Job(shell.root, "_shell_", "gone", "attempt", "batch", {}, "", options=options))


def test_a_working_folder_on_a_disk_that_does_not_respond(
    shell: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    shell.task("T", "true")
    info = {**shell.info("T"), "workdir": str(tmp_path / "elsewhere")}
    job, stat = Job(shell.root, "_shell_", "T", "attempt", "batch", {}, ""), os.stat

    def stale(path: Any, *more: Any, **named: Any) -> Any:
        if str(path).endswith("elsewhere"):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return stat(path, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stale)
        patch.setattr(Path, "is_dir", os.path.isdir)  # since Python 3.14
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
            build_command(job, info, run=1, settings=Settings.load(shell.root))
