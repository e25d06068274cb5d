"""Broken tasks, full disks and strange folders: they cost the tasks they hit, never the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks.row import read_row
from pyruns_jupyter.core.trust.engine_key import EngineKey, claim_engine
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client import submit as submit_module
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.processes.native import SignalPipe
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from pyruns_jupyter.engine.run import supervisor
from tests.engine.conftest import MakeProject
from tests.engine.support import Project
from tests.support import ROOT, wait_until


def test_a_task_file_that_is_no_file_stops_no_other_task(shell: Project) -> None:
    names = ("first", "folder", "loop", "good")
    for name in names:
        shell.task(name, "sleep 600" if name == "first" else "true")
    shell.submit(*names)
    shell.wait_for_output("first", b"START")
    shell.kill_scheduler()
    for name in ("folder", "loop"):
        shell.paths(name).info.unlink()
    shell.paths("folder").info.mkdir()
    shell.paths("loop").info.symlink_to("task_info.json")
    cancel(shell.workspace, "first")
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    assert shell.wait("first", "good") == ["cancelled", "completed"]
    shell.wait_for_exit()
    assert "Traceback" not in shell.scheduler_log()


def test_a_task_that_breaks_its_own_folder_ends(shell: Project) -> None:
    shell.task("T", 'cd "$PYRUNS_TASK_DIR" && rm -r run_logs && touch run_logs; exit 3\n')
    shell.task("next", "true")
    shell.submit("T", "next")
    assert shell.wait("T", "next") == ["failed", "completed"]
    assert shell.info("T")["exit_codes"] == [3]
    assert "lost its supervisor" not in shell.scheduler_log()
    # Nor can it be started again like that, and it says so.
    shell.submit("T")
    shell.wait("T")
    wait_until(lambda: len(shell.info("T")["run_statuses"]) == 2 and shell.status("T") == "failed")
    assert "run_logs" in shell.info("T")["pyruns_jupyter"]["messages"]["2"]


def test_a_supervisor_that_cannot_be_buried_is_tried_again_with_pauses(shell: Project) -> None:
    shell.task("T", "sleep 600")
    shell.task("next", "true")
    shell.submit("T", "next", jobs=2)
    shell.wait_for_output("T", b"START")
    supervisor = shell.supervisor_pid("T")
    owner = shell.paths("T").owner(1)
    owner.unlink()
    owner.mkdir()  # in the way
    psutil.Process(supervisor).kill()
    wait_until(lambda: "lost its supervisor" in shell.scheduler_log())
    time.sleep(2)
    assert shell.scheduler_log().count("lost its supervisor") < 8
    owner.rmdir()
    assert shell.wait("T") == ["failed"]


def test_a_log_that_cannot_be_written_fails_the_task_with_a_sentence(shell: Project) -> None:
    shell.task("T", "true")
    shell.paths("T").log(1).mkdir(parents=True)
    shell.submit("T")
    assert shell.wait("T") == ["failed"]
    assert "run1.log" in shell.info("T")["pyruns_jupyter"]["messages"]["1"]
    assert not list(shell.paths("T").folder.glob(".pyruns-input-*"))


class _NoSignals(SignalPipe):
    def __init__(self) -> None:
        self.descriptor, self._write_end = os.pipe()
        os.set_blocking(self.descriptor, False)


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("too\ndeep"), MemoryError()])
def test_an_unexpected_error_fails_the_task_instead_of_leaving_it_queued(
    shell: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(supervisor, "build_command", fail)
    shell.task("T", "true")
    with edit_task(shell.paths("T").folder) as info:
        runs.queue(info, attempt="attempt", batch="batch")
    job = Job(shell.root, "_shell_", "T", "attempt", "batch", {}, "")
    signals = _NoSignals()
    try:
        with ExitStack() as held:
            assert supervisor.supervise(job, {}, signals, held) == supervisor.DONE
    finally:
        os.close(signals.descriptor)
        os.close(signals._write_end)
    assert shell.status("T") == "failed"
    what = {KeyError: "KeyError: 'x'", RecursionError: "RecursionError: too deep", MemoryError: "MemoryError"}
    message = f"The command of this task could not be built: {what[type(error)]}."
    assert read_row(shell.paths("T").folder)[0].message == message
    assert message.encode() in shell.log("T")
    assert "Traceback" in capsys.readouterr().err


def test_a_constant_that_is_too_large_fails_the_task(make_project: MakeProject) -> None:
    project = make_project("LR = 0.1\nprint(LR)\n")
    project.task("T", f"constants: {{LR: 1{'0' * 310}}}\n")
    project.submit("T")
    assert project.wait("T") == ["failed"]
    assert read_row(project.paths("T").folder)[0].message == "constants.LR: this number is too large."
    assert "Traceback" not in project.scheduler_log()


def test_a_scheduler_whose_own_log_is_full_goes_on(shell: Project) -> None:
    claim_engine(shell.root)
    (shell.engine.batches / "00000000000000000001-00000000.json").write_text("{")
    shell.task("T", "true")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "pyruns_jupyter.engine.scheduler", str(shell.root)]
        with subprocess.Popen(command, cwd=ROOT, stderr=full, stdout=full) as scheduler:
            wait_until(lambda: scheduler_alive(shell.root))
            shell.submit("T")
            assert shell.wait("T") == ["completed"]
            assert scheduler.wait(60) == 0


def test_who_stops_at_the_door_keeps_no_processor_busy(shell: Project) -> None:
    shell.settings("scheduler_linger_seconds: 0\n")
    shell.task("T", "while [ ! -e go ]; do sleep 0.1; done")
    shell.submit("T")
    scheduler = psutil.Process(shell.scheduler_pid())
    with locked(shell.engine.door_lock, timeout=5, shared=True):
        (shell.folder / "go").touch()
        shell.wait("T")
        time.sleep(0.5)
        before = sum(scheduler.cpu_times()[:2])
        time.sleep(2)
        assert sum(scheduler.cpu_times()[:2]) - before < 0.6
    shell.wait_for_exit()


FULL = """
import errno, os, resource, sys
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.core.trust.engine_key import EngineKey, claim_engine
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.client.submit import submit
def full(*unused):
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    raise OSError(errno.ENOSPC, "No space left on device")
batches.Batches.write = full
try:
    submit(WorkspaceFolder.at(Path(sys.argv[1])), ["A", "B", "C"])
