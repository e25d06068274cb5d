"""Rows that were stored for the next index: as fresh ones, of unchanged task files only."""

from __future__ import annotations

import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.metrics.read import add_points
from pyruns_jupyter.core.metrics.statistics import CurveStatistics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import edit, row_cache
from pyruns_jupyter.core.tasks import index as index_module
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import row_from, with_values
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import end_run, script_workspace, set_pinned, start_run

from .test_index import JSON, KEYS, own_process

OLD = time.time() - 1000


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(index_module, "_MIN_UNCACHED", 1)
    return tmp_path / "state"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks whose files are read."""
    found: list[str] = []

    def read(path: str) -> Any:
        found.append(path.split("/")[-2])
        return read_whole(path)

    monkeypatch.setattr(index_module, "read_whole", read)
    return found


def settle(workspace: WorkspaceFolder) -> None:
    """Let the task files be so old that the next change shows in their times."""
    for file in workspace.tasks.glob("*/task_info.json"):
        os.utime(file, (OLD, OLD))


def rows_of(workspace: WorkspaceFolder) -> dict[str, dict[str, Any]]:
    index = TaskIndex(workspace)
    index.refresh()
    return {name: {**row.to_dict(), "all": repr(row)} for name, row in index.rows.items()}


def project(tmp_path: Path) -> tuple[WorkspaceFolder, list[str]]:
    """A workspace with tasks in each state that a row can be stored in, and a running one."""
    workspace = script_workspace(tmp_path / "p")
    names = create_tasks(workspace, "lr: 0.1 | 0.01 | 0.5\nseed: 1 | 2\n", "t")
    done, queued, running, failed, *_ = (workspace.paths(name).folder for name in names)
    start_run(done, pid=1, create_time=1.0)
    statistics = CurveStatistics()
    statistics.add([0.5, 0.25])
    with edit_task(done) as info:
        add_points(info, 1, {"loss": [0.5, 0.25]}, whole=True, statistics={"loss": statistics})
    end_run(done)
    start_run(failed, pid=1, create_time=1.0)
    end_run(failed, exit_code=3)
    edit.change(workspace, failed.name, TaskPatch(notes="ñ", tags=("a", "b"), pinned=True))
    with edit_task(queued) as info:
        runs.queue(info, attempt="a", batch="gone")
    pid, created = own_process()
    start_run(running, pid=pid, create_time=created)
    settle(workspace)
    return workspace, names


def test_only_changed_files_are_read_again(tmp_path: Path, reads: list[str]) -> None:
    workspace, names = project(tmp_path)
    fresh = rows_of(workspace)
    assert sorted(reads) == sorted(names)
    reads.clear()
    assert rows_of(workspace) == fresh
    assert reads == [names[2]]  # runs
    assert "belongs to no batch" in fresh[names[1]]["message"]
    reads.clear()

    with edit_task(workspace.paths(names[4]).folder) as info:
        runs.queue(info, attempt="b", batch="b2")
    (workspace.tasks / names[5]).rename(workspace.tasks / "renamed")
    (new,) = create_tasks(workspace, "lr: 7\n", "new")
    found = rows_of(workspace)
    assert sorted(reads) == sorted([names[2], names[4], "renamed", new])
    assert found[names[4]]["status"] == "queued"
    assert {"renamed", new} <= set(found)
    assert names[5] not in found


def test_stored_and_other_rows_are_one_list(tmp_path: Path) -> None:
    workspace, names = project(tmp_path)
    TaskIndex(workspace).refresh()
    with edit_task(workspace.paths(names[3]).folder) as info:
        runs.queue(info, attempt="b", batch="b2")
    (workspace.tasks / names[5]).rename(workspace.tasks / "a2")
    (workspace.tasks / names[4]).rename(tmp_path / "elsewhere")
    (workspace.tasks / names[4]).symlink_to(tmp_path / "elsewhere")
    create_tasks(workspace, "lr: 7\n", "a10")
    index = TaskIndex(workspace)
    changes = index.refresh()
    assert [*index.rows] == ["a2", "a10", *names[:4]]
    assert changes.changed == [*index.rows.values()]
    since = index.changes_since(0)
    assert since is not None
    assert since.changed == changes.changed
    for file in (tmp_path / "state" / "indexes").iterdir():
        file.unlink()
    fresh = TaskIndex(workspace)
    fresh.refresh()
    assert index.rows == fresh.rows
    assert (index.counts, index.shapes()) == (fresh.counts, fresh.shapes())
    assert index.typical_duration == fresh.typical_duration
    set_pinned(workspace, names[0], True)
    assert [row.name for row in index.refresh().changed] == [names[0]]
    assert [row.name for row in (index.changes_since(1) or fresh.refresh()).changed] == [names[0]]


def test_no_garbage_is_collected_while_rows_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, _ = project(tmp_path)
    found = []

    def read(tasks: Path) -> row_cache.CachedRows:
        found.append(gc.isenabled())
        return row_cache.read_rows(tasks)

    monkeypatch.setattr(index_module, "read_rows", read)
    TaskIndex(workspace).refresh()
    assert [*found, gc.isenabled()] == [False, True]


def test_a_task_that_became_a_link_is_gone(tmp_path: Path) -> None:
    """Its task file is still the same one."""
    workspace, names = project(tmp_path)
    index = TaskIndex(workspace)
    index.refresh()
    (workspace.tasks / names[4]).rename(tmp_path / "elsewhere")
    (workspace.tasks / names[4]).symlink_to(tmp_path / "elsewhere")
    (new,) = create_tasks(workspace, "lr: 7\n", "new")
    changes = index.refresh()
    assert ([row.name for row in changes.changed], changes.removed) == ([new], [names[4]])
    assert index.is_settled


@pytest.mark.parametrize("supported", [os.supports_dir_fd, set()])
def test_a_look_with_and_without_a_descriptor(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch, supported: set[object]
) -> None:
    workspace, names = project(tmp_path)
    index = TaskIndex(workspace)
    index.refresh()
    reads.clear()
    monkeypatch.setattr(os, "supports_dir_fd", supported)
    before = psutil.Process().num_fds() if os.name == "posix" else 0
    set_pinned(workspace, names[4], True)
    assert [row.name for row in index.refresh().changed] == [names[4]]
    assert reads == [names[4]]
    assert os.name != "posix" or psutil.Process().num_fds() == before
    workspace.tasks.rename(tmp_path / "elsewhere")
    workspace.tasks.symlink_to(tmp_path / "elsewhere")
    assert index.refresh().removed == names


def test_rows_share_values_and_are_not_visited_by_the_garbage_collector(tmp_path: Path) -> None:
    workspace, names = project(tmp_path)
    rows_of(workspace)
    rows = [row_cache.read_rows(workspace.tasks).rows[names[number]] for number in (0, 3, 4, 5)]
    assert not any(map(gc.is_tracked, rows))
    assert len({id(row.status) for row in rows[2:]}) == 1
    fresh = TaskIndex(workspace)
    fresh.refresh()
    read, anew = rows[0].statistics, fresh.rows[names[0]].statistics
    assert read is not None and anew is not None and read.keys is anew.keys


def test_a_file_that_may_still_change_is_not_trusted(tmp_path: Path, reads: list[str]) -> None:
    workspace, names = project(tmp_path)
    recent = workspace.paths(names[0]).folder / "task_info.json"
    os.utime(recent)
    rows_of(workspace)
    reads.clear()
    rows_of(workspace)
    assert sorted(reads) == sorted([names[0], names[2]])


def stored(rows: bytes, order: bytes = b"\x91\0") -> bytes:
    """A file with one signature, and one part with rows without values."""
    part = b"\x92\x92\x90\x90" + rows
    return b"\x94\x91\x01\x80" + order + b"\x91\xc6" + len(part).to_bytes(4, "big") + part


ROW = b"\x91\x82\xa4name\xa1x\xa6status\xa6failed"


def test_rows_are_stored_in_parts(tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_cache, "_PART_ROWS", 2)
    workspace, names = project(tmp_path)
    fresh = rows_of(workspace)
    reads.clear()
    assert rows_of(workspace) == fresh
    assert reads == [names[2]]
    with edit_task(workspace.paths(names[4]).folder) as info:
        runs.queue(info, attempt="b", batch="\ud800")
    settle(workspace)
    rows_of(workspace)
    reads.clear()
    assert rows_of(workspace)[names[4]]["status"] == "queued"
    assert sorted(reads) == sorted([names[2], names[4]])


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\x94", b"\x91\x01", b"[]" * 1000, b"\x91" * 100_000),
        *(stored(ROW, b"\x91\x01"), stored(ROW, b"\x90"), stored(b"\x90", b"\x90")),
        *map(
            stored,
            (
                *(b"\x91\x80", b"\x90", b"\x01", b"\x91" * 100_000),
                b"\x91\x82\xa4name\xa1\xff\xa6status\xa6failed",
                b"\x91\x82\xa4name\xa1x\xa6status\xa1x",
                ROW.replace(b"\x82", b"\x83") + b"\xaastatistics\x92\x91\xa1x\xc4\x01x",
                ROW.replace(b"\x82", b"\x83") + b"\xa5cells\x91\x01",
            ),
        ),
    ],
)
def test_a_damaged_cache_is_ignored(tmp_path: Path, state: Path, reads: list[str], content: bytes) -> None:
    workspace, _ = project(tmp_path)
    fresh = rows_of(workspace)
    (path,) = (state / "indexes").iterdir()
    path.write_bytes(stored(ROW))
    assert [*row_cache.read_rows(workspace.tasks).rows] == ["x"]
    path.write_bytes(content)
    assert row_cache.read_rows(workspace.tasks) == ({}, {}, {})
    reads.clear()
    assert rows_of(workspace) == fresh
    assert len(reads) == len(fresh)
    assert path.stat().st_mode & 0o077 == 0


def test_without_a_state_folder_all_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    workspace, names = project(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "file" / "state"))
    assert rows_of(workspace) == rows_of(workspace)
    assert len(reads) == 2 * len(names)


def test_caches_of_many_workspaces_are_bounded(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_cache, "_MAX_FILES", 2)
    for number in range(3):
        workspace = script_workspace(tmp_path / str(number))
        create_tasks(workspace, "lr: 1 | 2\n", "t")
        settle(workspace)
        rows_of(workspace)
    assert len(list((state / "indexes").iterdir())) == 2
    assert row_cache.read_rows(workspace.tasks)


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["failed", "completed"]), max_size=8),
    JSON
    | st.dictionaries(
        st.sampled_from(["swept", "messages", "created_at", "tags", "study", "aggregates"]), JSON, max_size=4
    ),
)
def test_any_row_is_as_before(
    tmp_path_factory: pytest.TempPathFactory, info: dict[str, Any], own: Any
) -> None:
    content = json.loads(json.dumps({**info, "pyruns_jupyter": own}))
    row = row_from(content, "/somewhere/t")
    tasks = tmp_path_factory.mktemp("tasks")
    row_cache.write_rows(tasks, [(7, row, None)])
    found = row_cache.read_rows(tasks)
    assert (repr(found.rows["t"]), found.signatures, found.batches) == (repr(row), {"t": 7}, {})
    assert repr(found.rows["t"].to_dict()) == repr(row.to_dict())


def test_rows_share_the_values_of_a_sweep(tmp_path: Path) -> None:
    infos: list[dict[str, Any]] = [
        {
            "pyruns_jupyter": json.loads(
                f'{{"swept": {{"lr": 0.25, "opt": "long-name", "seed": {seed}}}, "created_at": 1790000000.5}}'
            ),
            "records": [{"accuracy": 0.5}],
            "start_times": ["2026-01-01_00-00-00"],
        }
        for seed in range(2)
    ]
    row_cache.write_rows(tmp_path, [(7, row_from(info, f"t{at}"), None) for at, info in enumerate(infos)])
    one, other = row_cache.read_rows(tmp_path).rows.values()
    assert one.figures == {"accuracy": 0.5}
    assert one.shape is other.shape is row_from(infos[0], "t0").shape
    assert one.created_at is other.created_at is not None
    assert one.status is other.status is row_from(json.loads('{"status": "pending"}'), "t0").status
    assert one.swept == {"lr": 0.25, "opt": "long-name", "seed": 0}
    assert [value is other.swept[key] for key, value in one.swept.items()][:2] == [True, True]


def test_rows_without_all_of_their_values_are_ignored(tmp_path: Path) -> None:
    row = with_values(row_from({}, "t"), swept={"lr": 0.25, "opt": "adam"}, figures={"loss": 1.0})
    row_cache.write_rows(tmp_path, [(7, row, None)])
    assert row_cache.read_rows(tmp_path).rows == {"t": row}
    row_cache.write_rows(tmp_path, [(7, replace(row, cells=row.cells[:2]), None)])
    assert row_cache.read_rows(tmp_path).rows == {}


def test_rows_of_several_shapes_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_cache, "_PART_ROWS", 2)
    base = row_from({}, "t")
    values: list[dict[str, Any]] = [
        {"lr": -0.0},
        {},
        {"lr": 0.0},
        {"lr": 0.5},
        {"\ud800": 1},
        {},
        {"lr": 1},
        {},
    ]
    rows = [with_values(base, name=f"t{at}", swept=swept) for at, swept in enumerate(values)]
    rows[5] = with_values(rows[5], figures={"lr": 2.0})
    row_cache.write_rows(tmp_path, [(at, row, None) for at, row in enumerate(rows)])
    found = row_cache.read_rows(tmp_path)
    kept = [row for row in rows if row.name != "t4"]  # a name that cannot be encoded
    assert repr([*found.rows.values()]) == repr(kept)
    assert [*found.signatures.items()] == [(row.name, int(row.name[1:])) for row in kept]
