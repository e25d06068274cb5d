"""Something else than a file where one should be, besides the task file: it is said, and nobody waits."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import main
from pyruns_jupyter.core.common.errors import Conflict, NotFound, Unreadable
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.logs.reader import LogFollower, log_size, read_range
from pyruns_jupyter.core.tasks.name_guard import reservation_name
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.service.logs import LogRangeRequest, read_log
from tests.core.damage import as_nobody, open_up, state_of
from tests.core.making import script_workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and links of POSIX")


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)


INSTEAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "is a FIFO"),
    "folder": (Path.mkdir, "is a folder"),
    "link": (lambda path: path.symlink_to("nowhere"), "symbolic link"),
    "huge": (_huge, "larger than"),
    "binary": (lambda path: path.write_bytes(b"lr: \xff"), "is not UTF-8"),
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceFolder:
    """A workspace with one task `t`, and its project as the current folder."""
    made = script_workspace(tmp_path)
    create_tasks(made, "lr: 1", "t")
    monkeypatch.chdir(tmp_path)
    return made


@pytest.mark.parametrize("kind", INSTEAD)
def test_a_configuration_that_is_none(
    workspace: WorkspaceFolder, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, word = INSTEAD[kind]
    path = workspace.paths("t").folder / "config.yaml"
    path.unlink()
    make(path)
    before = state_of(workspace.root)
    assert main(["show", "t"]) == 0
    assert word in capsys.readouterr().out
    assert main(["show", "t", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["config"] is None
    assert word in told["config_problem"]
    with pytest.raises(Unreadable, match=word):
        _ = Workspace(workspace)["t"].config
    assert state_of(workspace.root) == before


@pytest.mark.parametrize("target", ["log", "folder"])
def test_a_log_behind_a_link_is_not_read(workspace: WorkspaceFolder, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "run1.log").write_text("secret")
    path = workspace.paths("t").log(1)
    if target == "log":
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(outside / "run1.log")
    else:
        shutil.rmtree(path.parent)
        path.parent.symlink_to(outside)
    with pytest.raises((Unreadable, NotFound)):
        read_range(path, 0, 10)
    assert LogFollower(path).read(10) == b""
    task = Workspace(workspace)["t"]
    reads: list[Callable[[], str]] = [task.log, lambda: task.log_tail(10)]
    for read in reads:
        with contextlib.suppress(Unreadable, NotFound):
            assert "secret" not in read()
    with pytest.raises(NotFound):
        read_log(workspace, LogRangeRequest(task="t"))


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_a_log_that_is_none(
    workspace: WorkspaceFolder, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, word = INSTEAD[kind]
    path = workspace.paths("t").log(1)
    path.parent.mkdir(exist_ok=True)
    make(path)
    assert main(["log", "t"]) == 1
    assert word in capsys.readouterr().err
    assert log_size(path) is None
    with pytest.raises(Unreadable, match=word):
        read_range(path, 0, 10)
    assert LogFollower(path).read(10) == b""
    with pytest.raises(NotFound):
        read_log(workspace, LogRangeRequest(task="t"))
    with pytest.raises(OSError, match=r"not a regular file|directory"):
        run_files.open_log(path)
    run_files.append(path, b"nobody reads this")
    assert Workspace(workspace)["t"].log() == ""


@pytest.mark.parametrize("kind", ["fifo", "file", "link"])
def test_tasks_that_are_no_folder(
    workspace: WorkspaceFolder, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(workspace.tasks)
    make, word = {**INSTEAD, "file": (Path.touch, "is a file")}[kind]
    make(workspace.tasks)
    assert main(["status"]) == 0
    assert word in capsys.readouterr().out
    assert main(["ls"]) == 0
    assert word in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_a_workspace_whose_description_is_none(
    workspace: WorkspaceFolder, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace.folder / "script_info.json"
    path.unlink()
    INSTEAD[kind][0](path)
    assert workspaces_in(workspace.root) == [workspace]
    assert main(["ls"]) == 0
    assert "t" in capsys.readouterr().out.split()
    assert main(["status"]) == 0
    assert "script_info.json is" in capsys.readouterr().out


def test_a_hint_that_cannot_be_read_is_none(
    workspace: WorkspaceFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(workspace.root / ".active_workspace")
    assert main(["status"]) == 0
    assert "1 pending" in capsys.readouterr().out


def test_a_reservation_that_is_no_file_holds_its_name(workspace: WorkspaceFolder) -> None:
    os.mkfifo(workspace.tasks / reservation_name("u"))
    with pytest.raises(Conflict):
        create_tasks(workspace, "lr: 1", "u")
    assert create_tasks(workspace, "lr: 1", "v") == ["v"]


def test_a_damaged_default_is_what_is_blamed(workspace: WorkspaceFolder) -> None:
    (workspace.folder / "config_default.yaml").write_text("lr: 1\nbroken: [\n")
    with pytest.raises(Unreadable, match=r"config_default\.yaml is not valid, line"):
        Workspace(workspace).sweep("lr: 1 | 2")


def test_a_project_that_may_not_be_looked_into(workspace: WorkspaceFolder) -> None:
    """What may not be seen is not said to be missing."""
    open_up(workspace.project)
    main(["ls"])  # what is imported late may lie where nobody may look

    def look() -> tuple[int, str]:
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            return main(["ls"]), errors.getvalue()

    for forbidden in (workspace.root, workspace.folder, workspace.tasks):
        forbidden.chmod(0)
        try:
            code, told = as_nobody(look)
        finally:
            forbidden.chmod(0o755)
        assert code == 1
        assert "Permission denied" in told
        assert str(forbidden) in told
