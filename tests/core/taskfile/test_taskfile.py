"""The task file under its lock, with real processes, and the names of tasks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import Busy, InvalidInput, NotFound
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile.paths import check_task_name, is_task_name
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own, own_facts, read_task
from tests.core.making import one_task, script_workspace

INCREMENT = """
import sys
from pathlib import Path
from pyruns_jupyter.core.taskfile.task_file import edit_task, own
for _ in range(int(sys.argv[2])):
    with edit_task(Path(sys.argv[1]), durable=False, timeout=60) as info:
        own(info)["count"] = own(info).get("count", 0) + 1
"""


def test_no_update_of_four_processes_is_lost(tmp_path: Path) -> None:
    folder = one_task(script_workspace(tmp_path))
    before = read_task(folder)
    processes = [subprocess.Popen([sys.executable, "-c", INCREMENT, str(folder), "200"]) for _ in range(4)]
    while any(process.poll() is None for process in processes):
        assert (
            own_facts(read_task(folder)).get("count", 0) <= 800
        )  # a reader without the lock sees whole files
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    after = read_task(folder)
    assert own(after).pop("count") == 800
    assert after == before
    assert sorted(path.name for path in folder.iterdir()) == [
        ".task_info.json.lock.guard",
        "config.yaml",
        "run_logs",
        "task_info.json",
    ]


def spoil(info: TaskInfo) -> None:
    info["status"] = "running"
    raise ZeroDivisionError


def test_an_error_leaves_the_file(tmp_path: Path) -> None:
    folder = one_task(script_workspace(tmp_path))
    before = (folder / "task_info.json").read_bytes()
    with pytest.raises(ZeroDivisionError), edit_task(folder) as info:
        spoil(info)
    with edit_task(folder):
        pass
    assert (folder / "task_info.json").read_bytes() == before
    for missing in (folder.with_name("gone"), folder / "config.yaml"):
        with pytest.raises(NotFound), edit_task(missing):
            pass
    with locked(folder / ".task_info.json.lock.guard", timeout=1), pytest.raises(Busy):  # noqa: SIM117
        with edit_task(folder, timeout=0.05):
            pass


def test_a_disk_that_does_not_respond_is_no_missing_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = one_task(script_workspace(tmp_path))

    def stale(*_: object, **__: object) -> int:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", lambda _: False)  # since Python 3.14, whatever the error is
        patch.setattr(os, "open", stale)
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)), edit_task(folder):
            pass


@given(st.text(max_size=40))
@example("con")
@example("COM1.txt")
@example("a.")
@example("名前 1")
def test_a_legal_name_is_one_a_file_system_keeps(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    if is_task_name(name):
        assert check_task_name(name) == name
        assert not name.startswith((".", "-"))
        assert name.strip() == name
        assert not any(unicodedata.category(character) == "Cs" for character in name)
        folder = tmp_path_factory.mktemp("names")
        (folder / name).mkdir()
        assert [path.name for path in folder.iterdir()] == [name]
    else:
        with pytest.raises(InvalidInput) as caught:
            check_task_name(name)
        assert caught.value.field == "name"
