"""What tables show beside the tasks: columns, values of configurations, groups, small curves."""

from __future__ import annotations

import time
from statistics import mean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core import query as queries
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.query.values import measure
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY
from pyruns_jupyter.core.tasks.row import row_from
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.columns import value_key
from pyruns_jupyter.service.groups import query_of
from tests.recorder import Recorder
from tests.server.client import Api, until
from tests.server.conftest import WS

TASKS, COLUMNS, GROUPS, CURVES = (
    f"/workspaces/{{ws}}/{name}" for name in ("tasks", "columns", "groups", "curves")
)


def finish(train: WorkspaceFolder, name: str, **records: object) -> None:
    task = Recorder(train, name)
    task.start()
    task.finish(records=records)


async def test_which_columns_there_are(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 0.1 | 0.2\nopt: sgd\nepochs: 3\n", "t")
    other = create_tasks(train, "lr: 0.2\nopt: adam\nepochs: 3\n", "other")
    finish(train, other[0], acc=0.5)
    found = await api.get(COLUMNS, ws=WS)
    assert {column["key"]: column for column in found["parameters"]} == {
        "lr": {"key": "lr", "distinct": 2, "tasks": 3, "swept": True},
        "opt": {"key": "opt", "distinct": 2, "tasks": 3, "swept": False},
        "epochs": {"key": "epochs", "distinct": 1, "tasks": 3, "swept": False},
    }
    assert found["figures"] == [{"key": "acc", "tasks": 1, "goal": "maximize"}]
    # As another program may write it: without what the script knows.
    train.paths(other[0]).folder.joinpath("config.yaml").write_text("lr: 0.2\nopt: adam\n", encoding="utf-8")
    finish(train, other[0], acc=0.75)

    async def lacking() -> bool:
        found = await api.get(COLUMNS, ws=WS)
        return any(c["key"] == "epochs" and c["distinct"] == 2 for c in found["parameters"])

    await until(lacking, "a key that one task lacks")


async def test_values_of_the_configuration_are_told_when_asked_for(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: .inf\nopt: sgd\n", "t")
    (item,) = (await api.get(TASKS, {"fields": ["opt", "lr", "none"]}, ws=WS))["items"]
    assert item["values"] == {"opt": "sgd", "lr": "Infinity"}
    (item,) = (await api.get(TASKS, ws=WS))["items"]
    assert "values" not in item


async def test_how_long_a_run_takes(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "epochs: 1 | 2 | 3 | 4\n", "t")
    assert (await api.get(TASKS, ws=WS))["typical_duration"] is None
    for name, seconds in zip(names, (1000.0, 3000.0, 2000.0, 50_000.0), strict=True):
        task = Recorder(train, name)
        task.start()
        status = "failed" if seconds == 50_000.0 else "completed"
        task.finish(status, finished_at=time.time() + seconds)

    async def known() -> Any:
        return (await api.get(TASKS, ws=WS))["typical_duration"]

    assert await until(known, "a typical duration") == pytest.approx(2000.0, abs=500.0)


async def test_seeds_are_folded_to_mean_and_deviation(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "lr: 0.1 | 0.01\nepochs: 1 | 2 | 3\n", "t")
    accuracies = dict(zip(names, (0.5, 0.6, 0.7, 0.9, float("nan"), 0.8), strict=True))
    for name, acc in accuracies.items():
        finish(train, name, acc=acc, model="cnn")
    found = await api.get(GROUPS, {"fold": "epochs"}, ws=WS)
    assert (found["by"], found["total"], found["tasks"]) == (["lr"], 2, 6)
    first, second = found["items"]
    assert (first["values"], first["tasks"], first["names"]) == ({"lr": 0.1}, 3, names[:3])
    assert first["counts"]["completed"] == 3
    assert first["figures"] == {
        "acc": {
            "count": 3,
            "mean": pytest.approx(mean((0.5, 0.6, 0.7))),
            "deviation": pytest.approx(stdev((0.5, 0.6, 0.7))),
            "least": 0.5,
            "greatest": 0.7,
        }
    }
    assert second["figures"]["acc"]["count"] == 2

    for order, expected in (("desc", [0.01, 0.1]), ("asc", [0.1, 0.01])):
        found = await api.get(GROUPS, {"fold": "epochs", "sort": "figure.acc", "order": order}, ws=WS)
        assert [item["values"]["lr"] for item in found["items"]] == expected
    found = await api.get(
        GROUPS, {"by": "epochs", "query": "lr:0.1", "sort": "config.epochs", "limit": 2}, ws=WS
    )
    assert [(item["values"], item["tasks"]) for item in found["items"]] == [
        ({"epochs": 1}, 1),
        ({"epochs": 2}, 1),
    ]
    assert found["total"] == 3

    for item in (await api.get(GROUPS, {"by": "epochs"}, ws=WS))["items"]:
        page = await api.get(TASKS, {"query": item["query"], "order": "asc"}, ws=WS)
        assert [row["name"] for row in page["items"]] == item["names"]


async def test_groups_leave_out_metrics_whose_sum_is_too_large(api: Api, train: WorkspaceFolder) -> None:
    for name, acc in zip(
        create_tasks(train, "lr: 0.1\nepochs: 1 | 2 | 3\n", "t"), (1e308, 1.5e308, 2.0), strict=True
    ):
        finish(train, name, acc=acc)
    (group,) = (await api.get(GROUPS, {"fold": "epochs", "sort": "figure.acc"}, ws=WS))["items"]
    assert (group["figures"]["acc"]["count"], group["figures"]["acc"]["mean"]) == (1, 2.0)


@pytest.mark.parametrize(
    "query",
    [
        {"by": "lr", "fold": "epochs"},
        {"by": "lr", "sort": "name"},
        {"by": "lr", "order": "up"},
        {"by": "lr", "query": "(("},
    ],
)
async def test_groups_that_cannot_be_made(api: Api, train: WorkspaceFolder, query: dict[str, str]) -> None:
    create_tasks(train, "lr: 1", "t")
    assert (await api("get", GROUPS, query=query, ws=WS)).status == 400


async def test_one_curve_of_several_tasks(api: Api, train: WorkspaceFolder) -> None:
    one, two, none = create_tasks(train, "lr: 1 | 2 | 3", "t")
    for name, count in ((one, 3), (two, 1000)):
        task = Recorder(train, name)
        task.start()
        task.finish(tracks={"loss": [1.0 / (step + 1) for step in range(count)]})
    found = await api.get(CURVES, {"key": "loss", "points": 10, "name": [one, two, none, "missing"]}, ws=WS)
    assert [item["name"] for item in found["items"]] == [one, two]
    assert found["items"][0]["values"] == [1.0, 0.5, 1 / 3]
    thinned = found["items"][1]
    assert len(thinned["values"]) == len(thinned["places"]) <= 10
    assert (thinned["places"][0], thinned["places"][-1]) == (0, 999)
    assert (await api.get(CURVES, {"key": "acc", "name": one}, ws=WS))["items"] == []


_WORDS = (
    "null",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
)  # that a search also takes for values, as it does numbers
_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=6).filter(
        lambda text: text.casefold() not in _WORDS and measure(text) is None
    ),
    st.sampled_from(["a b", 'a"b', "*", "/x/", "x,y", "1..2"]),
)


@given(value=_values, others=st.lists(_values, max_size=6))
def test_the_search_of_a_group_finds_its_tasks(value: Any, others: list[Any]) -> None:
    rows = [
        row_from({OWN_KEY: {"swept": {"the.key": one}}}, f"tasks/t{number}")
        for number, one in enumerate([value, *others], start=1)
    ]
    found = queries.select(rows, query_of({"the.key": value}) or "", limit=None).items
    expected = [row.name for row in rows if _found_as(row.swept["the.key"]) == _found_as(value)]
    assert sorted(row.name for row in found) == sorted(expected)


def _found_as(value: Any) -> object:
    """What a search tells apart: not the case of letters, nor 1 from 1.0."""
    if isinstance(value, str):
        return value.casefold()
    return value if value is None or isinstance(value, bool) else (float(value),)


def test_values_of_different_types_are_different_values() -> None:
    nan = float("nan")
    values = [1, 1.0, True, "1", [1], {"a": 1}, None, nan]
    assert len({value_key(value) for value in [*values, *values, float("nan"), [1]]}) == len(values)
