"""The stacks of runs: real scripts that hang, on request and when they stall."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.common.errors import Busy, Conflict, NotFound
from pyruns_jupyter.core.fs.atomic import dump_json
from pyruns_jupyter.core.logs.stacks import StackDump
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.client.stacks import request_stacks, stored_stacks
from pyruns_jupyter.engine.run import stack_dump
from pyruns_jupyter.engine.run.command import RunCommand
from pyruns_jupyter.engine.run.run_stacks import RunStacks
from pyruns_jupyter.system.process_state import ProcessState
from tests.support import wait_until

from .conftest import MakeProject
from .support import Project

HANG = """
import os, sys, threading, time
import pyruns_jupyter
pyruns_jupyter.load()
def release(lock):
    while not os.path.exists("go"):
        time.sleep(0.1)
    lock.release()
def stuck(password="hunter2hunter2"):
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=release, args=[lock]).start()
    print("locked", flush=True)
    lock.acquire()
stuck()
"""


def hanging(make_project: MakeProject, settings: str = "", script: str = HANG) -> tuple[Project, str]:
    project = make_project(script)
    if settings:
        project.settings(settings)
    name = project.task("t", "lr: 1\n")
    project.submit(name)
    project.wait_for_output(name, b"locked")
    return project, name


def finish(project: Project, name: str) -> None:
    (project.folder / "go").touch()
    assert project.wait(name) == ["completed"]


def test_stacks_on_request(make_project: MakeProject) -> None:
    project, name = hanging(make_project)
    began = time.time()

    def of_waiting_script() -> StackDump | None:
        """It waits, and answers a signal, some time after its output."""
        found = request_stacks(project.workspace, name)
        words = "Waiting for: a lock, or another thread", "in stuck"
        return found if all(word in found.text for word in words) else None

    found = wait_until(of_waiting_script)
    assert found.run == 1
    assert found.taken_at >= began - 1
    head, _, rest = found.text.partition("\n")
    assert head.startswith("Stacks of run 1 at ")
    assert head.endswith(". On request.")
    assert f"{project.script}" in rest.partition("\n\n")[0]
    assert "Status: sleeping" in rest
    assert "hunter2" not in found.text
    assert stored_stacks(project.workspace, name) == found
    again = request_stacks(project.workspace, name)
    assert again.taken_at > found.taken_at
    finish(project, name)
    assert stored_stacks(project.workspace, name, 1) == again
    assert "stacks" not in project.info(name)["pyruns_jupyter"]


def test_a_stalled_run_is_dumped(make_project: MakeProject) -> None:
    project, name = hanging(make_project, "silent_after_minutes: 0.01\n")
    path = project.paths(name).stacks(1)
    known: list[bytes] = []

    def is_dumped() -> bool:
        """A script that did not answer in time, as it stood still, is asked again after another stall."""
        text = path.read_bytes() if path.exists() else b""
        if text and b"in stuck" not in text and text not in known:
            known.append(text)
            os.utime(project.paths(name).log(1))
        return b"in stuck" in text

    wait_until(is_dumped)
    found = stored_stacks(project.workspace, name)
    assert "The run had produced no output or metrics for" in found.text
    # The first answer may be a dump that the stall has begun before.
    wait_until(lambda: ". On request." in request_stacks(project.workspace, name).text)
    finish(project, name)


def test_each_stall_is_dumped_once(tmp_path: Path) -> None:
    paths = TaskPaths(tmp_path)
    paths.run_logs.mkdir()
    journal = paths.journal(1)
    journal.write_bytes(b"")
    os.utime(journal, (time.time() - 90,) * 2)
    command = RunCommand(["true"], "/", {}, {}, "shell", "", "", paths.folder, None, None, "")
    stacks = RunStacks(lambda: paths, 1, command, stall_minutes=1)
    stacks._began -= 1000
    now = time.monotonic()
    stacks.beat(now + 100, now, 0)
    first = stacks._thread
    assert first is not None
    first.join()
    for _ in range(3):
        stacks.beat(stacks.due, now, 0)
    assert stacks._thread is first
    os.utime(journal, (time.time() - 80,) * 2)
    stacks.beat(stacks.due, now, 0)
    assert stacks._thread is not first
    stacks.finish()


def test_each_request_is_served_whatever_the_clock_of_its_host(tmp_path: Path) -> None:
    paths = TaskPaths(tmp_path)
    paths.run_logs.mkdir()
    command = RunCommand(["true"], "/", {}, {}, "shell", "", "", paths.folder, None, None, "")
    stacks = RunStacks(lambda: paths, 1, command, stall_minutes=0)
    now = time.monotonic()
    seen = []
    for requested_at in (0, 1000.0, 1000.0, 400.0):
        stacks.beat(now, now, requested_at)
        seen.append(stacks._thread)
        if stacks._thread is not None:
            stacks._thread.join()
    stacks.finish()
    assert seen[0] is None
    assert seen[1] is seen[2] is not seen[3]


def test_secrets_are_masked_before_a_command_is_cut() -> None:
    secret = "first\nsecond" + "x" * 100
    state = ProcessState(1, ("p", "y" * 450, secret), "sleeping", 1, 0.0, "")
    shown = stack_dump._process_lines(state, 0.0, stack_dump._secrets({"MY_TOKEN": secret}))[0]
    assert shown == f"Process 1: p {'y' * 450} ********"


def test_metrics_count_as_activity(tmp_path: Path) -> None:
    paths = TaskPaths(tmp_path)
    paths.run_logs.mkdir()
    journal, dump = paths.journal(1), paths.stacks(1)
    journal.write_bytes(b"")
    command = RunCommand(["true"], "/", {}, {}, "shell", "", "", paths.folder, None, None, "")
    stacks = RunStacks(lambda: paths, 1, command, stall_minutes=1)
    now = time.monotonic()
    stacks._began -= 1000
    os.utime(journal, (time.time() - 30,) * 2)
    stacks.beat(now + 100, now, 0)
    assert now + 110 <= stacks.due < now + 200
    stacks.finish()
    assert not dump.exists()
    os.utime(journal, (time.time() - 90,) * 2)
    stacks = RunStacks(lambda: paths, 1, command, stall_minutes=1)
    stacks._began -= 1000
    stacks.beat(now + 100, now, 0)
    stacks.finish()
    assert b"The run had produced no output or metrics for 1 min 3" in dump.read_bytes()


def test_secrets_are_masked(shell: Project) -> None:
    code = "import sys; print('locked', flush=True); sys.stdin.read()"
    words = "--api-key first-value token=second-value https://me:third-value@host/ fourth-value"
    name = shell.task("t", f"exec {sys.executable} -c {code!r} {words} < <(sleep 1000)\n")
    info = {**shell.info(name), "shell_executable": "/bin/bash", "shell_kind": "bash"}
    shell.paths(name).info.write_bytes(dump_json(info))
    shell.task_environment(name, MY_PASSWORD="fourth-value")
    shell.submit(name)
    shell.wait_for_output(name, b"locked")

    def of_waiting_processes() -> str:
        """Both say that they wait once they do, which may be a moment after the output."""
        text = request_stacks(shell.workspace, name).text
        waiting = "reading from the standard input (pipe:", "the end of a sleep"
        return text if all(f"Waiting for: {what}" in text for what in waiting) else ""

    text = wait_until(of_waiting_processes)
    assert "--api-key ******** token=******** https://me:********@host/ ********" in text
    assert "value" not in text
    assert "sleep 1000" in text


def test_processes_that_are_not_prepared_continue(shell: Project) -> None:
    code = "import time, os\nprint('locked', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.05)"
    (shell.folder / "work.py").write_text(code)
    name = shell.task("t", f"{sys.executable} work.py\n")
    shell.submit(name)
    shell.wait_for_output(name, b"locked")
    text = request_stacks(shell.workspace, name).text
    assert "work.py" in text
    assert "Python stacks" in text
    finish(shell, name)


def test_a_run_that_ends_meanwhile(make_project: MakeProject) -> None:
    project, name = hanging(make_project)
    ended = threading.Timer(0.1, (project.folder / "go").touch)
    ended.start()
    with suppress(Conflict):  # if it ends before
        assert request_stacks(project.workspace, name).text
    assert project.wait(name) == ["completed"]
    with pytest.raises(Conflict):
        request_stacks(project.workspace, name)


def test_what_has_no_stacks(make_project: MakeProject) -> None:
    project = make_project("import pyruns_jupyter\npyruns_jupyter.load()")
    name = project.task("t", "lr: 1\n")
    with pytest.raises(Conflict, match=r"is pending\. Only a running task has stacks"):
        request_stacks(project.workspace, name)
    with pytest.raises(NotFound, match="Run 1 of 't' has no stored stacks"):
        stored_stacks(project.workspace, name)
    with pytest.raises(NotFound):
        request_stacks(project.workspace, "none")
    project.submit(name)
    assert project.wait(name) == ["completed"]
    with pytest.raises(Conflict, match="is completed"):
        request_stacks(project.workspace, name)
    with pytest.raises(NotFound):
        stored_stacks(project.workspace, name, 7)


def test_a_run_of_another_program(make_project: MakeProject) -> None:
    project = make_project("")
    now = time.time()
    facts: dict[str, Any] = {"_attempt_id": "a" * 32, "lease_until": now + 1000, "run_statuses": ["running"]}
    name = project.task("t", "lr: 1\n")
    info = {**project.info(name), **facts, "status": "running", "runner_host": "elsewhere", "run_index": 1}
    project.paths(name).info.write_bytes(dump_json(info))
    before = project.paths(name).info.read_bytes()
    with pytest.raises(Conflict, match="Another program runs the task 't'"):
        request_stacks(project.workspace, name)
    assert project.paths(name).info.read_bytes() == before


def test_a_supervisor_that_does_not_respond(make_project: MakeProject) -> None:
    project, name = hanging(make_project)
    pid = project.pid(name)
    supervisor = psutil.Process(psutil.Process(pid).ppid())
    with edit_task(project.paths(name).folder):  # which it does not hold locked then
        os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Busy, match=r"has not responded within 0\.3 s"):
            request_stacks(project.workspace, name, seconds=0.3)
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)
    wait_until(project.paths(name).stacks(1).exists)
    finish(project, name)


def test_a_file_that_is_not_ours(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project("")
    name = project.task("t", "lr: 1\n")
    paths = project.paths(name)
    paths.run_logs.mkdir()
    paths.stacks(1).write_bytes(b"a\x1b[31m\xff\n")
    assert stored_stacks(project.workspace, name).text == "a\\x1b[31m\ufffd\n"
    paths.stacks(1).unlink()
    (tmp_path / "secret").write_text("secret")
    paths.stacks(1).symlink_to(tmp_path / "secret")
    with pytest.raises(OSError):
        stored_stacks(project.workspace, name)