except OSError as error:
    print(error.errno == errno.ENOSPC, flush=True)
"""


def test_claims_that_a_full_disk_does_not_let_undo_are_undone_later(shell: Project) -> None:
    for name in "ABC":
        shell.task(name, "true")
    command = [sys.executable, "-c", FULL, str(shell.workspace.folder)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
    assert [shell.status(name) for name in "ABC"] == ["queued"] * 3
    assert ensure_running(shell.root)
    wait_until(lambda: [shell.status(name) for name in "ABC"] == ["pending"] * 3)
    shell.wait_for_exit()
    assert not shell.has_work()


def test_what_is_reached_through_a_link_is_not_run(shell: Project, tmp_path: Path) -> None:
    shell.task("real", "true")
    elsewhere = tmp_path / "elsewhere"
    shell.paths("real").folder.rename(elsewhere)
    shell.paths("real").folder.symlink_to(elsewhere)
    assert set(shell.submit("real").refused) == {"real"}
    assert json.loads((elsewhere / "task_info.json").read_bytes())["status"] == "pending"


def test_a_queueing_that_got_lost_can_be_stopped_and_made_again(shell: Project) -> None:
    """Also when it was made on a machine that is gone, as a container with another name."""
    shell.task("first", "sleep 600")
    shell.task("second", "true")
    shell.task("third", "true")
    shell.submit("first", "second", "third")
    shell.wait_for_output("first", b"START")
    assert "already queued" in shell.submit("second").refused["second"]
    shell.kill_scheduler()
    for path in shell.engine.batches.iterdir():
        path.unlink()
    for name in ("second", "third"):
        info = shell.info(name)
        info["runner_host"] = "another-host"
        shell.paths(name).info.write_text(json.dumps(info))
    assert cancel(shell.workspace, "second") == "cancelled"
    assert shell.submit("third").queued == ["third"]
    assert shell.wait("third") == ["completed"]
    os.kill(shell.supervisor_pid("first"), signal.SIGTERM)


def test_an_interrupt_while_tasks_are_queued_leaves_none_queued(
    shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = submit_module._claim
    for name in "ABC":
        shell.task(name, "true")

    def interrupted(workspace: WorkspaceFolder, key: EngineKey, name: str, *more: str) -> str | None:
        problem = claim(workspace, key, name, *more)
        if name == "B":
            raise KeyboardInterrupt
        return problem

    monkeypatch.setattr(submit_module, "_claim", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shell.submit("A", "B", "C")
    assert [shell.status(name) for name in "ABC"] == ["pending"] * 3
    assert not shell.has_work()


def test_a_project_of_somebody_else_can_be_looked_at() -> None:
    with TemporaryDirectory() as folder:
        project = Project(Path(folder))
        claim_engine(project.root)
        project.engine.scheduler_lock.touch(0o600)
        Path(folder).chmod(0o755)
        root = os.geteuid() == 0  # who may look everywhere
        try:
            if root:
                os.seteuid(65534)
            else:
                project.engine.folder.chmod(0)
            assert not scheduler_alive(project.root)
        finally:
            if root:
                os.seteuid(0)
            else:
                project.engine.folder.chmod(0o700)


@pytest.mark.usefixtures("new_daemons")  # a fork may have imported the library before
def test_a_yaml_library_without_its_c_part(
    shell: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['yaml._yaml'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    shell.task("T", "true")
    shell.submit("T")
    assert shell.wait("T") == ["completed"]


@pytest.mark.usefixtures("new_daemons")  # the system shows the environment that a process started with
def test_a_scheduler_finds_the_package_and_no_modules_inside_it(shell: Project) -> None:
    shell.task("T", "while [ ! -e go ]; do sleep 0.1; done")
    shell.submit("T")
    searched = psutil.Process(shell.scheduler_pid()).environ()["PYTHONPATH"].split(os.pathsep)
    assert searched[-1] == str(ROOT)
    assert str(ROOT / "pyruns_jupyter") not in searched


def test_a_claim_for_which_the_disk_has_no_room_leaves_nothing(shell: Project) -> None:
    claim_engine(shell.root)
    shell.task("A", "true")
    program = """
