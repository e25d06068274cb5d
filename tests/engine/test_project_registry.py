"""Which projects something runs in is known on the whole host, and never out of date."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.host_identity import make_runtime_folder
from pyruns_jupyter.core.fs import locks
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.engine.queue import project_registry
from tests.core.damage import as_nobody, open_up
from tests.engine.conftest import MakeProject
from tests.support import wait_until


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYRUNS_RUNTIME_DIR", str(tmp_path / "runtime"))
    return tmp_path / "runtime"


def test_projects_are_known_while_something_runs_in_them(make_project: MakeProject, folder: Path) -> None:
    assert project_registry.living_projects() == []
    one, two = make_project(name="one"), make_project(name="two")
    for project in (one, two):
        project.task("T", "while [ ! -e go ]; do sleep 0.1; done")
        project.submit("T")
    wait_until(lambda: project_registry.living_projects() == [one.root, two.root])
    two.kill_scheduler()
    wait_until(lambda: project_registry.living_projects() == [one.root])
    assert len(os.listdir(folder)) == 1  # what a killed one left is gone
    (one.folder / "go").touch()
    one.wait("T")
    one.wait_for_exit()
    wait_until(lambda: project_registry.living_projects() == [])


def test_the_default_folder_is_the_same_in_every_session(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service of a hub has other temporary folders than a login, and no `XDG_RUNTIME_DIR`."""
    monkeypatch.delenv("PYRUNS_RUNTIME_DIR")
    monkeypatch.delenv("PYRUNS_GPU_LEDGER", raising=False)
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    found = set()
    for session in ("login", "service"):
        (tmp_path / session).mkdir()
        environment = {**os.environ, "TMPDIR": str(tmp_path / session)}
        environment["XDG_RUNTIME_DIR"] = str(tmp_path / session)
        code = "from pyruns_jupyter.engine.gpus.reservations import GPUS; print(GPUS.default_folder())"
        found.add(subprocess.check_output([sys.executable, "-c", code], env=environment, text=True))
        if session == "login":
            with monkeypatch.context() as patch:
                patch.setenv("TMPDIR", environment["TMPDIR"])
                patch.setattr(tempfile, "tempdir", None)
                project = make_project()
                project.task("T", "while [ ! -e go ]; do sleep 0.1; done")
                project.submit("T")
                project.wait_for_output("T", b"START")
    assert len(found) == 1
    wait_until(lambda: project_registry.living_projects() == [project.root])
    (project.folder / "go").touch()
    assert project.wait("T") == ["completed"]


def test_what_a_boot_left_long_ago_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYRUNS_RUNTIME_DIR")
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    old, recent = tmp_path / "state" / "run" / "old", tmp_path / "state" / "run" / "recent"
    for folder in (old, recent):
        (folder / "gpus").mkdir(parents=True)
    long_ago = time.time() - 100 * 86400
    os.utime(old, (long_ago, long_ago))
    made = make_runtime_folder()
    assert sorted(made.parent.iterdir()) == sorted([made, recent])
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_not_ours_stops_nothing(make_project: MakeProject, folder: Path) -> None:
    folder.write_text("in the way")
    project = make_project()
    project.task("T", "true")
    project.submit("T")
    assert project.wait("T") == ["completed"]
    assert project_registry.living_projects() == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="takes two users")
def test_what_another_user_put_there_says_nothing(folder: Path, tmp_path: Path) -> None:
    """A neighbour could keep a server from ever counting as idle, or its thread waiting at a FIFO."""
    folder.mkdir()
    theirs = FileLock(folder / "theirs.project")
    assert theirs.try_acquire()
    theirs.write(b"/somewhere/_pyruns_")
    os.mkfifo(folder / "fifo.project")
    assert [str(path) for path in project_registry.living_projects()] == [
        "/somewhere/_pyruns_"
    ]  # as long as it is ours
    open_up(tmp_path)
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.chmod(0o666)

    def look() -> list[str]:
        return [str(path) for path in project_registry.living_projects()]

    assert as_nobody(look) == []
    os.chown(folder, 65534, 65534)
    assert as_nobody(look) == []  # a file of another user in a folder of ours
    assert sorted(os.listdir(folder)) == ["fifo.project", "theirs.project"]
    theirs.release()


def test_a_folder_that_is_a_link_is_not_read(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lock = FileLock(elsewhere / "one.project")
    assert lock.try_acquire()
    lock.write(b"/somewhere/_pyruns_")
    folder.symlink_to(elsewhere)
    assert project_registry.living_projects() == []
    lock.release()


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_project_is_registered_although_its_file_is_being_checked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_removed: bool
) -> None:
    """A server may look at that moment which projects live, and remove what others left."""
    root, try_lock = tmp_path / "_pyruns_", locks.try_lock
    first = project_registry.announce(root)
    assert first is not None
    first.release()
    [path] = folder.iterdir()
    checked = FileLock(path)
    if not is_removed:
        checked.acquire(timeout=5, shared=True)
    monkeypatch.setattr(time, "sleep", lambda _: checked.release())

    def remove_once(descriptor: int, shared: bool) -> bool:
        monkeypatch.setattr(locks, "try_lock", try_lock)
        path.unlink()
        return try_lock(descriptor, shared)

    if is_removed:
        monkeypatch.setattr(locks, "try_lock", remove_once)
    lock = project_registry.announce(root)
    assert lock is not None
    assert project_registry.living_projects() == [root]
    lock.release()
    assert project_registry.living_projects() == []
