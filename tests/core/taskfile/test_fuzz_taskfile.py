"""Whatever a task file holds: no exception, rows that fit on a page, and no changed file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core import query
from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.taskfile.fast_parse import MIN_BYTES, only_last_points
from pyruns_jupyter.core.taskfile.ownership import Ownership, abandoned_run
from pyruns_jupyter.core.taskfile.runs import SLOTS, STATUSES, latest, runs
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import row_from
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import tasks
from tests.core.damage import state_of

NUMBERS = (
    st.integers() | st.floats() | st.sampled_from([0, -1, 1e308, -1e308, 2**63, 10**400, 1e15, 253402300800])
)
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
STAMPS = st.sampled_from(
    [
        "2026-03-01_10-00-00",
        "0001-01-01_00-00-00",
        "9999-12-31_23-59-59",
        "2026-3-1_1-2-3",
        "2026-02-30_00-00-00",
        "x",
    ]
)
WORDS = st.sampled_from(
    [*STATUSES, "shell", "python", "config", "a1", "", "../x", "config.yaml", "\x1b[2J", "\ud800"]
)
VALUES = ANY | STAMPS | WORDS | st.lists(STAMPS | WORDS | NUMBERS | st.none(), max_size=3)
CURVES = st.dictionaries(st.text(max_size=4), st.lists(NUMBERS, max_size=5) | ANY, max_size=3)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "swept": ANY | st.dictionaries(st.text(max_size=4), ANY, max_size=4),
        "times": ANY
        | st.dictionaries(st.sampled_from(["1", "2", "x"]), st.lists(NUMBERS | st.none(), max_size=3)),
        "messages": ANY | st.dictionaries(st.sampled_from(["0", "1", "2"]), ANY, max_size=2),
        "tags": ANY | st.lists(st.text(max_size=5), max_size=3),
        "order": ANY,
        "created_at": ANY,
        "queue": ANY,
    },
)
SCALARS = [
    "name",
    "status",
    "progress",
    "created_at",
    "pinned",
    "task_kind",
    "config_file",
    "notes",
    "run_index",
    "_attempt_id",
    "runner_host",
    "lease_until",
    "env",
    "script",
    "track_store",
    "cancel_requested_at",
    "_namespace_operation",
]
INFOS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(SCALARS, VALUES),
        **dict.fromkeys(SLOTS, st.lists(VALUES, max_size=3) | VALUES),
        "records": st.lists(st.dictionaries(st.text(max_size=4), ANY, max_size=3), max_size=3) | VALUES,
        "tracks": st.lists(CURVES, max_size=3) | VALUES,
        OWN_KEY: OWN | ANY,
    },
)
QUERIES = [
    "",
    "x",
    "lr>1",
    "status:failed",
    "has:a",
    "started>2d",
    "gpu:0",
    "-note:x",
    "runs>0 OR exit_code=1",
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceFolder:
    made = WorkspaceFolder(tmp_path_factory.mktemp("fuzz") / "_pyruns_" / "w")
    (made.tasks / "t").mkdir(parents=True)
    (made.folder / "script_info.json").write_text('{"workspace_kind": "script"}')
    (made.tasks / "t" / "config.yaml").write_text("lr: 1\n")
    return made


def put(workspace: WorkspaceFolder, data: bytes) -> Path:
    path = workspace.tasks / "t" / "task_info.json"
    path.write_bytes(data)
    return path.parent


def reading(folder: Path) -> tuple[bool, str | None]:
    try:
        read_task(folder)
    except Unreadable as error:
        return False, error.message
    return True, None


@given(INFOS)
def test_any_object(workspace: WorkspaceFolder, info: dict[str, Any]) -> None:
    folder = put(workspace, json.dumps(info).encode())
    before = state_of(workspace.root)
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows["t"]
    assert row.readable
    assert row.status in STATUSES
    assert index.counts[row.status] == 1
    text = json.dumps(row.to_dict(), allow_nan=False)
    assert json.loads(text) == row.to_dict()
    hash((row.name, row.tags, row.gpus, row.notes))
    read = read_task(folder)
    assert [run.index for run in runs(read)] == list(range(1, row.runs + 1))
    last = latest(read)
    assert (last.index if last else 0) == row.run
    Ownership.of(read)
    abandoned_run(read, folder)
    index.refresh()
    assert set(index.configs()) == ({"t"} if row.kind == "python" else set())
    for text in QUERIES:
        query.select(index.rows.values(), query=text, sort="started")
    detail = tasks.detail(index, "t")
    assert detail["task"]["name"] == "t"
    json.dumps(detail["task"], allow_nan=False)
    assert all(run["index"] for run in detail["history"])
    assert state_of(workspace.root) == before


@given(ANY | INFOS, st.integers(0, 400), st.binary(max_size=8))
def test_any_text(workspace: WorkspaceFolder, value: Any, cut: int, junk: bytes) -> None:
    data = json.dumps(value, indent=2).encode()
    folder = put(workspace, data[:cut] + junk + data[cut + len(junk) :])
    before = state_of(workspace.root)
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows["t"]
    assert (row.readable, row.message if not row.readable else None) == reading(folder)
    json.dumps(row.to_dict(), allow_nan=False)
    tasks.detail(index, "t")
    index.configs()
    assert state_of(workspace.root) == before


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["loss", "]", '": [\n', "  ],"]),
            st.lists(NUMBERS | st.none() | st.text(max_size=2), max_size=4)
            | st.lists(st.floats() | st.sampled_from(["NaN", "-Infinity"]), min_size=120, max_size=130)
            | st.lists(st.sampled_from([1, "NaN", "fit]", '"', "t,i]"]), min_size=50, max_size=60)
            | ANY,
            max_size=3,
        ),
        max_size=2,
    ),
    st.sampled_from([None, 1, 2]),
)
def test_the_last_points_are_the_same_in_large_files(
    curves: list[dict[str, Any]], indent: int | None
) -> None:
    info = {
        "name": "t",
        "status": "completed",
        "tracks": curves,
        "start_times": [""] * len(curves),
        "notes": "x" * MIN_BYTES + '\n  "tracks": [\n',
        OWN_KEY: {"swept": {"layers": list(range(30))}},
    }
    data = json.dumps(info, indent=indent).encode()
    short = only_last_points(data)
    assert repr(row_from(json.loads(short), "t")) == repr(row_from(json.loads(data), "t"))
    if indent == 2 and any(
        len(curve) > 100 for run in curves for curve in run.values() if isinstance(curve, list)
    ):
        assert len(short) < len(data)
    assert only_last_points(data[: len(data) // 2]) is not None


@pytest.mark.parametrize("pid", [-11579923845, -1, 0, 2**40])
def test_a_process_that_cannot_be(workspace: WorkspaceFolder, pid: int) -> None:
    run = {"start_times": ["2026-03-01_10-00-00"], "pids": [pid], "run_attempt_ids": ["a"]}
    put(workspace, json.dumps({"name": "t", "status": "running", **run}).encode())
    index = TaskIndex(workspace)
    index.refresh()
    assert index.rows["t"].readable
