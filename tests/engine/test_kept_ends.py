"""The end of a run is not lost when its task file cannot be written, and no supervisor lives for ever."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.host_identity import process_alive, state_folder
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.client.submit import submit
from pyruns_jupyter.engine.queue import kept_ends
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.run.claim import claim_run
from pyruns_jupyter.engine.run.finalize import KeptEndWriter, RunResult, write_ending
from tests.support import wait_until

from .support import Project

USUAL = QueueOptions()
WAITING = "echo up; while [ ! -e go ]; do sleep 0.1; done; exit 3"


def begin(project: Project, options: QueueOptions = USUAL, script: str = WAITING) -> int:
    """Start a run that ends with exit code 3 once `go` is there; return the pid of its supervisor."""
    project.task("T", script)
    submit(project.workspace, ["T"], options=options)
    project.wait_for_output("T", b"up")
    project.pid("T")  # nothing is written any more until the next heartbeat
    return project.supervisor_pid("T")


def kept(project: Project) -> list[Path]:
    return sorted((project.root / ".engine" / "ends").glob("*.json"))


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not process_alive(pid, None), message=f"{pid} is gone")


@contextmanager
def no_room(folder: Path) -> Iterator[None]:
    """Let nobody store anything in a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()


def check_end(project: Project) -> None:
    wait_until(lambda: project.status("T") == "failed", message=lambda: str(project.info("T")))
    info = project.info("T")
    assert info["exit_codes"] == [3]
    assert info["run_statuses"] == ["failed"]
    assert info["pyruns_jupyter"].get("messages") is None
    wait_until(lambda: kept(project) == [])
    assert project.log("T").count(b"Exit code: 3") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_task_file_that_is_damaged_when_the_run_ends(shell: Project, number: signal.Signals) -> None:
    supervisor = begin(shell)
    path = shell.paths("T").info
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    (shell.folder / "go").touch()
    wait_until(lambda: kept(shell), message="the end is kept")
    os.kill(supervisor, number)
    wait_until_gone(supervisor)
    path.write_bytes(content)
    check_end(shell)
    shell.wait_for_exit()


def test_a_task_file_that_becomes_readable_when_nobody_is_left(shell: Project) -> None:
    """Neither the supervisor, nor the scheduler, nor the batch."""
    supervisor = begin(shell)
    path = shell.paths("T").info
    content = path.read_bytes()
    path.write_bytes(b"{")
    (shell.folder / "go").touch()
    wait_until(lambda: kept(shell), message="the end is kept")
    shell.kill_scheduler()
    os.kill(supervisor, signal.SIGTERM)
    wait_until_gone(supervisor)
    for batch in shell.engine.batches.iterdir():
        batch.unlink()
    assert not ensure_running(shell.root)  # no scheduler lives for a file that nobody can read
    path.write_bytes(content)
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    check_end(shell)
    shell.wait_for_exit()


def test_the_end_of_a_task_that_is_removed_is_kept_no_longer(shell: Project) -> None:
    supervisor = begin(shell)
    shell.paths("T").info.write_bytes(b"{")
    (shell.folder / "go").touch()
    wait_until(lambda: kept(shell))
    os.kill(supervisor, signal.SIGTERM)
    wait_until_gone(supervisor)
    shutil.rmtree(shell.paths("T").folder)
    wait_until(lambda: ensure_running(shell.root) or kept(shell) == [])
    shell.wait_for_exit()
    assert kept(shell) == []
    assert not shell.has_work()


def test_a_run_that_is_tried_again_after_its_end_was_kept(shell: Project) -> None:
    supervisor = begin(shell, QueueOptions(retries=1, retry_delay=0.0))
    path = shell.paths("T").info
    content = path.read_bytes()
    path.write_bytes(b"{")
    (shell.folder / "go").touch()
    wait_until(lambda: kept(shell))
    os.kill(supervisor, signal.SIGTERM)
    wait_until_gone(supervisor)
    path.write_bytes(content)
    wait_until(lambda: shell.info("T").get("exit_codes") == [3, 3], message=lambda: shell.scheduler_log())


@pytest.mark.parametrize("place", ["project", "state folder", "nowhere"])
def test_a_supervisor_that_cannot_write_ends_when_it_is_told_to(shell: Project, place: str) -> None:
    supervisor = begin(shell)
    guard = shell.paths("T").folder / ".task_info.json.lock.guard"
    (shell.folder / "link").symlink_to("nowhere")
    (shell.folder / "link").replace(guard)  # in one step; whoever it is cannot lock the task
    state = state_folder() / "ends"
    if place != "project":
        (shell.root / ".engine" / "ends").write_text("in the way")
    with no_room(state) if place == "nowhere" else nullcontext():
        (shell.folder / "go").touch()
        shell.wait_for_output("T", b"up")
        wait_until(lambda: b"Exit code: 3" in shell.log("T"))
        if place == "project":
            wait_until(lambda: kept(shell))
        elif place == "state folder":
            wait_until(lambda: list(state.glob("*.json")))
        os.kill(supervisor, signal.SIGTERM)
        wait_until_gone(supervisor)
    guard.unlink()
    if place != "nowhere":
        check_end(shell)
        wait_until(lambda: not list(state.glob("*.json")))  # it is removed after it was written
        return
    assert shell.wait("T") == ["failed"]
    assert "the outcome of the run is unknown" in shell.info("T")["pyruns_jupyter"]["messages"]["1"]
    assert "the result is lost" in shell.scheduler_log()


