"""Kernel locks that are only looked at, and lock files that a dying or full machine left half made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pyruns_jupyter.core.filelock import is_locked, locked
from pyruns_jupyter.core.taskfile import edit_task
from tests.support import ROOT

FULL = """
import resource, sys
from pathlib import Path
from pyruns_jupyter.core.taskfile import edit_task
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
try:
    with edit_task(Path(sys.argv[1])) as info:
        info["a"] = 2
except OSError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    (tmp_path / "task_info.json").write_text('{\n  "a": 1\n}')
    return tmp_path


def test_looking_at_a_lock_creates_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "lock")
    assert not is_locked(tmp_path / "no folder" / "lock")
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "lock", timeout=1):
        assert is_locked(tmp_path / "lock")
        assert is_locked(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")


def test_looking_at_a_lock_needs_no_permission_to_write() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "lock")
        path.parent.chmod(0o755)
        with locked(path, timeout=1):
            path.chmod(0o444)
            root = os.geteuid() == 0  # who may write anything
            try:
                if root:
                    os.seteuid(65534)
                with pytest.raises(PermissionError):
                    path.open("r+b")
                assert is_locked(path)
            finally:
                if root:
                    os.seteuid(0)


def test_a_full_disk_leaves_no_lock_file(task: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(task)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "OSError\n"
    assert {path.name for path in task.iterdir()} == {"task_info.json", ".task_info.json.lock.guard"}
    with edit_task(task, timeout=1.0) as info:
        info["a"] = 3


def test_an_empty_lock_file_was_left_by_a_dead_writer(task: Path) -> None:
    (task / ".task_info.json.lock").touch()
    with edit_task(task) as info:
        info["a"] = 3
    assert not (task / ".task_info.json.lock").exists()
