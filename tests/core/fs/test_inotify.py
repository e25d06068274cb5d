"""Hints of what changes in a workspace, from the kernel itself."""

from __future__ import annotations

import os
import select
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs import inotify
from pyruns_jupyter.core.fs.filesystem import file_system_type
from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.taskfile.lock import task_lock
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import set_pinned

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    made = open_workspace(tmp_path)[0]
    for name in ("a", "b"):
        create_tasks(made, "true\n", name)
    return made


@pytest.fixture
def watch(workspace: WorkspaceFolder) -> Iterator[FolderWatch]:
    made = FolderWatch(workspace.tasks)
    assert made.update(["a", "b"])
    yield made
    made.close()


def came(watch: FolderWatch) -> bool:
    """Whether a hint came; events are there at once when the call that causes them returns."""
    ready, _, _ = select.select([watch.descriptor], [], [], 0)
    return bool(ready) and watch.read() != set()


def test_what_is_worth_a_look(workspace: WorkspaceFolder, watch: FolderWatch) -> None:
    assert not came(watch)
    assert not watch.read()
    set_pinned(workspace, "a", True)
    assert came(watch)
    assert not came(watch)
    (workspace.tasks / "b" / "config.sh").write_text("false\n")  # an editor
    assert came(watch)
    create_tasks(workspace, "true\n", "c")
    assert came(watch)
    assert watch.update(["a", "b", "c"])
    assert not watch.update(["a", "b", "c"])
    set_pinned(workspace, "c", True)
    assert came(watch)
    tasks.rename(workspace, "c", "d")
    assert came(watch)
    watch.update(["a", "b", "d"])
    watch.read()
    set_pinned(workspace, "d", False)
    assert came(watch)
    trash.trash(workspace, "d")
    assert came(watch)
    watch.update(["a", "b"])
    watch.read()
    # What lies in the trash concerns nobody.
    for folder in filter(Path.is_dir, workspace.trash.iterdir()):
        (folder / "task_info.json").write_text("{}")
    assert not came(watch)


def test_what_is_not(workspace: WorkspaceFolder, watch: FolderWatch) -> None:
    folder = workspace.tasks / "a"
    with task_lock(folder):
        pass
    with edit_task(folder):
        pass  # nothing changed
    (folder / "task_info.json").read_bytes()
    (folder / "run_logs").mkdir(exist_ok=True)
    (folder / "run_logs" / "run1.log").write_text("x")
    assert not came(watch)


def test_a_task_that_is_gone_before_it_is_watched(workspace: WorkspaceFolder, watch: FolderWatch) -> None:
    """Its name may be that of another folder soon."""
    assert watch.update(["a", "b", "gone"]) == {"gone"}
    assert watch.has_lost
    create_tasks(workspace, "true\n", "gone")
    assert watch.update(["a", "b", "gone"]) == {"gone"}
    assert not watch.has_lost


def test_which_tasks_it_was(workspace: WorkspaceFolder, watch: FolderWatch) -> None:
    set_pinned(workspace, "b", True)
    assert watch.read() == {"b"}
    tasks.rename(workspace, "a", "c")
    assert watch.read() == {"a", "c"}
    assert watch.unwatched({"b": 1, "c": 2}.keys()) == {"c"}
    assert watch.update(["b", "c"]) == {"c"}
    set_pinned(workspace, "c", True)
    assert watch.read() == {"c"}
    lost = [watch.has_lost]
    shutil.rmtree(workspace.tasks / "b")
    assert watch.read() == {"b"}
    assert [*lost, watch.has_lost] == [False, True]
    create_tasks(workspace, "true\n", "b")
    assert watch.update(["b", "c"]) == {"b"}
    watch.read()
    set_pinned(workspace, "b", True)
    assert watch.read() == {"b"}


def test_another_folder_with_the_name_of_one_that_was_moved(
    workspace: WorkspaceFolder, watch: FolderWatch
) -> None:
    tasks.rename(workspace, "a", "c")
    create_tasks(workspace, "true\n", "a")
    assert watch.read() == {"a", "c"}
    assert watch.has_lost
    assert watch.update(["a", "b", "c"]) == {"a", "c"}
    watch.read()
    for name in ("a", "b", "c"):
        set_pinned(workspace, name, True)
        assert watch.read() == {name}


@pytest.mark.parametrize("is_moved", [False, True])
def test_the_folder_of_all_tasks_is_gone(
    workspace: WorkspaceFolder, watch: FolderWatch, is_moved: bool
) -> None:
    """What is in another folder of that name is not watched: then nothing is known any more."""
    if is_moved:
        workspace.tasks.rename(workspace.folder / "elsewhere")
    else:
        shutil.rmtree(workspace.tasks)
    assert watch.read() is None
    assert watch.is_gone
    assert watch.read() is None


def test_too_much_at_once(workspace: WorkspaceFolder, watch: FolderWatch) -> None:
    """When the kernel drops events it says so, which is a hint too."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    paths = [workspace.tasks / name / "x" for name in ("a", "b")]
    for number in range(limit + 10):
        paths[number % 2].write_text("")
    assert came(watch)
    while came(watch):
        pass
    set_pinned(workspace, "a", True)
    assert came(watch)


def test_where_there_are_no_hints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError):
        FolderWatch(tmp_path / "missing")
    monkeypatch.setattr(inotify, "REMOTE", {file_system_type(tmp_path)})
    with pytest.raises(OSError):
        FolderWatch(tmp_path)


def test_closing_while_watches_are_added(workspace: WorkspaceFolder) -> None:
    for number in range(300):
        (workspace.tasks / f"t{number}").mkdir()
    names = os.listdir(workspace.tasks)
    for _ in range(20):
        watch = FolderWatch(workspace.tasks)
        adding = threading.Thread(target=watch.update, args=(names,))
        before = watch.descriptor
        adding.start()
        watch.close()
        adding.join()
        assert watch.descriptor == -1
        assert not os.path.exists(f"/proc/self/fd/{before}") or "inotify" not in os.readlink(
            f"/proc/self/fd/{before}"
        )
