"""Projects that are moved or copied, also while tasks wait and run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.ownership import COPIED
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import own_facts
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.unstarted import QUEUED_ELSEWHERE
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.requeue import requeue
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.queue.launch import ensure_running, pause, scheduler_alive
from pyruns_jupyter.engine.queue.status import read_queue
from tests.engine.support import Project
from tests.support import wait_until

SCRIPT = """\
import argparse, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
print("running", __file__, os.getcwd(), args.lr, flush=True)
while os.path.exists("hold"):
    time.sleep(0.05)
"""

# A scheduler whose project is moved when it is about to start a task.
MOVING = """
import sys
from pathlib import Path
from pyruns_jupyter.engine.queue import entries
from pyruns_jupyter.engine.scheduler import loop, process
folder = Path(sys.argv[1]).parent
def read_state(entry, opened):
    if folder.exists() and not (folder / "_pyruns_" / ".engine" / "paused").exists():
        folder.rename(folder.with_name("second"))
    return entries.read_state(entry, opened)
loop.read_state = read_state
sys.exit(process.main([sys.argv[1]]))
"""


class Opened(Project):
    """A project that the product itself made."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.folder = workspace.project
        self.root = workspace.root
        self.script = self.folder / "job.py"
        self.workspace = workspace
        self.engine = EnginePaths(self.root)

    def at(self, folder: Path) -> Opened:
        """The same workspace in another folder."""
        return Opened(WorkspaceFolder.at(folder / "_pyruns_" / self.workspace.name))

    def hold(self) -> Path:
        """Keep tasks of the script running until this file goes."""
        path = self.folder / "hold"
        path.touch()
        return path


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[Opened]]:
    """Projects whose processes are stopped at the end."""
    projects: list[Opened] = []
    yield projects
    for folder in (tmp_path, *(project.folder for project in projects)):
        for project in projects:
            project.folder = folder
            project.stop_everything()


def script_project(folder: Path, opened: list[Opened]) -> Opened:
    folder.mkdir()
    (folder / "job.py").write_text(SCRIPT, encoding="utf-8")
    opened.append(Opened(open_workspace(folder / "job.py")[0]))
    return opened[-1]


def copy(source: Path, target: Path) -> None:
    """Copy a folder, without the files that exist only while something is written."""
    passing = shutil.ignore_patterns(".*.lock", ".*.tmp")
    shutil.copytree(source, target, symlinks=True, ignore=passing, copy_function=shutil.copy)


def test_a_moved_script_runs_at_its_new_place(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    create_tasks(project.workspace, "lr: 0.5\n", "one")
    project.submit("one")
    project.wait("one")
    project.wait_for_exit()
    before = project.paths("one").info.read_bytes()
    (tmp_path / "first").rename(tmp_path / "second")
    moved = project.at(tmp_path / "second")
    opened.append(moved)
    assert moved.workspace.script == tmp_path / "second" / "job.py"
    assert moved.workspace.problem() is None
    TaskIndex(moved.workspace).refresh()
    assert moved.paths("one").info.read_bytes() == before
    moved.submit("one")
    assert moved.wait("one") == ["completed"]
    assert str(tmp_path / "second").encode() in moved.output("one", 2)
    assert str(tmp_path / "first").encode() not in moved.output("one", 2)


def test_a_copy_runs_its_own_script(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    create_tasks(project.workspace, "lr: 0.5\n", "one")
    copy(tmp_path / "first", tmp_path / "second")
    copied = project.at(tmp_path / "second")
    opened.append(copied)
    assert copied.workspace.script == copied.script
    assert project.workspace.script == project.script
    copied.submit("one")
    assert copied.wait("one") == ["completed"]
    assert f"running {copied.script} {copied.folder} 0.5".encode() in copied.output("one")
    assert project.status("one") == "pending"


def test_the_same_script_by_another_way_keeps_its_name(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    (tmp_path / "link").symlink_to(tmp_path / "first")
    assert project.at(tmp_path / "link").workspace.script == project.script


@pytest.mark.parametrize("original", ["moved", "copied", "gone"])
def test_the_working_folder_of_a_shell_task_moves_along(
    tmp_path: Path, opened: list[Opened], original: str
) -> None:
    (tmp_path / "first" / "below").mkdir(parents=True)
    workspace = open_workspace(tmp_path / "first")[0]
    create_tasks(workspace, "pwd\n", "here")
    create_tasks(workspace, "pwd\n", "below")
    create_tasks(workspace, "pwd\n", "outside")
    for name, folder in (("below", tmp_path / "first" / "below"), ("outside", tmp_path)):
        path = workspace.paths(name).info
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "workdir": str(folder)}))
    project = Opened(workspace)
    if original == "moved":
        (tmp_path / "first").rename(tmp_path / "second")
    else:
        copy(tmp_path / "first", tmp_path / "second")
        if original == "gone":
            shutil.rmtree(tmp_path / "first")
    moved = project.at(tmp_path / "second")
    opened.append(moved)
    moved.submit("here", "below", "outside", jobs=3)
    assert set(moved.wait("here", "below", "outside")) == {"completed"}
    assert moved.output("here").strip() == str(moved.folder).encode()
    assert moved.output("below").strip() == str(moved.folder / "below").encode()
    assert moved.output("outside").strip() == str(tmp_path).encode()
    create_tasks(moved.workspace, "pwd\n", "later")
    (tmp_path / "second").rename(tmp_path / "third")
    again = moved.at(tmp_path / "third")
    opened.append(again)
    again.submit("later")
    assert again.wait("later") == ["completed"]
    assert again.output("later").strip() == str(again.folder).encode()


