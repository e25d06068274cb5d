"""The lock of a task file holds between the two programs."""

from __future__ import annotations

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.lock import protocol, task_lock
from pyruns_jupyter.core.taskfile.task_file import read_task

from .shared import Shared

pytestmark = pytest.mark.reference


def test_each_waits_for_the_lock_of_the_other(shared: Shared) -> None:
    workspace = shared.shell()
    create_tasks(workspace, "true\n", "locked")
    folder = workspace.paths("locked").folder
    with task_lock(folder):
        refused = shared.pyr("pin", "locked", workspace=workspace, check=False)
    assert refused.returncode == 1
    assert "Timed out acquiring file lock" in refused.stderr
    assert read_task(folder)["pinned"] is False
    # A lock file without the guard is a dead writer's to both programs if they share the protocol word.
    leftover = folder / ".task_info.json.lock"
    leftover.write_text(f"1 1 somewhere 0 {protocol()}\n", encoding="utf-8")
    shared.pyr("pin", "locked", workspace=workspace)
    assert read_task(folder)["pinned"] is True
    assert not leftover.exists()
