"""The index: what changed, nothing else; and rows of whatever a task file holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.metrics.journal import Appender
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import SLOTS, STATUSES
from pyruns_jupyter.core.taskfile.task_file import edit_task, own, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import index as index_module
from pyruns_jupyter.core.tasks import trash, unstarted
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.live_row import INTERRUPTED
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES, TaskRow, row_from
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import (
    end_run,
    one_task,
    script_workspace,
    set_pinned,
    shell_workspace,
    snapshot,
    start_run,
)
from tests.recorder import Recorder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    "name", "status", "progress", "created_at", "pinned", "task_kind", "notes", "run_index", "_attempt_id",
    "runner_host", "lease_until", *SLOTS,
]  # fmt: skip


def own_process() -> tuple[int, float]:
    return os.getpid(), psutil.Process().create_time()


def dead_process() -> tuple[int, float]:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    created = psutil.Process(process.pid).create_time()
    process.wait()
    return process.pid, created


def test_free_memory_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = script_workspace(tmp_path)
    create_tasks(workspace, "lr: 0.1 | 0.01 | 1\n", "ab")
    index = TaskIndex(workspace)
    made: list[int] = []
    monkeypatch.setattr(index_module, "release_free_memory", made.append)
    index.refresh()
    index.configs()
    index.refresh()
    index.configs()
    assert made == [3, 3, 0]


def test_a_look_at_some_tasks(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "lr: 0.1 | 0.01 | 1\n", "ab")
    for name in names:
        os.utime(workspace.paths(name).info, (1e9, 1e9))
    index = TaskIndex(workspace)
    index.refresh(names[:1])  # the first look is at all
    assert [*index.rows] == sorted(names)
    set_pinned(workspace, names[0], True)
    set_pinned(workspace, names[1], True)
    assert [row.name for row in index.refresh([names[1]]).changed] == [names[1]]
    (new,) = create_tasks(workspace, "lr: 3\n", "aa")
    trash.trash(workspace, names[2])
    (workspace.tasks / "link").symlink_to(workspace.paths(names[0]).folder)
    (workspace.tasks / "empty").mkdir()
    odd = ["link", "empty", ".hidden", "", "..", "no\0where", "missing", "a/b"]
    changes = index.refresh([new, names[2], *odd])
    assert ([row.name for row in changes.changed], changes.removed) == ([new], [names[2]])
    settled = [index.is_settled]  # the folder may become a task
    (workspace.tasks / "empty" / "task_info.json").write_text("{}")
    assert [row.name for row in index.refresh([]).changed] == ["empty"]
    assert [*settled, index.is_settled] == [False, True]
    assert [*index.rows] == [new, *names[:2], "empty"]
    assert [row.name for row in index.refresh().changed] == [names[0]]


def test_a_fresh_sweep(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    before = time.time()
    names = create_tasks(workspace, "lr: 0.1 | 0.01\nseed: 3\n", "ab")
    index = TaskIndex(workspace)
    changes = index.refresh()
    assert sorted(row.name for row in changes.changed) == sorted(names)
    assert index.counts == {**dict.fromkeys(SHOWN_STATUSES, 0), "pending": 2}
    row = index.rows[names[0]]
    assert row.swept == {"lr": 0.1}
    assert (row.status, row.kind, row.runs, row.run, row.message) == ("pending", "python", 0, 0, None)
    assert row.created_at is not None
    assert before <= row.created_at <= time.time()
    assert list(row.to_dict()) == [
        "name", "status", "kind", "pinned", "created_at", "runs", "run", "started_at", "finished_at",
        "duration", "exit_code", "progress", "swept", "figures", "message", "tags", "order", "readable",
        "silent_since",
        "study",
        "steps",
        "alert",
        "gpu_hours",
        "energy_kwh",
    ]  # fmt: skip


def test_only_what_changed_is_told(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "lr: 1 | 2 | 3", "ab")
    index = TaskIndex(workspace)
    assert index.refresh().revision == 1
    assert not index.refresh()
    rows = index.rows
    set_pinned(workspace, names[1], True)
    changes = index.refresh()
    assert [row.name for row in changes.changed] == [names[1]]
    assert changes.changed[0].pinned
    assert not rows[names[1]].pinned  # a snapshot that somebody holds does not change under them
    trash.trash(workspace, names[0])
    assert index.refresh().removed == [names[0]]
    tasks.rename(workspace, names[2], "other")
    changes = index.refresh()
    assert (changes.removed, [row.name for row in changes.changed]) == ([names[2]], ["other"])
    assert sum(index.counts.values()) == 2


def test_what_changed_since_a_revision(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one, two = create_tasks(workspace, "lr: 1 | 2", "ab")
    index = TaskIndex(workspace)
    index.refresh()
    first = index.revision
    set_pinned(workspace, one, True)
    index.refresh()
    trash.trash(workspace, two)
    index.refresh()
    since = index.changes_since(first)
    assert since is not None
    assert ([row.name for row in since.changed], since.removed) == ([one], [two])
    assert since.revision == index.revision
    trash.restore(workspace, two)
    index.refresh()
    since = index.changes_since(first)
    assert since is not None
    assert (sorted(row.name for row in since.changed), since.removed) == ([one, two], [])
    now = index.changes_since(index.revision)
    assert now is not None
    assert not now
    assert index.changes_since(index.revision + 1) is None
    assert TaskIndex(workspace).epoch != index.epoch


def test_a_change_within_the_clocks_tick_is_seen(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    index = TaskIndex(workspace)
    index.refresh()
    path = folder / "task_info.json"
    # Same size, same inode, same time: as when a file changes twice within one tick of the clock.
    data, times = path.read_bytes(), path.stat()
    with path.open("r+b") as stream:
        stream.write(data.replace(b'"pinned": false', b'"pinned": true '))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    index.refresh()
    assert index.rows["one"].pinned


def test_a_running_task_shows_its_newest_points(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    pid, created = own_process()
    run = start_run(folder, pid=pid, create_time=created)
    owner = FileLock(TaskPaths(folder).owner(run))
    assert owner.try_acquire()
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows["one"]
    assert (row.status, row.run, row.figures, row.message) == ("running", 1, {}, None)
    assert row.started_at == pytest.approx(time.time(), abs=60)
    journal = Appender(TaskPaths(folder).journal(run))
    journal.append("track", {"loss": 0.5, "step": 1}, 0.0)
    assert [changed.figures for changed in index.refresh().changed] == [{"loss": 0.5, "step": 1}]
    assert not index.refresh()
    journal.append("track", {"loss": float("nan"), "step": 2}, 0.0)
    index.refresh()
    assert index.rows["one"].to_dict()["figures"] == {"loss": "NaN", "step": 2}
    assert not index.refresh()
    end_run(folder, records={"acc": 0.9}, tracks={"loss": [0.5, 0.25]})
    owner.release()
    index.refresh()
    row = index.rows["one"]
    assert (row.status, row.exit_code, row.progress, row.message) == ("completed", 0, 1.0, None)
    assert row.figures == {"loss": 0.25, "acc": 0.9}
    assert row.duration is not None
    assert row.finished_at is not None


def test_a_run_whose_owner_died_is_shown_truthfully(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    pid, created = dead_process()
    run = start_run(folder, pid=pid, create_time=created)
    index = TaskIndex(workspace)
    index.refresh()
    assert index.rows["one"].message is None  # no owner file, and the lease still holds
    owner = FileLock(TaskPaths(folder).owner(run))
    assert owner.try_acquire()
    index.refresh()
    assert index.rows["one"].message is None
    owner.release()
    before = snapshot(folder)
    assert [row.message for row in index.refresh().changed] == [INTERRUPTED]
    assert index.rows["one"].status == "running"
    assert snapshot(folder) == before
    with edit_task(folder) as info:
        info["runner_host"] = "another-host"
    index.refresh()
    assert index.rows["one"].message is None


def test_messages_of_failed_runs(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    start_run(folder, pid=1, create_time=0.0)
    end_run(folder, exit_code=3)
    assert row_from(read_task(folder), folder).message == "Exit code 3"
    with edit_task(folder) as info:
        own(info)["messages"] = {"1": "The interpreter is missing."}
    assert row_from(read_task(folder), folder).message == "The interpreter is missing."
    start_run(folder, pid=1, create_time=0.0, attempt="a2")
    assert row_from(read_task(folder), folder).message is None
    end_run(folder, exit_code=-9, attempt="a2")
    row = row_from(read_task(folder), folder)
    assert (row.runs, row.exit_code, row.message) == (2, -9, "Ended by signal 9")


def test_files_of_the_other_program_and_of_old_days(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    cases: dict[str, Any] = {
        "empty": {},
        "old": {"status": "completed", "task_kind": "config", "start_times": ["2026-03-01_10-00-00"],
                "finish_times": ["2026-03-01_10-00-05"], "pids": [5]},
        "shell": {"task_kind": "shell", "status": "odd"},
    }  # fmt: skip
    for name, info in cases.items():
        (workspace.tasks / name).mkdir(parents=True)
        (workspace.tasks / name / "task_info.json").write_text(json.dumps(info))
    index = TaskIndex(workspace)
    index.refresh()
    assert {name: row.status for name, row in index.rows.items()} == {
        "empty": "pending",
        "old": "completed",
        "shell": "pending",
    }
    old = index.rows["old"]
    assert (old.kind, old.runs, old.duration) == ("python", 1, 5.0)
    assert index.rows["shell"].kind == "shell"


GPUS = [
    {"index": 0, "uuid": "GPU-aa", "name": "NVIDIA A100", "memory_total_mb": 81920.0},
    {"index": 1, "uuid": "GPU-bb", "name": "NVIDIA H100", "memory_total_mb": 81920.0},
]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"gpus": GPUS, "assigned_gpu_ids": [], "cuda_visible_devices": None},
         ("0", "GPU-aa", "NVIDIA A100", "1", "GPU-bb", "NVIDIA H100")),
        ({"gpus": GPUS, "assigned_gpu_ids": [1], "cuda_visible_devices": "1"},
         ("1", "GPU-bb", "NVIDIA H100")),
        ({"gpus": GPUS, "assigned_gpu_ids": [], "cuda_visible_devices": "GPU-aa"},
         ("GPU-aa", "0", "NVIDIA A100")),
        ({"gpus": [], "assigned_gpu_ids": ["MIG-1"]}, ("MIG-1",)),
        ({"gpus": {"a": 1}, "assigned_gpu_ids": "0"}, ()),
        ({"gpus": GPUS, "assigned_gpu_ids": [], "cuda_visible_devices": ""}, ()),
        ({}, ()),
        (None, ()),
    ],
)  # fmt: skip
def test_the_gpus_of_the_latest_run(environment: Any, expected: tuple[str, ...]) -> None:
    info = {"start_times": ["", ""], "run_environments": [{"gpus": [{"name": "old"}]}, environment]}
    assert row_from(info, "t").gpus == expected


def test_columns_follow_the_rows(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one, two = create_tasks(workspace, "lr: 1 | 2", "ab")
    index = TaskIndex(workspace)
    assert index.columns() == ([], [])
    index.refresh()
    assert index.columns() == (["lr"], [])
    with edit_task(workspace.tasks / one) as info:
        info.update(start_times=[""], records=[{"acc": 1}])
    index.refresh()
    assert index.columns() == (["lr"], ["acc"])
    trash.trash(workspace, one)
    trash.trash(workspace, two)
    index.refresh()
    assert index.columns() == ([], [])


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": \xff}', b"[" * 100_000, b'{"a":' * 50_000])
def test_a_damaged_file_is_a_row_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    workspace = script_workspace(tmp_path)
    good, bad = create_tasks(workspace, "lr: 1 | 2", "ab")
    path = workspace.tasks / bad / "task_info.json"
    path.write_bytes(content)
    index = TaskIndex(workspace)
    index.refresh()
    assert index.rows[good].message is None
    row = index.rows[bad]
    assert row.status == "pending"
    assert index.counts == {**dict.fromkeys(SHOWN_STATUSES, 0), "pending": 1, "unreadable": 1}
    assert str(path) in (row.message or "")
    assert path.read_bytes() == content
    path.write_bytes(b'{"status": "completed"}')
    index.refresh()
    assert (index.rows[bad].status, index.rows[bad].message) == ("completed", None)
    assert index.counts == {**dict.fromkeys(SHOWN_STATUSES, 0), "pending": 1, "completed": 1}


def test_an_error_in_the_middle_of_a_look_loses_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "lr: 1 | 2 | 3", "ab")
    queued, running, pending = (Recorder(workspace, name) for name in names)
    queued.queue()
    running.start()
    for task in (queued, running, pending):
        os.utime(task.paths.info, (1e9, 1e9))
    monkeypatch.setattr(unstarted, "_ORIGIN_SECONDS", -1.0)  # the origin is checked in each look
    monkeypatch.setattr(index_module, "tick_of", lambda status: 0.0)
    index = TaskIndex(workspace)

    def look_in_vain() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(unstarted, "trusted_engine", _fail)
            with pytest.raises(MemoryError):
                index.refresh()

    look_in_vain()
    assert {row.name for row in index.refresh().changed} == set(names)
    running.finish()
    look_in_vain()
    look_in_vain()
    assert [row.name for row in index.refresh().changed] == [names[1]]
    assert index.counts == {**dict.fromkeys(SHOWN_STATUSES, 0), "queued": 1, "completed": 1, "pending": 1}


def _fail(*_: Any) -> None:
    raise MemoryError


def test_a_state_folder_that_others_can_write_to_hides_no_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    workspace = script_workspace(tmp_path / "project")
    names = create_tasks(workspace, "lr: 1 | 2", "ab")
    Recorder(workspace, names[0]).queue()
    claim_engine(workspace.root)
    (tmp_path / "state").chmod(0o777)
    index = TaskIndex(workspace)
    index.refresh()
    assert [*index.rows] == names


def test_the_revision_of_the_names(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    index = TaskIndex(workspace)
    found = []
    for step in (
        lambda: None,
        lambda: set_pinned(workspace, "one", True),
        lambda: create_tasks(workspace, "lr: 1\n", "two"),
        lambda: set_pinned(workspace, "two", True),
        lambda: trash.trash(workspace, "one"),
    ):
        step()
        index.refresh()
        found.append((index.revision, index.names_revision))
    assert found == [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5)]


def test_strange_things_in_the_folder_stop_nothing(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    (workspace.tasks / "a file").write_text("x")
    (workspace.tasks / "no task").mkdir()
    (workspace.tasks / ".hidden").mkdir()
    (workspace.tasks / "fifo").mkdir()
    os.mkfifo(workspace.tasks / "fifo" / "task_info.json")
    (workspace.tasks / "folder" / "task_info.json").mkdir(parents=True)
    index = TaskIndex(workspace)
    index.refresh()
    assert set(index.rows) == {"one", "fifo", "folder"}
    assert index.rows["fifo"].message
    assert index.rows["folder"].message
    assert TaskIndex(WorkspaceFolder(tmp_path / "_pyruns_" / "none")).refresh().changed == []


@given(
    st.dictionaries(
        st.sampled_from(KEYS), JSON | st.sampled_from(["running", "failed", "shell"]), max_size=8
    ),
    JSON | st.dictionaries(st.sampled_from(["swept", "times", "messages", "created_at"]), JSON, max_size=4),
)
def test_no_task_file_crashes_the_index(
    tmp_path_factory: pytest.TempPathFactory, info: dict[str, Any], mine: Any
) -> None:
    workspace = WorkspaceFolder(tmp_path_factory.mktemp("p") / "_pyruns_" / "w")
    folder = workspace.tasks / "t"
    folder.mkdir(parents=True)
    data = json.dumps({**info, "pyruns_jupyter": mine}).encode()
    (folder / "task_info.json").write_bytes(data)
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows["t"]
    assert isinstance(row, TaskRow)
    assert row.status in STATUSES
    json.dumps(row.to_dict(), allow_nan=False)
    index.refresh()
    assert (folder / "task_info.json").read_bytes() == data
    assert [path.name for path in folder.iterdir()] == ["task_info.json"]
