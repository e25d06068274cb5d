"""A task file is changed in the right task, whatever happens to names at that moment."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.locks import is_locked, locked
from pyruns_jupyter.core.taskfile.paths import TASK_INFO
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import shell_workspace
from tests.support import wait_until


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    workspace = shell_workspace(tmp_path)
    for name in ("one", "two"):
        create_tasks(workspace, f"echo {name}\n", name)
    return workspace


def leftovers(workspace: WorkspaceFolder) -> list[str]:
    return [path.name for path in workspace.tasks.glob("*/.*") if path.suffix in (".tmp", ".lock")]


def test_renamed_while_it_is_changed(workspace: WorkspaceFolder) -> None:
    one, two, moved = (workspace.tasks / name for name in ("one", "two", "moved"))
    with edit_task(one) as info:
        one.rename(moved)  # by a program that does not wait
        two.rename(one)
        info["mine"] = True
    assert read_task(moved)["mine"] is True
    assert read_task(one)["name"] == "two" and "mine" not in read_task(one)
    assert leftovers(workspace) == []


@pytest.mark.parametrize("successor", [False, True])
def test_renamed_while_somebody_waits(workspace: WorkspaceFolder, successor: bool) -> None:
    one, two, moved = (workspace.tasks / name for name in ("one", "two", "moved"))
    before = (two / TASK_INFO).read_bytes()
    outcome: list[object] = []

    def change() -> None:
        try:
            with edit_task(one, timeout=60.0) as info:
                info["mine"] = True
            outcome.append(None)
        except NotFound as error:
            outcome.append(error)

    waiting = threading.Thread(target=change)
    with locked(one / f".{TASK_INFO}.lock.guard", timeout=1.0):
        descriptors = Path("/proc/self/fd")
        waiting.start()
        if descriptors.is_dir():  # its descriptor of the folder tells that it has begun to wait
            wait_until(lambda: str(one) in {str(entry.resolve()) for entry in descriptors.iterdir()})
        one.rename(moved)
        if successor:
            two.rename(one)
    waiting.join()
    assert isinstance(outcome[0], NotFound)
    assert "mine" not in read_task(moved)
    assert ((one if successor else two) / TASK_INFO).read_bytes() == before
    assert leftovers(workspace) == []


def test_nobody_changes_a_task_while_it_moves(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    rename = os.rename

    def watch(source: Path, target: Path) -> None:
        held.append(is_locked(source / f".{TASK_INFO}.lock.guard"))
        rename(source, target)

    monkeypatch.setattr(os, "rename", watch)
    tasks.rename(workspace, "one", "three")
    trash.trash(workspace, "three")
    trash.restore(workspace, "three")
    assert held == [True] * 3
    assert "_namespace_operation" not in read_task(workspace.tasks / "three")
    assert leftovers(workspace) == []
