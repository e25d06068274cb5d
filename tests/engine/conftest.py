from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.support import Project

MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[MakeProject]:
    """Make projects whose processes are gone after the test."""
    made: list[Project] = []

    def make(script: str | None = None, name: str = "project", folder: Path = tmp_path) -> Project:
        folder = folder / name
        folder.mkdir()
        made.append(Project(folder, script))
        return made[-1]

    yield make
    for project in made:
        project.stop_everything()


@pytest.fixture
def shell(make_project: MakeProject) -> Project:
    """A project with the shell workspace."""
    return make_project()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only who may mount can make a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
