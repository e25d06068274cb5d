"""Hundreds of waiting tasks of ours cost nothing, and the other program leaves them alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .shared import Shared

pytestmark = pytest.mark.reference

WAITING = 400  # each command of the other program reads all of them
LOOK_SECONDS = 5.0


def test_they_wait_for_nothing(shared: Shared) -> None:
    workspace = shared.script()
    first = create_tasks(workspace, f"lr: 0.5\ngate: {shared.gate}\n", "first")
    names = create_tasks(workspace, f"lr: 0:{WAITING}\n", "many")
    create_tasks(workspace, "lr: 1\n", "other")
    assert len(shared.submit(workspace, *first, *names).queued) == WAITING + 1
    shared.wait_for_output(workspace, "first", b"lr 0.5")
    scheduler = psutil.Process(json.loads(shared.engine.scheduler_lock.read_bytes())["pid"])

    before, used = signatures(workspace, names), sum(scheduler.cpu_times()[:2])
    time.sleep(LOOK_SECONDS)
    spent = sum(scheduler.cpu_times()[:2]) - used
    print(f"scheduler: {spent / LOOK_SECONDS:.2%} of a core, {scheduler.memory_info().rss >> 20} MB")
    assert spent < 0.1 * LOOK_SECONDS  # of the time that the machine gave to everybody
    assert signatures(workspace, names) == before, "waiting writes nothing"

    # Running anything makes the other program look at all tasks for owners that are gone.
    shared.pyr("run", "other", workspace=workspace)
    assert read_task(workspace.paths("other").folder)["status"] == "completed"
    assert signatures(workspace, names) == before, "it leaves what waits alone"
    statuses = shared.statuses(workspace)
    assert [statuses[name] for name in names] == ["queued"] * WAITING
    assert statuses["first"] == "running"

    # It waits until the owner of a task has stopped it.
    for name in (names[0], names[-1]):
        shared.pyr("stop", "--timeout", "60", name, workspace=workspace)
        assert read_task(workspace.paths(name).folder)["status"] == "cancelled"


def signatures(workspace: WorkspaceFolder, names: list[str]) -> dict[str, tuple[int, int]]:
    """Which file each task has at this moment."""
    found = {}
    for name in names:
        status = Path(workspace.tasks, name, "task_info.json").stat()
        found[name] = (status.st_ino, status.st_mtime_ns)
    return found
