"""The index after any changes shows what a fresh look shows, however files change and whatever clocks say."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.fs import change_stamp
from pyruns_jupyter.core.metrics.journal import Appender
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.tasks import index as index_module
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import one_task, script_workspace, start_run

NAMES = ["a", "b", "c"]
OLD = 1_600_000_000_000_000_000  # ns; a time that is set back to it tells nothing


class Disk:
    """Task folders under a few names, changed behind the back of an index."""

    def __init__(self, folder: Path) -> None:
        self.workspace = WorkspaceFolder(folder / "_pyruns_" / "w")
        self.tasks = self.workspace.tasks
        self.tasks.mkdir(parents=True)
        self.outside = folder / "outside"
        self.count = 1000

    def content(self) -> bytes:
        """The text of a task file, always of one size."""
        self.count += 1
        status = ("pending", "running")[self.count % 2]
        info = {"status": status, "notes": f"{self.count}", "start_times": [""]}
        return json.dumps({**info, "records": [{"n": self.count}]}).encode()

    def make(self, name: str, old: bool) -> None:
        """Put a file in place of what is there."""
        folder = self.tasks / name
        if folder.is_symlink():
            folder.unlink()
        folder.mkdir(exist_ok=True)
        temporary = folder / ".new.tmp"
        temporary.write_bytes(self.content())
        if old:
            os.utime(temporary, ns=(OLD, OLD))
        os.replace(temporary, folder / "task_info.json")

    def write(self, name: str, old: bool) -> None:
        """Write into the file that is there, as an editor does."""
        path = self.tasks / name / "task_info.json"
        if path.exists():
            before = path.stat()
            with path.open("r+b") as stream:
                stream.write(self.content())
            times = (OLD, OLD) if old else (before.st_atime_ns, before.st_mtime_ns)
            os.utime(path, ns=times)

    def swap(self, name: str, other: str) -> None:
        """Exchange two folders."""
        if name != other and (self.tasks / name).exists() and (self.tasks / other).exists():
            os.rename(self.tasks / name, self.tasks / ".away")
            os.rename(self.tasks / other, self.tasks / name)
            os.rename(self.tasks / ".away", self.tasks / other)

    def cut(self, name: str) -> None:
        """Damage the file."""
        path = self.tasks / name / "task_info.json"
        if path.exists():
            path.write_bytes(path.read_bytes()[:20])

    def remove(self, name: str) -> None:
        """Remove the folder, or the link."""
        folder = self.tasks / name
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)

    def link(self, name: str) -> None:
        """Put a link in place of the folder: that is no task."""
        if (self.tasks / name).is_dir() and not (self.tasks / name).is_symlink():
            shutil.rmtree(self.outside, ignore_errors=True)
            shutil.move(self.tasks / name, self.outside)
            (self.tasks / name).symlink_to(self.outside)


NAME = st.sampled_from(NAMES)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["make", "write"]), NAME, st.booleans()),
    st.tuples(st.just("swap"), NAME, NAME),
    st.tuples(st.sampled_from(["cut", "remove", "link"]), NAME),
)


@given(st.lists(st.lists(STEPS, max_size=5), max_size=6))
def test_it_shows_what_a_fresh_look_shows(
    tmp_path_factory: pytest.TempPathFactory, turns: list[list[tuple[str, ...]]]
) -> None:
    disk = Disk(tmp_path_factory.mktemp("d"))
    for name in NAMES:
        disk.make(name, old=True)
    index = TaskIndex(disk.workspace)
    index.refresh()
    for steps in turns:
        for kind, *arguments in steps:
            getattr(disk, kind)(*arguments)
        before = index.rows
        changes = index.refresh()
        fresh = TaskIndex(disk.workspace)
        fresh.refresh()
        assert index.rows == fresh.rows
        assert index.counts == fresh.counts
        assert index.shapes() == fresh.shapes()
        assert {row.name: row for row in changes.changed} == {
            name: row for name, row in index.rows.items() if before.get(name) != row
        }
        assert sorted(changes.removed) == sorted(set(before) - set(index.rows))


def test_a_change_within_the_tick_of_a_file_server_whose_clock_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a file system whose times have not moved on between two changes."""
    monkeypatch.setattr(change_stamp, "time", SimpleNamespace(time=lambda: time.time() + 3600))
    for module in (change_stamp, index_module):
        monkeypatch.setattr(module, "signature_of", lambda status: hash((status.st_size, status.st_ino)))
    disk = Disk(tmp_path)
    disk.make("a", old=False)
    index = TaskIndex(disk.workspace)
    index.refresh()
    with (disk.tasks / "a" / "task_info.json").open("ab") as stream:
        stream.write(b" ")
    index.refresh()
    for _ in range(3):
        disk.write("a", old=False)
    index.refresh()
    assert index.rows["a"].notes == str(disk.count)


def test_a_task_that_takes_the_place_of_a_running_one(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    for name, attempt, loss in (("one", "a1", 0.5), ("two", "a2", 0.25)):
        folder = one_task(workspace, name)
        run = start_run(folder, pid=os.getpid(), create_time=0.0, attempt=attempt)
        journal = Appender(TaskPaths(folder).journal(run))
        journal.append("track", {"loss": loss, f"only {name}": 1}, 0.0)
        journal.close()
    index = TaskIndex(workspace)
    index.refresh()
    assert index.rows["one"].figures == {"loss": 0.5, "only one": 1}
    shutil.rmtree(workspace.tasks / "one")
    os.rename(workspace.tasks / "two", workspace.tasks / "one")
    index.refresh()
    assert index.rows["one"].figures == {"loss": 0.25, "only two": 1}
