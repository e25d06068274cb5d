"""The trash: what is in it, coming back under another name, and deleting for ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.lock import task_lock
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.name_guard import create_guard
from pyruns_jupyter.core.tasks.trash import PURGE_PREFIX, purge, purge_all, trash_names, trash_tasks
from tests.core.making import one_task, script_workspace, snapshot
from tests.support import wait_until


def test_the_trash_tells_what_is_in_it(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    assert trash_tasks(workspace) == []
    before = time.time()
    one_task(workspace)
    trash.trash(workspace, "one")
    one_task(workspace)
    kept = trash.trash(workspace, "one")
    (one_task(workspace, "bad") / "task_info.json").write_text("{")
    trash.trash(workspace, "bad")
    found = {one.name: one for one in trash_tasks(workspace)}
    assert set(found) == {"one", kept, "bad"}
    assert found[kept].original == "one"
    assert found[kept].status == "pending"
    assert before <= (found["one"].trashed_at or 0) <= (found[kept].trashed_at or 0) <= time.time()
    assert found["bad"].message is not None


def test_another_name_when_the_own_one_is_taken(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    trash.trash(workspace, "one")
    one_task(workspace)
    with pytest.raises(Conflict, match="another name"):
        trash.restore(workspace, "one")
    with pytest.raises(InvalidInput):
        trash.restore(workspace, "one", "a/b")
    assert trash.restore(workspace, "one", "two") == "two"
    info = read_task(workspace.paths("two").folder)
    assert info["name"] == "two"
    assert "trashed_at" not in info["pyruns_jupyter"]


def test_purge_deletes_that_task_alone(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("here")
    folder = one_task(workspace)
    one_task(workspace, "other")
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "link").symlink_to(outside, target_is_directory=True)
    (folder / "artifacts" / "file").symlink_to(outside / "precious")
    os.mkfifo(folder / "artifacts" / "pipe")
    os.link(outside / "precious", folder / "artifacts" / "hard")
    trash.trash(workspace, "one")
    trash.trash(workspace, "other")
    purge(workspace, "one")
    assert trash_names(workspace) == ["other"]
    assert (outside / "precious").read_text() == "here"
    assert not [name for name in os.listdir(workspace.trash) if name.startswith(PURGE_PREFIX)]
    for name in ("one", "../other", ".", "", "a\0b"):
        with pytest.raises(NotFound):
            purge(workspace, name)
    assert trash_names(workspace) == ["other"]


def test_read_only_and_deep_trees_go_too(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    deep = folder / "artifacts"
    deep.mkdir()
    descriptor = os.open(deep, os.O_RDONLY)
    for _ in range(1500):  # deeper than Python recurses, and than any path is long
        os.mkdir("dddd", dir_fd=descriptor)
        below = os.open("dddd", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    for number in range(3):
        (folder / f"locked{number}" / "in").mkdir(parents=True)
        (folder / f"locked{number}" / "in" / "file").write_text("x")
        (folder / f"locked{number}" / "in" / "file").chmod(0o400)
        (folder / f"locked{number}" / "in").chmod(0o500)
        (folder / f"locked{number}").chmod(0o000)
    trash.trash(workspace, "one")
    # As somebody to whom modes matter: root deletes everything anyway.
    if os.geteuid() == 0:
        code = (
            "import os, sys; from pathlib import Path;"
            "from pyruns_jupyter.core.fs.remove_tree import delete_tree;"
            "os.setgid(65534); os.setuid(65534); delete_tree(Path(sys.argv[1]))"
        )
        for path in (tmp_path, *tmp_path.parents):
            if os.stat(path).st_uid == 0 and path != Path("/") and str(path).startswith("/tmp/"):
                path.chmod(0o755)
        subprocess.run(["chown", "-R", "65534", str(workspace.trash)], check=True)
        subprocess.run([sys.executable, "-c", code, str(workspace.trash / "one")], check=True)
    else:
        purge(workspace, "one")
    assert not (workspace.trash / "one").exists()


def test_what_a_crash_left_is_deleted_by_the_next_purge(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    trash.trash(workspace, "one")
    (workspace.trash / "one").rename(workspace.trash / f"{PURGE_PREFIX}0")
    assert trash_names(workspace) == []
    with pytest.raises(NotFound):
        trash.restore(workspace, "one")
    assert purge_all(workspace).done == []
    assert [name for name in os.listdir(workspace.trash) if name.startswith(PURGE_PREFIX)] == []


def test_only_old_ones(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    for name in ("old", "new"):
        one_task(workspace, name)
        trash.trash(workspace, name)
    with edit_task(workspace.trash / "old") as info:
        info["pyruns_jupyter"]["trashed_at"] = time.time() - 10 * 86400
    assert purge_all(workspace, older_than=5 * 86400).done == ["old"]
    result = purge_all(workspace, ["new", "nothing"])
    assert result.done == ["new"]
    assert list(result.refused) == ["nothing"]


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    trash.trash(workspace, "one")
    trashed = workspace.trash / folder.name
    with edit_task(trashed) as info:
        info["status"] = "running"
    before = snapshot(trashed)
    with pytest.raises(Conflict, match="running"):
        purge(workspace, "one")
    assert snapshot(trashed) == before
    (trashed / "task_info.json").write_text("{")
    owner = FileLock(trashed / "run_logs" / ".run1.owner")
    assert owner.try_acquire()
    with pytest.raises(Conflict, match="still active"):
        purge(workspace, "one")
    owner.release()
    purge(workspace, "one")


def test_a_linked_trash_is_not_entered(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "one").mkdir(parents=True)
    (elsewhere / "one" / "task_info.json").write_text("{}")
    workspace.trash.symlink_to(elsewhere)
    with pytest.raises(Conflict, match="symbolic link"):
        purge(workspace, "one")
    assert (elsewhere / "one" / "task_info.json").exists()
    workspace.trash.unlink()
    workspace.trash.mkdir()
    (workspace.trash / "one").symlink_to(elsewhere / "one")
    with pytest.raises(NotFound):
        purge(workspace, "one")
    assert purge_all(workspace).done == []
    assert (elsewhere / "one" / "task_info.json").exists()


def test_two_who_delete_the_same(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(200):
        (tree / f"d{number}" / "e").mkdir(parents=True)
        (tree / f"d{number}" / "e" / "f").write_text("x")
    code = (
        "import sys; from pathlib import Path; from pyruns_jupyter.core.fs.remove_tree import delete_tree;"
        "delete_tree(Path(sys.argv[1]))"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tree)]) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert not tree.exists()


def test_the_trash_is_locked_before_the_names(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    trash.trash(workspace, "one")
    restoring = threading.Thread(target=trash.restore, args=(workspace, "one"))
    descriptors = Path("/proc/self/fd")
    with task_lock(workspace.trash):
        opened = len(os.listdir(descriptors)) if descriptors.is_dir() else 0
        restoring.start()
        if opened:  # its descriptor of the folder tells that it has begun to wait
            wait_until(lambda: len(os.listdir(descriptors)) > opened)
        # Who holds the lock of the trash can have the guard: the other program takes them in this order.
        with create_guard(workspace, timeout=2.0):
            pass
    restoring.join()
    assert workspace.task_names() == ["one"]


def test_a_task_comes_back_under_the_name_it_had_last(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    folder.rename(folder.with_name("two"))  # as a rename leaves it that is killed after its half
    trash.trash(workspace, "two")
    assert [one.original for one in trash_tasks(workspace)] == ["two"]
    assert trash.restore(workspace, "two") == "two"
    assert read_task(workspace.paths("two").folder)["name"] == "two"


def test_only_the_very_name_is_deleted(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    for _ in range(2):
        one_task(workspace)
        kept = trash.trash(workspace, "one")
    trash.restore(workspace, "one")  # somebody brings back what was to be deleted
    with pytest.raises(NotFound, match=kept):
        purge(workspace, "one")
    assert list(purge_all(workspace, ["one"]).refused) == ["one"]
    assert trash_names(workspace) == [kept]


def test_a_full_disk_can_be_emptied(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs a small disk, which only root can mount")
    try:
        workspace = script_workspace(disk)
        for name in ("one", "two"):
            one_task(workspace, name)
        (workspace.paths("one").log(1)).write_bytes(bytes(65536))
        trash.trash(workspace, "one")
        with open(disk / "filler", "wb", 0) as stream, suppress(OSError):
            while True:
                stream.write(bytes(4096))
        before = (workspace.paths("two").info).read_bytes()
        with pytest.raises(OSError, match="space"):
            trash.trash(workspace, "two")
        assert (workspace.paths("two").info).read_bytes() == before
        assert purge_all(workspace).done == ["one"]
        trash.trash(workspace, "two")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
