"""Trash, restore, rename, notes and pin."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.lock import protocol
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from tests.core.making import one_task, script_workspace, set_pinned, snapshot, start_run

MARK = "_namespace_operation"


def test_trash_and_back(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    before = snapshot(one_task(workspace))
    assert trash.trash(workspace, "one") == "one"
    assert workspace.task_names() == []
    assert trash.trash_names(workspace) == ["one"]
    assert MARK not in read_task(workspace.trash / "one")
    assert trash.restore(workspace, "one") == "one"
    after = snapshot(workspace.paths("one").folder)
    after.pop(".task_info.json.lock.guard")
    assert after == before


def test_the_same_name_twice_in_the_trash(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    trash.trash(workspace, "one")
    one_task(workspace)
    kept = trash.trash(workspace, "one")
    assert kept.startswith("one_")
    one_task(workspace)
    with pytest.raises(Conflict, match="exists"):
        trash.restore(workspace, kept)
    tasks.rename(workspace, "one", "two")
    assert trash.restore(workspace, kept) == "one"
    assert sorted(workspace.task_names()) == ["one", "two"]
    assert trash.trash_names(workspace) == ["one"]
    with pytest.raises(NotFound):
        trash.restore(workspace, "three")


def test_rename(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    one_task(workspace, "taken")
    tasks.rename(workspace, "one", "new name")
    info = read_task(workspace.paths("new name").folder)
    assert info["name"] == "new name"
    assert MARK not in info
    with pytest.raises(Conflict, match="taken"):
        tasks.rename(workspace, "new name", "taken")
    with pytest.raises(InvalidInput):
        tasks.rename(workspace, "new name", "a/b")
    with pytest.raises(NotFound):
        tasks.rename(workspace, "one", "other")
    assert sorted(workspace.task_names()) == ["new name", "taken"]


def test_active_tasks_stay_where_they_are(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    with edit_task(folder) as info:
        runs.queue(info, attempt="a0", batch="b0")
    before = snapshot(folder)
    for act in (lambda: trash.trash(workspace, "one"), lambda: tasks.rename(workspace, "one", "two")):
        with pytest.raises(Conflict, match="queued"):
            act()
    assert snapshot(folder) == before
    with edit_task(folder) as info:
        runs.unqueue(info)
    start_run(folder, pid=1, create_time=0.0)
    with pytest.raises(Conflict, match="running"):
        trash.trash(workspace, "one")


def test_a_mark_of_somebody_else_counts_while_it_lives(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    mark = {
        "kind": "rename",
        "token": "t",
        "host": host_name(),
        "lock_protocol": protocol(),
        "pid": os.getpid(),
        "pid_create_time": psutil.Process().create_time(),
        "expires_at": time.time() + 60,
    }
    with edit_task(folder) as info:
        info[MARK] = mark
    with pytest.raises(Conflict, match="renamed"):
        trash.trash(workspace, "one")
    with pytest.raises(Conflict, match="renamed"), edit_task(folder) as info:
        runs.queue(info, attempt="a", batch="b")
    with edit_task(folder) as info:
        info[MARK] = {**mark, "pid_create_time": 1.0}  # another process that had this pid
    trash.trash(workspace, "one")
    trash.restore(workspace, "one")
    with edit_task(folder) as info:
        info[MARK] = {**mark, "expires_at": time.time() - 1}
    tasks.rename(workspace, "one", "two")
    assert MARK not in read_task(workspace.paths("two").folder)
    with edit_task(workspace.paths("two").folder) as info:
        info[MARK] = {"kind": "rename", "token": "t", "expires_at": float("inf")}  # nobody's, and for ever
    tasks.rename(workspace, "two", "one")


def test_notes_and_pin(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    tasks.change(workspace, "one", TaskPatch(notes="# first", expected={"notes": ""}))
    with pytest.raises(Conflict, match="notes"):
        tasks.change(workspace, "one", TaskPatch(notes="lost", expected={"notes": ""}))
    tasks.change(workspace, "one", TaskPatch(notes="second"))
    set_pinned(workspace, "one", True)
    info = read_task(folder)
    assert (info["notes"], info["pinned"]) == ("second", True)
    with pytest.raises(NotFound):
        set_pinned(workspace, "../one", True)


def test_a_damaged_task_is_left_alone(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    (folder / "task_info.json").write_text("{")
    with pytest.raises(Unreadable, match="task_info"):
        set_pinned(workspace, "one", True)
    assert (folder / "task_info.json").read_text() == "{"
    assert trash.trash(workspace, "one") == "one"
    assert (workspace.trash / "one" / "task_info.json").read_text() == "{"
    assert trash.restore(workspace, "one") == "one"
    assert (folder / "task_info.json").read_text() == "{"


def test_links_are_not_followed(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "lr: 1 | 2", "ab")
    (tmp_path / "elsewhere").mkdir()
    workspace.trash.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="symbolic link"):
        trash.trash(workspace, names[0])
    assert list((tmp_path / "elsewhere").iterdir()) == []
