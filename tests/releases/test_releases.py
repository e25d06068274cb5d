"""What one release left, all later ones open: shown as that release told it, and run."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict, PyrunsError
from pyruns_jupyter.core.taskfile.format_version import VERSION
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive, start_scheduler
from tests.core.making import shell_workspace, snapshot
from tests.engine.support import stop_everything
from tests.support import wait_until

from .make import told

ARCHIVES = sorted(Path(__file__).parent.glob("*.tar.gz"))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder with a project of an earlier release, and what that release said of it."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="tar")
    yield tmp_path
    stop_everything(tmp_path)


def test_every_release_left_a_folder() -> None:
    assert [path.name for path in ARCHIVES] == ["0.1.0.tar.gz"]


def test_it_is_shown_as_that_release_told_it(left: Path) -> None:
    before = snapshot(left / "project")
    said: dict[str, Any] = json.loads((left / "told.json").read_text())
    assert told(left / "project") == said
    assert snapshot(left / "project") == before
    # The folder holds something of each kind, so that this says something.
    statuses = [task["status"] for task in said["train"]["tasks"].values()]
    assert {"completed", "failed", "pending", "queued"} == set(statuses)
    assert said["train"]["trash"] == ["removed"]
    assert "from a shell" in json.dumps(said["_shell_"]["tasks"]["greeting"])
    assert len(said["train"]["studies"]["search"]["trials"]) == 4


def test_what_waited_in_it_runs(left: Path) -> None:
    workspace = Workspace.open(left / "project" / "train.py")
    workspace.queue.resume()
    workspace.restore("removed")
    # It was queued by an earlier release, in another folder: it is shown, and starts when the user says so.
    assert [batch.foreign for batch in workspace.queue.batches] == [True]
    assert not workspace.attend()
    with pytest.raises(Conflict, match="will not start"):
        workspace.wait(timeout=120)
    assert workspace.queue.requeue() == ["train/waiting_1_lr=0.2", "train/waiting_2_lr=0.4"]
    workspace.wait(timeout=120)
    wait_until(lambda: workspace.queue.batches == (), message="the batch is done")
    pending = workspace.tasks("status:pending")
    assert set(pending.names) == {"pending", "removed"}
    workspace.run(pending).wait(timeout=120)
    assert {task.status for task in pending} == {"completed"}
    again = workspace.tasks("is:pinned")[0]
    again.run().wait()
    assert [run.status for run in again.runs] == ["completed"] * 3
    assert again.records(1) == again.records(3)


@pytest.mark.parametrize("text", [f"{VERSION + 1}\n", "later"])
def test_of_a_later_format_nothing_is_changed(tmp_path: Path, text: str) -> None:
    folder = shell_workspace(tmp_path)
    workspace = Workspace.open(tmp_path)
    workspace.create("echo hello\n", "one")
    workspace.queue.pause()
    workspace.run("one")
    workspace.create("echo hello\n", "two")[0].delete()
    paths = EnginePaths(folder.root)
    stop_everything(tmp_path)  # or it would run
    paths.paused.unlink()
    (folder.root / ".engine" / "format").write_text(text)
    before = snapshot(tmp_path)

    problem = folder.problem()
    assert problem is not None and "newer version" in problem
    writing: dict[str, Callable[[], object]] = {
        "create": lambda: workspace.create("echo more\n", "three"),
        "queue": lambda: workspace.run("one"),
        "stop": lambda: workspace["one"].stop(),
        "rename": lambda: workspace["one"].rename("other"),
        "environment": lambda: workspace["one"].set_env(A="1"),
        "notes": lambda: setattr(workspace["one"], "notes", "text"),
        "delete": lambda: workspace["one"].delete(),
        "restore": lambda: workspace.restore("two"),
        "scheduler": lambda: start_scheduler(paths),
    }
    for name, write in writing.items():
        with pytest.raises(PyrunsError, match="newer version"):
            write()
        assert snapshot(tmp_path) == before, name
    assert "newer version" in workspace.purge().refused["two"]
    assert not ensure_running(folder.root) and not scheduler_alive(folder.root)
    assert workspace["one"].status == "queued" and workspace["one"].config_text == "echo hello\n"
    assert snapshot(tmp_path) == before


def test_our_own_format_is_written_to(tmp_path: Path) -> None:
    folder = shell_workspace(tmp_path)
    (folder.root / ".engine").mkdir(mode=0o700)
    (folder.root / ".engine" / "format").write_text(f"{VERSION}\n")
    workspace = Workspace.open(tmp_path)
    workspace.run(workspace.create("echo hello\n", "one"))
    assert [task.status for task in workspace.wait(timeout=120)] == ["completed"]
    stop_everything(tmp_path)
    with pytest.raises(Conflict):
        workspace.create("echo hello\n", "one")
