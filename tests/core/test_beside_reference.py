"""Side by side with the program `pyruns`: each lists, moves and brings back what the other made."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core import tasks
from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.index import TaskIndex
from pyruns_jupyter.core.taskfile import read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder, open_workspace

from .making import SCRIPT, script_workspace, shell_workspace, snapshot

pytestmark = pytest.mark.reference


class Pyr:
    """The program, with a HOME of its own."""

    def __init__(self, program: Path, home: Path, project: Path) -> None:
        self._program, self._project = program, project
        self._environment = {**os.environ, "HOME": str(home)}
        home.mkdir(exist_ok=True)

    def __call__(self, *arguments: str, workspace: str = "train") -> str:
        """Run it and return what it prints; a failure is an error of the test."""
        done = self.run(*arguments, workspace=workspace)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str, workspace: str = "train") -> subprocess.CompletedProcess[str]:
        """Run it and return how that went."""
        return subprocess.run(
            [str(self._program), *(["-w", workspace] if workspace else []), *arguments],
            cwd=self._project,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def listed(self, workspace: str = "train") -> dict[str, dict[str, Any]]:
        """Return what it lists, by name."""
        items = json.loads(self("ls", "--json", workspace=workspace))["tasks"]
        return {item["name"]: item for item in items}


@pytest.fixture
def pyr(reference_pyr: Path, tmp_path: Path) -> Pyr:
    return Pyr(reference_pyr, tmp_path / "home", tmp_path / "project")


def test_it_lists_shows_and_runs_what_we_made(pyr: Pyr, tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "project")
    names = create_tasks(workspace, "lr: 0.1 | 1e-3  # rate\nseed: 3\n", "ab")
    listed = pyr.listed()
    assert sorted(listed) == sorted(names)
    assert {item["load_error"] for item in listed.values()} <= {None, ""}
    assert "1e-3" in pyr("show", names[1]) or "0.001" in pyr("show", names[1])
    pyr("run", names[1])
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows[names[1]]
    assert (row.status, row.exit_code, row.runs, row.swept) == ("completed", 0, 1, {"lr": 0.001})
    log = (workspace.paths(names[1]).log(1)).read_text()
    assert "lr=0.001" in log
    assert "seed=3" in log


def test_it_runs_a_shell_task_that_we_made(pyr: Pyr, tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path / "project")
    create_tasks(workspace, "echo from $PWD\nexit 3\n", "job")
    assert pyr.run("run", "job", workspace="_shell_").returncode != 0
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows["job"]
    assert (row.status, row.exit_code, row.kind, row.message) == ("failed", 3, "shell", "Exit code 3")
    assert f"from {tmp_path / 'project'}" in workspace.paths("job").log(1).read_text()


def test_we_show_what_it_made_and_change_nothing_by_looking(pyr: Pyr, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT)
    (project / "f.yaml").write_text("lr: 0.1 | 0.2\n")
    pyr("init", "train.py", workspace="")
    workspace, created = open_workspace(project / "train.py")
    assert not created
    assert workspace.script == project / "train.py"
    pyr("add", "f.yaml", "-n", "N")
    before = snapshot(project)
    index = TaskIndex(workspace)
    index.refresh()
    assert sorted(index.rows) == ["N_1-of-2", "N_2-of-2"]
    assert all(row.status == "pending" and row.message is None for row in index.rows.values())
    assert snapshot(project) == before
    assert WorkspaceFolder.at(workspace.folder).problem() is None


def test_both_move_each_others_tasks(pyr: Pyr, tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "project")
    (tmp_path / "project" / "f.yaml").write_text("lr: 0.5\n")
    create_tasks(workspace, "lr: 0.5\n", "ours")
    pyr("add", "f.yaml", "-n", "theirs")
    pyr("mv", "ours", "ours2")
    tasks.rename(workspace, "theirs", "theirs2")
    assert sorted(pyr.listed()) == sorted(workspace.task_names()) == ["ours2", "theirs2"]
    pyr("rm", "ours2")
    tasks.trash(workspace, "theirs2")
    assert tasks.trash_names(workspace) == ["ours2", "theirs2"]
    assert pyr.listed() == {}
    assert tasks.restore(workspace, "ours2") == "ours2"
    pyr("restore", "theirs2")
    tasks.set_notes(workspace, "theirs2", "kept")
    pyr("pin", "theirs2")
    info = read_task(workspace.paths("theirs2").folder)
    assert (info["notes"], info["pinned"], info["name"]) == ("kept", True, "theirs2")
    assert read_task(workspace.paths("ours2").folder)["pyruns_jupyter"]["batch_name"] == "ours"


def test_a_script_of_ours_under_its_runner(pyr: Pyr, tmp_path: Path) -> None:
    # It runs argparse scripts and those that load() from its own package; the rest of our calls work in both.
    source = (
        f"import argparse, sys\nsys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        f"sys.path += {[path for path in __import__('sys').path if path.endswith('site-packages')]!r}\n"
        "import pyruns_jupyter as pyruns\n"
        "parser = argparse.ArgumentParser()\nparser.add_argument('--size', type=int, default=1)\n"
        "assert parser.parse_args().size == pyruns.load().size == 7\n"
        "pyruns.track(loss=7)\npyruns.track(loss=0.25)\npyruns.record(acc=0.9)\n"
        "print(pyruns.artifact_dir())\n"
    )
    workspace = script_workspace(tmp_path / "project", "train.py", source)
    create_tasks(workspace, "size: 7\n", "one")
    done = pyr.run("run", "one")
    paths = workspace.paths("one")
    assert done.returncode == 0, paths.log(1).read_text()
    info = read_task(paths.folder)
    assert info["tracks"] == [{"loss": [7, 0.25]}]
    assert info["records"] == [{"acc": 0.9}]
    assert paths.artifact_dir(1).is_dir()
