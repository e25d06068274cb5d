"""The lock file of another host: respected while it is young, removed when its writer must be dead."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.taskfile.lock import LEFT_SECONDS
from pyruns_jupyter.core.taskfile.task_file import edit_task


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "tasks" / "T"
    folder.mkdir(parents=True)
    (folder / "task_info.json").write_text(json.dumps({"name": "T", "status": "pending"}))
    return folder


def lock_elsewhere(task: Path, age: float) -> Path:
    lock = task / ".task_info.json.lock"
    lock.write_text("7 7 other-host 1.0 guard-v2:00000000000000000000000000000000\n")
    os.utime(lock, (time.time() - age,) * 2)
    return lock


def test_the_lock_of_another_host_is_respected(task: Path) -> None:
    lock = lock_elsewhere(task, 0)
    with pytest.raises(Busy, match="other-host"), edit_task(task, timeout=0.05) as info:
        info["status"] = "failed"
    assert lock.exists()
    assert json.loads((task / "task_info.json").read_bytes())["status"] == "pending"


@pytest.mark.parametrize("age", [LEFT_SECONDS + 1, -LEFT_SECONDS - 60])
def test_the_lock_that_a_host_left_is_removed(task: Path, age: float) -> None:
    """Also one whose time stamp is in the future, as a copying tool may leave it."""
    lock = lock_elsewhere(task, age)
    with edit_task(task, timeout=0.05) as info:
        info["status"] = "failed"
    assert not lock.exists()
    assert json.loads((task / "task_info.json").read_bytes())["status"] == "failed"


def test_a_lock_becomes_old_while_somebody_waits_for_it(task: Path) -> None:
    lock_elsewhere(task, LEFT_SECONDS - 0.5)
    with edit_task(task) as info:
        info["status"] = "failed"
    assert json.loads((task / "task_info.json").read_bytes())["status"] == "failed"
