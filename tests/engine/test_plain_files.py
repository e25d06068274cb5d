"""A project folder holds regular files and folders only, so every tool copies it while its tasks run."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from pyruns_jupyter.studies.launch import ensure_running
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject
    from tests.engine.support import Project

SCRIPT = """\
import argparse, os, pathlib, time
parser = argparse.ArgumentParser()
parser.add_argument("--gate")
options = parser.parse_args()
here = pathlib.Path(__file__).parent
(here / "written").mkdir()
(here / "written" / "result.txt").write_text((here / "data" / "x.npy").read_text())
print("runs", flush=True)
while not os.path.exists(options.gate):
    time.sleep(0.02)
"""


@contextmanager
def watched(folder: Path) -> Iterator[dict[str, str]]:
    """Look all the time at what lies in a folder; yield what was neither a regular file nor a folder."""
    found: dict[str, str] = {}
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            found.update(odd_entries(folder))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def odd_entries(folder: Path) -> dict[str, str]:
    found = {}
    for current, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(current, name)
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                found[path] = stat.filemode(mode)
    return found


@pytest.fixture
def running(make_project: MakeProject, tmp_path: Path) -> Project:
    """A project whose script task (from stored code) and shell task run until `tmp_path / "gate"` exists."""
    project = make_project(SCRIPT)
    (project.folder / "data").mkdir()
    (project.folder / "data" / "x.npy").write_text("numbers")
    project.settings("snapshot_code: true\nsystem_metrics: false\n")
    return project


def start(project: Project, gate: Path) -> WorkspaceFolder:
    project.task("script", f"gate: {gate}\n")
    shell, _ = open_workspace(project.folder)
    (shell.tasks / "shell").mkdir(parents=True)
    (shell.tasks / "shell" / "config.sh").write_text(
        f"echo runs; until test -e {gate}; do sleep 0.05; done\n"
    )
    info = {"name": "shell", "status": "pending", "progress": 0.0, "task_kind": "shell", "env": {}}
    info |= {"config_file": "config.sh", "workdir": str(project.folder)}
    (shell.tasks / "shell" / "task_info.json").write_text(json.dumps(info))
    project.submit("script")
    submit(shell, ["shell"])
    project.wait_for_output("script", b"runs")
    wait_until(lambda: status(shell, "shell") == "running" and has_process(shell, "shell"))
    wait_until(lambda: has_process(project.workspace, "script"), message="its process is written down")
    for name in ("environments/interpreters.json", "gpus.json"):
        wait_until((project.engine.folder / name).exists, message=name)
    return shell


def info_of(workspace: WorkspaceFolder, name: str) -> dict[str, object]:
    return dict(json.loads(workspace.paths(name).info.read_bytes()))


def status(workspace: WorkspaceFolder, name: str) -> object:
    return info_of(workspace, name)["status"]


def has_process(workspace: WorkspaceFolder, name: str) -> bool:
    """Whether the last write of a run's beginning is done; the next one is its heartbeat, seconds later."""
    pids = info_of(workspace, name).get("pids")
    return isinstance(pids, list) and any(pids)


def test_only_files_and_folders_while_tasks_run(running: Project, tmp_path: Path) -> None:
    with watched(running.folder) as found:
        shell = start(running, tmp_path / "gate")
        (tmp_path / "gate").touch()
        assert running.wait("script") == ["completed"]
        wait_until(lambda: status(shell, "shell") == "completed")
        running.wait_for_exit()
    assert found == {}
    assert (running.folder / "written" / "result.txt").exists(), "results are moved"
    assert odd_entries(running.folder) == {}


def by_copytree(source: Path, target: Path) -> None:
    shutil.copytree(source, target)


def by_cp(source: Path, target: Path) -> None:
    run("cp", "-r", str(source), str(target))


def by_rsync(source: Path, target: Path) -> None:
    run("rsync", "-a", f"{source}/", str(target))


def by_tar(source: Path, target: Path) -> None:
    target.mkdir()
    run("tar", "-cf", f"{target}.tar", "-C", str(source), ".")
    run("tar", "-xf", f"{target}.tar", "-C", str(target))


def by_zip(source: Path, target: Path) -> None:
    run("zip", "-q", "-r", f"{target}.zip", ".", cwd=source)
    with zipfile.ZipFile(f"{target}.zip") as archive:
        archive.extractall(target)


def by_zipfile(source: Path, target: Path) -> None:
    shutil.make_archive(str(target), "zip", source)
    with zipfile.ZipFile(f"{target}.zip") as archive:
        archive.extractall(target)


def by_git(source: Path, target: Path) -> None:
    """All of it, as a project is versioned whose `.gitignore` was taken away."""
    (source / "_pyruns_" / ".gitignore").unlink()
    run("git", "init", "-q", cwd=source)
    run("git", "add", "-A", cwd=source)
    run("git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "all", cwd=source)
    run("git", "clone", "-q", str(source), str(target), cwd=source)


def run(*words: str, cwd: Path | None = None) -> None:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("tool", "copy"),
    [
        ("python", by_copytree),
        ("cp", by_cp),
        ("rsync", by_rsync),
        ("tar", by_tar),
        ("zip", by_zip),
        ("python", by_zipfile),
        ("git", by_git),
    ],
)
def test_a_project_is_copied_while_its_tasks_run(
    running: Project, tmp_path: Path, tool: str, copy: Callable[[Path, Path], None]
) -> None:
    if tool != "python" and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    shell = start(running, tmp_path / "gate")
    with ExitStack() as held:  # no heartbeat makes a temporary file, which may vanish before it is copied
        for folder in (running.paths("script").folder, shell.paths("shell").folder):
            held.enter_context(locked(folder / ".task_info.json.lock.guard", timeout=60))
        copy(running.folder, tmp_path / "copy")
    assert (status(running.workspace, "script"), status(shell, "shell")) == ("running", "running")
    root = tmp_path / "copy" / "_pyruns_"
    ensure_running(root)
    for name, task in (("job", "script"), ("_shell_", "shell")):
        index = TaskIndex(WorkspaceFolder.at(root / name))
        index.refresh()
        assert list(index.rows) == [task]
        assert index.rows[task].readable
    assert not scheduler_alive(root)
    (tmp_path / "gate").touch()
    assert running.wait("script") == ["completed"]
    wait_until(lambda: status(shell, "shell") == "completed")
    assert not scheduler_alive(root)