def test_an_end_that_was_written_already_is_not_written_twice(shell: Project) -> None:
    """A crash between the two steps: the task file has it, and it is still kept."""
    supervisor = begin(shell, QueueOptions(retries=1, retry_delay=0.0))
    path = shell.paths("T").info
    content = path.read_bytes()
    path.write_bytes(b"{")
    (shell.folder / "go").touch()
    (file,) = wait_until(lambda: kept(shell))
    end = file.read_bytes()
    shell.kill_scheduler()
    path.write_bytes(content)
    wait_until_gone(supervisor)
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    wait_until(lambda: shell.info("T").get("exit_codes") == [3, 3])
    shell.wait_for_exit()
    with edit_task(shell.paths("T").folder) as info:
        info["notes"] = "as it was"
    before = shell.info("T")
    file.write_bytes(end)
    wait_until(lambda: ensure_running(shell.root) or kept(shell) == [])
    shell.wait_for_exit()
    assert shell.info("T") == before


def test_a_kept_end_of_another_project_or_with_a_path_in_it_is_left_alone(shell: Project) -> None:
    begin(shell)
    folder = shell.root / ".engine" / "ends"
    folder.mkdir(mode=0o700)
    content = {"root": str(shell.root), "workspace": "../..", "task": "T", "attempt": "a", "number": 1}
    (folder / "a.json").write_text(json.dumps(content))
    (folder / "b.json").write_text("{")
    (shell.folder / "go").touch()
    assert shell.wait("T") == ["failed"]
    shell.wait_for_exit()
    assert "Traceback" not in shell.scheduler_log()


def running_job(project: Project) -> Job:
    """Return the job of a run without processes."""
    project.task("T", "exit 3")
    with edit_task(project.paths("T").folder) as info:
        runs.queue(info, attempt="attempt", batch="batch")
    job = Job(project.root, "_shell_", "T", "attempt", "batch", {}, "")
    assert claim_run(job, 1, command="", workdir="")
    job.paths.run_logs.mkdir()
    return job


@pytest.mark.parametrize("is_asked_to_end", [False, True])
def test_the_end_of_a_run_whose_project_is_not_mounted(shell: Project, is_asked_to_end: bool) -> None:
    job = running_job(shell)
    elsewhere = shell.folder.with_name("elsewhere")
    problems: list[str] = []

    def pause(_: float) -> bool:
        assert kept_ends.read_end(shell.root, "attempt")
        if not is_asked_to_end:
            elsewhere.rename(shell.folder)
        return not is_asked_to_end

    with locked(job.paths.owner(1), timeout=5) as owner:
        shell.folder.rename(elsewhere)
        write_ending(RunResult(job, 1, "failed", 3, time.time()), owner, pause)
    if is_asked_to_end:
        assert KeptEndWriter(shell.root, problems.append).write(())
        assert "If its disk is not mounted" in problems[0]
        elsewhere.rename(shell.folder)
        assert not KeptEndWriter(shell.root, problems.append).write(())
    assert len(problems) == is_asked_to_end
    assert shell.info("T")["exit_codes"] == [3]
    assert kept_ends.read_end(shell.root, "attempt") is None


def test_the_end_of_a_run_whose_project_was_deleted_is_not_kept(shell: Project) -> None:
    job = running_job(shell)
    with locked(job.paths.owner(1), timeout=5) as owner:
        shutil.rmtree(shell.folder)
        result = RunResult(job, 1, "failed", 3, time.time())
        write_ending(result, owner, lambda _: pytest.fail("it is tried again"))
    assert kept_ends.read_end(shell.root, "attempt") is None


def test_a_supervisor_does_not_outlive_a_deleted_project(shell: Project, tmp_path: Path) -> None:
    go = tmp_path / "go"
    supervisor = begin(shell, script=WAITING.replace("go", str(go)))
    shell.kill_scheduler()

    def is_deleted() -> bool:
        """The supervisor may create a file meanwhile."""
        shutil.rmtree(shell.folder, ignore_errors=True)
        return not shell.folder.exists()

    with no_room(state_folder() / "ends"):
        wait_until(is_deleted)
        go.touch()
        wait_until_gone(supervisor)


def test_the_attempts_to_write_a_kept_end_get_fewer(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    job, clock, problems = running_job(shell), [1000.0], list[str]()
    assert kept_ends.keep_end(shell.root, "attempt", RunResult(job, 1, "failed", 3, time.time()).to_dict())
    guard = shell.paths("T").folder / ".task_info.json.lock.guard"
    guard.unlink()
    guard.mkdir()  # whoever it is cannot lock the task
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    writer = KeptEndWriter(shell.root, problems.append)
    for clock[0] in (1000.0, 1000.5, 1001.0, 1002.5):
        assert writer.write(())
    assert len(problems) == 1, problems
    guard.rmdir()
    assert writer.write(())
    assert shell.status("T") == "running"
    clock[0] = 1003.0
    assert not writer.write(())
    assert shell.info("T")["exit_codes"] == [3]
