"""NaN and the infinities, on their way from a script into a task file that is strict JSON, and back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.json_floats import decode_nonfinite
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import dump_json
from pyruns_jupyter.core.metrics.read import last_metrics, run_metrics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from tests.core.making import end_run, one_task, script_workspace, set_pinned, start_run

NAN, INF = math.nan, math.inf
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text("abN", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


def strict_json(path: Path) -> Any:
    """Read a file as a parser does that knows no NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{path} holds {word}")

    return json.loads(path.read_bytes(), parse_constant=refuse)


def test_a_run_that_diverged(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    start_run(folder, pid=1, create_time=0.0)
    end_run(
        folder,
        records={"best": -INF, "table": [1, {"x": NAN}], "said": "no NaN"},
        tracks={"loss": [1.0, INF, NAN], "step": [1, 2, 3]},
    )
    stored = strict_json(folder / "task_info.json")
    assert stored["tracks"] == [{"loss": [1.0, "Infinity", "NaN"], "step": [1, 2, 3]}]
    assert stored["records"] == [{"best": "-Infinity", "table": [1, {"x": "NaN"}], "said": "no NaN"}]

    index = TaskIndex(workspace)
    index.refresh()
    shown = {"loss": NAN, "step": 3, "best": -INF, "said": "no NaN"}
    assert repr(index.rows["one"].figures) == repr(shown)
    info = read_task(folder)
    run = runs.latest(info)
    assert run is not None
    records = {"best": -INF, "table": [1, {"x": NAN}], "said": "no NaN"}
    assert repr(run.records) == repr(records)
    found = run_metrics(info, run, TaskPaths(folder))
    assert repr(found.tracks) == repr({"loss": [1.0, INF, NAN], "step": [1, 2, 3]})
    assert repr(found.records) == repr(records)
    assert repr(last_metrics(info, run, TaskPaths(folder))["loss"]) == "nan"


def test_a_sweep_over_infinity(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "lr: .inf | 0.5", "ab")
    strict_json(workspace.tasks / names[0] / "task_info.json")
    index = TaskIndex(workspace)
    index.refresh()
    assert [index.rows[name].swept for name in names] == [{"lr": INF}, {"lr": 0.5}]


def test_a_file_that_holds_nan_is_read_and_becomes_strict_with_the_next_change(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    with edit_task(folder) as info:
        info.update(start_times=[""], records=[{"loss": "here"}])
    path = folder / "task_info.json"
    path.write_bytes(path.read_bytes().replace(b'"here"', b"NaN"))
    index = TaskIndex(workspace)
    index.refresh()
    assert repr(index.rows["one"].figures) == repr({"loss": NAN})
    assert b": NaN" in path.read_bytes()
    set_pinned(workspace, "one", True)
    assert strict_json(path)["records"] == [{"loss": "NaN"}]
    index.refresh()
    assert repr(index.rows["one"].figures) == repr({"loss": NAN})


@given(JSON)
def test_every_value_comes_back(value: Any) -> None:
    data = dump_json(value)
    assert repr(decode_nonfinite(json.loads(data, parse_constant=pytest.fail))) == repr(value)


def test_what_holds_no_such_number_is_not_copied() -> None:
    value = {"a": [1.5, "x", {"b": None}], "c": "Infinite"}
    assert decode_nonfinite(value) is value
    assert decode_nonfinite({"a": [["NaN"]], "b": 1})["b"] == 1
    deep: Any = "NaN"
    for _ in range(100_000):
        deep = [deep]
    assert decode_nonfinite(deep) is deep
