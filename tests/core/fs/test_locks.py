"""Kernel locks that are only looked at, and lock files that a dying or full machine left half made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.fs.locks import is_locked, locked
from pyruns_jupyter.core.taskfile.lock import protocol
from pyruns_jupyter.core.taskfile.task_file import edit_task
from tests.support import ROOT

FULL = """
import resource, sys
from pathlib import Path
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.taskfile.lock import protocol
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


@pytest.mark.parametrize("word", ["guard-v2:0123456789abcdef0123456789abcdef", "guard-v1", "99999"])
def test_the_lock_file_of_another_host_is_respected(task: Path, word: str) -> None:
    lock_file = task / ".task_info.json.lock"
    lock_file.write_text(f"1 1 elsewhere 0 {word}\n")
    before = (task / "task_info.json").read_bytes()
    with pytest.raises(Busy, match="elsewhere"), edit_task(task, timeout=0.1) as info:
        info["a"] = 3
    assert lock_file.read_text().startswith("1 1 elsewhere")
    assert (task / "task_info.json").read_bytes() == before


def test_the_lock_file_of_a_dead_writer_of_this_host_is_taken_over(task: Path) -> None:
    lock_file = task / ".task_info.json.lock"
    lock_file.write_text(f"1 1 here 0 {protocol()}\n")
    with edit_task(task, timeout=0.1) as info:
        info["a"] = 3
    assert not lock_file.exists()