import os, resource, sys
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
before = len(os.listdir("/dev/fd"))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
try:
    submit(WorkspaceFolder.at(Path(sys.argv[1])), ["A"])
except OSError as error:
    kept = error
print(len(os.listdir("/dev/fd")) - before, flush=True)
"""
    command = [sys.executable, "-c", program, str(shell.workspace.folder)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "0\n"
    assert list(shell.engine.batches.iterdir()) == []
    assert shell.status("A") == "pending"


def test_pipes_where_logs_should_be_keep_nobody_waiting(shell: Project) -> None:
    for name in ("queue", "error", "log", "owner", "good"):
        shell.task(name, "exit 3" if name == "error" else "true")
        shell.paths(name).run_logs.mkdir(exist_ok=True)
    os.mkfifo(shell.paths("queue").run_logs / "queue.log")
    os.mkfifo(shell.paths("error").run_logs / "error.log")
    os.mkfifo(shell.paths("log").log(1))
    os.mkfifo(shell.paths("owner").owner(1))
    names = ("queue", "error", "log", "owner", "good")
    shell.submit(*names)
    assert shell.wait(*names) == ["completed", "failed", "failed", "failed", "completed"]
    assert (
        "run1.log): path exists and is not a regular file"
        in shell.info("log")["pyruns_jupyter"]["messages"]["1"]
    )
    assert ".run1.owner" in shell.info("owner")["pyruns_jupyter"]["messages"]["1"]
    assert "Traceback" not in shell.scheduler_log()
