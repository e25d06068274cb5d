"""Which projects something runs in is known on the whole host, and never out of date."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.core.filelock import FileLock
from pyruns_jupyter.engine import living
from tests.core.damage import as_nobody, open_up
from tests.engine.conftest import MakeProject
from tests.support import wait_until


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(living.VARIABLE, str(tmp_path / "runtime"))
    return tmp_path / "runtime"


def test_projects_are_known_while_something_runs_in_them(make_project: MakeProject, folder: Path) -> None:
    assert living.living_projects() == []
    one, two = make_project(name="one"), make_project(name="two")
    for project in (one, two):
        project.task("T", "while [ ! -e go ]; do sleep 0.05; done")
        project.submit("T")
    wait_until(lambda: living.living_projects() == [one.root, two.root])
    two.kill_scheduler()
    assert living.living_projects() == [one.root]
    assert len(os.listdir(folder)) == 1  # what a killed one left is gone
    (one.folder / "go").touch()
    one.wait("T")
    one.wait_for_exit()
    wait_until(lambda: living.living_projects() == [])


def test_a_folder_that_is_not_ours_stops_nothing(make_project: MakeProject, folder: Path) -> None:
    folder.write_text("in the way")
    project = make_project()
    project.task("T", "true")
    project.submit("T")
    assert project.wait("T") == ["completed"]
    assert living.living_projects() == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="takes two users")
def test_what_another_user_put_there_says_nothing(folder: Path, tmp_path: Path) -> None:
    """A neighbour could keep a server from ever counting as idle, or its thread waiting at a FIFO."""
    folder.mkdir()
    theirs = FileLock(folder / "theirs.project")
    assert theirs.try_acquire()
    theirs.write(b"/somewhere/_pyruns_")
    os.mkfifo(folder / "fifo.project")
    assert [str(path) for path in living.living_projects()] == [
        "/somewhere/_pyruns_"
    ]  # as long as it is ours
    open_up(tmp_path)
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.chmod(0o666)

    def look() -> list[str]:
        return [str(path) for path in living.living_projects()]

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
    assert living.living_projects() == []
    lock.release()
