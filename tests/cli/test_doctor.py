"""`doctor` in a terminal."""

from __future__ import annotations

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.taskfile.runs import SLOTS
from pyruns_jupyter.core.taskfile.task_file import edit_task
from tests.cli.test_cli import Terminal, terminal

__all__ = ["terminal"]

ABANDONED = {"status": "running", "_attempt_id": "a", "runner_host": host_name(), "lease_until": 1.0}
RUN = {"run_statuses": "running", "run_attempt_ids": "a"}


def test_a_repair_that_fails_leaves_an_error(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "t", given="lr: 1\n")
    folder = Workspace.open(terminal.folder / "train.py")["t"].folder
    with edit_task(folder) as info:
        info.update(ABANDONED, run_index=1, **{key: [RUN.get(key, empty)] for key, empty in SLOTS.items()})
    guard = folder / ".task_info.json.lock.guard"
    guard.unlink()
    guard.mkdir()
    assert "Could not fix this: " in terminal("doctor", "--repair", code=1)
    guard.rmdir()
    assert "t was marked as failed." in terminal("doctor", "--repair")
