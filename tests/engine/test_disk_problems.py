"""Full and read-only disks, and disks that are not mounted: users are told which it is, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from pyruns_jupyter.cli import main
from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.doctor import examine
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.queue.launch import pause, resume
from pyruns_jupyter.engine.queue.status import read_queue
from tests.support import ROOT, wait_until

from .conftest import MakeProject
from .support import Project

HOLD = "echo up; while [ ! -e {go} ]; do sleep 0.1; done\n"


@pytest.fixture
def project(small_disk: Path, make_project: MakeProject) -> Project:
    return make_project(folder=small_disk)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let a file system be read-only, also if files are open for writing."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Let a file system be full."""
    filler = folder / "filler"
    with open(filler, "wb", 0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(65536))
    with open(filler, "ab", 0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(512))
    try:
        yield
    finally:
        filler.unlink()


def why(project: Project) -> str:
    return " ".join(batch.why for batch in read_queue(project.root).batches)


def run(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Queue a task on the command line; return what it prints when it fails."""
    monkeypatch.chdir(project.folder)
    assert main(["run", "T"]) != 0
    return capsys.readouterr().err


def test_a_read_only_disk(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.task("T", "true\n")
    with read_only(project.folder.parent):
        found = run(project, capsys, monkeypatch)
        (finding,) = [one.what for one in examine(project.root, gpus=False) if one.severity == "error"]
    for text in (found, finding):
        assert "The file system is read-only (" in text
        assert "Mount it with write access, or use a project on another disk." in text
    assert project.status("T") == "pending"


def test_a_full_disk(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.task("T", "true\n")
    with full(project.folder.parent):
        text = run(project, capsys, monkeypatch)
    assert "No space is left on the disk (" in text
    assert "Delete files that are no longer needed." in text
    assert project.status("T") == "pending"


def test_a_folder_of_another_user_is_not_said_to_be_full(project: Project) -> None:
    program = (
        "import sys; from pathlib import Path; from pyruns_jupyter.engine.client.doctor import examine; "
        "print(*[one.what for one in examine(Path(sys.argv[1]), gpus=False) if one.severity == 'error'])"
    )
    # The interpreter may lie where only root can read: reading is all that the user may do more.
    reads = "-all,+dac_read_search"
    become = ["setpriv", "--reuid=12001", "--regid=12001", "--clear-groups", f"--bounding-set={reads}"]
    become += [f"--inh-caps={reads}", f"--ambient-caps={reads}"]
    words = [*become, sys.executable, "-c", program, str(project.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with full(project.folder.parent):
        found = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
    assert found.strip() == f"{project.root} is not writable."


@pytest.mark.parametrize(
    ("problem", "text"),
    [(full, "No space is left on the disk"), (read_only, "The file system is read-only")],
)
def test_the_queue_shows_the_problem_which_its_scheduler_cannot_write(
    project: Project, problem: Callable[[Path], AbstractContextManager[None]], text: str
) -> None:
    go = project.folder.parent.parent / "go"
    for name in ("first", "second"):
        project.task(name, HOLD.format(go=go))
    project.submit("first", "second", jobs=1)
    project.wait_for_output("first", b"up")
    wait_until(lambda: "Concurrency limit reached" in why(project))
    with problem(project.folder.parent):
        assert text in why(project)
    assert "Concurrency limit reached" in why(project)
    go.touch()
    assert project.wait("first", "second") == ["completed", "completed"]


def test_a_task_that_cannot_start_on_a_full_disk_starts_later(shell: Project, small_disk: Path) -> None:
    """Only the tasks are on that disk, so the scheduler can write why."""
    tasks = str(shell.workspace.tasks)
    subprocess.run(["mount", "--bind", str(small_disk), tasks], check=True)
    try:
        pause(shell.root)
        shell.task("T", "true\n")
        shell.submit("T")
        wait_until(lambda: "paused" in why(shell))
        with full(small_disk):
            resume(shell.root)
            wait_until(lambda: "T after an error: No space is left on the disk (" in why(shell))
            assert shell.status("T") == "queued"
        assert shell.wait("T") == ["completed"]
    finally:
        subprocess.run(["umount", "-l", tasks], check=True)


def test_a_run_that_has_ended_is_stopped_while_the_disk_has_no_room_for_its_log(
    shell: Project, small_disk: Path
) -> None:
    """Only the logs are on that disk, so the request can be written."""
    # More than the rest of a page of the disk, and less than the 12,000 bytes that a terminal holds unread.
    shell.task("T", HOLD.format(go="go") + "head -c 8000 /dev/zero; touch end\n")
    logs = shell.paths("T").run_logs
    logs.mkdir()
    subprocess.run(["mount", "--bind", str(small_disk), str(logs)], check=True)
    try:
        shell.submit("T")
        shell.wait_for_output("T", b"up")
        pid = shell.pid("T")
        with full(small_disk):
            (shell.folder / "go").touch()
            wait_until(lambda: (shell.folder / "end").exists() and not process_alive(pid, None))
            cancel(shell.workspace, "T")
            assert shell.wait("T") == ["cancelled"]
    finally:
        subprocess.run(["umount", "-l", str(logs)], check=True)


def test_a_project_that_is_not_mounted(project: Project) -> None:
    project.task("T", "true\n")
    workspace, folder, disk = project.workspace, project.paths("T").folder, project.folder.parent
    with pytest.raises(NotFound, match="The task 'other' does not exist in"):
        workspace.existing("other")
    os.rename(project.folder, disk / "elsewhere")
    try:
        for look in (
            lambda: workspace.existing("T"),
            lambda: read_task(folder),
            lambda: WorkspaceFolder.at(workspace.folder),
        ):
            with pytest.raises(NotFound, match=r"_pyruns_ does not exist\. If its disk is not mounted"):
                look()
    finally:
        os.rename(disk / "elsewhere", project.folder)