def test_a_copy_made_while_tasks_run_and_wait(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    names = create_tasks(project.workspace, "lr: 1 | 2 | 3\n", "t")
    hold = project.hold()
    project.submit(*names)
    project.wait_for_output(names[0], b"running")
    copy(tmp_path / "first", tmp_path / "second")
    copied = project.at(tmp_path / "second")
    opened.append(copied)
    (copied.folder / "hold").unlink()
    index = TaskIndex(copied.workspace)
    index.refresh()
    assert index.rows[names[0]].message == COPIED
    assert {index.rows[name].message for name in names[1:]} == {QUEUED_ELSEWHERE}
    pid = project.pid(names[0])
    assert not ensure_running(copied.root) and not scheduler_alive(copied.root)
    assert [copied.status(name) for name in names] == ["running", "queued", "queued"]
    assert [batch.foreign for batch in read_queue(copied.root).batches] == [True]
    assert requeue(copied.root).queued == [f"job/{name}" for name in names[1:]]
    assert copied.wait(*names) == ["failed", "completed", "completed"]
    assert own_facts(copied.info(names[0]))["messages"] == {"1": COPIED}
    copied.wait_for_exit()
    assert os.listdir(copied.engine.batches) == []
    # The original knows nothing of it.
    assert process_alive(pid, None)
    assert project.status(names[0]) == "running"
    assert [project.status(name) for name in names[1:]] == ["queued", "queued"]
    hold.unlink()
    assert project.wait(*names) == ["completed"] * 3
    copied.submit(*names, jobs=3)
    assert copied.wait(*names) == ["completed"] * 3
    assert len(copied.info(names[0])["run_statuses"]) == 2
    assert len(copied.info(names[1])["run_statuses"]) == 2
    assert [len(project.info(name)["run_statuses"]) for name in names] == [1, 1, 1]


def test_stopping_a_copied_task_leaves_the_original_alone(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    create_tasks(project.workspace, "lr: 1\n", "one")
    hold = project.hold()
    project.submit("one")
    project.wait_for_output("one", b"running")
    copy(project.paths("one").folder, project.workspace.tasks / "two")
    pid = project.pid("one")
    assert cancel(project.workspace, "two") == "failed"
    assert own_facts(project.info("two"))["messages"] == {"1": COPIED}
    assert process_alive(pid, None)
    assert project.status("one") == "running"
    hold.unlink()
    project.submit("two")
    assert project.wait("one", "two") == ["completed", "completed"]


def test_a_project_moved_while_its_scheduler_works(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    names = create_tasks(project.workspace, "lr: 1 | 2 | 3\n", "t")
    hold = project.hold()
    project.submit(*names)
    project.wait_for_output(names[0], b"running")
    (tmp_path / "first").rename(tmp_path / "second")
    moved = project.at(tmp_path / "second")
    opened.append(moved)
    assert moved.status(names[0]) == "running"
    index = TaskIndex(moved.workspace)
    index.refresh()
    assert index.rows[names[0]].message is None
    (moved.folder / hold.name).unlink()
    # Nobody looks at it: the scheduler itself follows.
    assert moved.wait(*names) == ["completed"] * 3
    assert not (tmp_path / "first").exists()
    for name in names:
        assert len(moved.info(name)["run_statuses"]) == 1
        assert not list(moved.paths(name).folder.glob(".pyruns-input-*"))
    wait_until(lambda: not list(moved.workspace.tasks.glob("*/run_logs/.run*.owner")))
    assert str(moved.script).encode() in moved.output(names[2])


def test_a_project_moved_in_the_moment_of_a_start_keeps_its_queue(
    tmp_path: Path, opened: list[Opened]
) -> None:
    project = script_project(tmp_path / "first", opened)
    create_tasks(project.workspace, "lr: 1\n", "one")
    pause(project.root)
    with project.scheduler(MOVING):
        project.submit("one")
        wait_until(
            lambda: [batch.why for batch in read_queue(project.root).batches] == ["The queue is paused."]
        )
        project.engine.paused.unlink()
        wait_until((tmp_path / "second").exists)
    moved = project.at(tmp_path / "second")
    opened.append(moved)
    assert moved.wait("one") == ["completed"]


def test_a_moved_project_is_stopped_at_its_new_place(tmp_path: Path, opened: list[Opened]) -> None:
    project = script_project(tmp_path / "first", opened)
    create_tasks(project.workspace, "lr: 1\n", "one")
    project.hold()
    project.submit("one")
    project.wait_for_output("one", b"running")
    (tmp_path / "first").rename(tmp_path / "second")
    copy(tmp_path / "second", tmp_path / "first")  # something like the original is there again
    moved, again = project.at(tmp_path / "second"), project
    opened.append(moved)
    pid = moved.pid("one")
    assert cancel(again.workspace, "one") in ("running", "failed")
    wait_until(lambda: again.status("one") == "failed", message=again.scheduler_log)
    assert process_alive(pid, None)
    assert moved.status("one") == "running"
    cancel(moved.workspace, "one")
    assert moved.wait("one") == ["cancelled"]
    wait_until(lambda: not process_alive(pid, None))
