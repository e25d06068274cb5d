"""What a script may name or be a link to: the project and its repository, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.create.preview import script_parameters
from pyruns_jupyter.core.fs.boundary import belongs_to, project_boundary
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters
from pyruns_jupyter.core.taskfile.paths import SCRIPT_INFO
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import SCRIPT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")

HYDRA = """\
import hydra

@hydra.main(config_path="../conf", config_name="config")
def main(cfg):
    pass

main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a sibling `conf` and a sibling `shared`, above which nothing is marked."""
    for name in ("conf", "shared", "project"):
        (tmp_path / "all" / name).mkdir(parents=True)
    (tmp_path / "all" / "conf" / "config.yaml").write_text("depth: 3\n")
    (tmp_path / "all" / "shared" / "train.py").write_text(SCRIPT)
    return tmp_path / "all" / "project"


def _names(script: ScriptParameters) -> list[str]:
    return [one.name for one in script.parameters]


@pytest.mark.parametrize("mark", ["", ".git", "pyproject.toml", "requirements.txt"])
def test_configurations_beside_the_script_are_of_its_repository(project: Path, mark: str) -> None:
    (project / "train.py").write_text(HYDRA)
    if mark:
        (project.parent / mark).touch()
    found = read_parameters(HYDRA, filename="train.py", path=project / "train.py")
    assert ("depth" in _names(found)) == bool(mark)
    if not mark:
        assert "outside the project" in found.problems[0].message
    narrow = read_parameters(HYDRA, filename="train.py", path=project / "train.py", within=project)
    assert "depth" not in _names(narrow)  # of a server that shows the project only


@pytest.mark.parametrize("mark", ["", ".git"])
def test_a_script_that_is_a_link(project: Path, mark: str) -> None:
    (project / "train.py").symlink_to("../shared/train.py")
    if not mark:
        with pytest.raises(InvalidInput, match="outside the project"):
            open_workspace(project / "train.py")
        assert not (project / "_pyruns_").exists()
        return
    (project.parent / mark).touch()
    workspace = open_workspace(project / "train.py")[0]
    assert workspace.script == project / "train.py"
    assert "lr" in _names(script_parameters(workspace))
    (project.parent / mark).unlink()
    assert WorkspaceFolder(workspace.folder).script is None
    assert "outside the project" in (workspace.problem() or "")


def test_a_stored_path_that_leads_elsewhere(project: Path) -> None:
    (project / "train.py").write_text(SCRIPT)
    workspace = open_workspace(project / "train.py")[0]
    (project / "train.py").unlink()
    path = workspace.folder / SCRIPT_INFO
    elsewhere = str(project.parent / "shared" / "train.py")
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "script_path": elsewhere}))
    assert WorkspaceFolder(workspace.folder).script is None
    assert elsewhere in (workspace.problem() or "")
    (project.parent / ".git").touch()
    assert workspace.script == Path(elsewhere)
    assert WorkspaceFolder(workspace.folder, within=project).script is None


def test_the_nearest_repository_counts_and_never_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, inner = tmp_path / "home", tmp_path / "home" / "clone" / "project"
    inner.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (home / ".git").mkdir()
    (home / "pyproject.toml").touch()
    assert project_boundary(inner) == inner
    assert project_boundary(home) == home
    (home / "clone" / ".git").touch()
    (inner / "requirements.txt").touch()
    assert project_boundary(inner) == home / "clone"
    assert belongs_to(home / "clone" / "x", inner)
    assert not belongs_to(home / "x", inner)
    assert not belongs_to(home / "clone" / ".." / "x", inner)
    assert not belongs_to(home / "clone" / "x", inner, within=inner)
    assert not belongs_to("x\0", inner)
