"""Which projects something runs in is known on the whole host, and never out of date."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyruns_jupyter.engine import living
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
