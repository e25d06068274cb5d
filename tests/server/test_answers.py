"""Answers as JSON, and how large they may become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import tasks as service_tasks
from pyruns_jupyter.service.http_errors import to_json
from tests.recorder import Recorder
from tests.server.client import Api, until
from tests.server.conftest import WS
from tests.server.test_tasks import TASKS

TRACKS = "/workspaces/{ws}/tasks/{task}/tracks"
_values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@given(_values)
def test_json_in_pieces_is_the_same(value: Any) -> None:
    whole = json.dumps(value, allow_nan=False, separators=(",", ":"))
    assert to_json(value) == whole
    assert to_json({"items": [value] * 101}) == json.dumps({"items": [value] * 101}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [float("nan")]}, '{"a":["NaN"]}'),
        ({1: "x", None: 2}, '{"1":"x","null":2}'),
        ({}, "{}"),
        ([], "[]"),
        ([[float("inf")]] * 101, json.dumps([["Infinity"]] * 101, separators=(",", ":"))),
    ],
)
def test_json_of_odd_values(value: Any, text: str) -> None:
    assert to_json(value) == text


async def test_many_long_curves_are_bounded_in_total(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1\n", "one")
    task = Recorder(train, "one")
    task.start()
    task.finish(tracks={f"key{number}": list(range(10_000)) for number in range(40)})
    whole = await api.get(TRACKS, ws=WS, task="one")
    some_of_them = await api.get(TRACKS, {"points": 100_000}, ws=WS, task="one")
    for answer in (whole, some_of_them):
        assert len(answer["tracks"]) == 40
        assert 100_000 < sum(map(len, answer["tracks"].values())) <= 200_000
        assert {(values[0], values[-1]) for values in answer["tracks"].values()} == {(0, 9999)}


@pytest.mark.parametrize("sorted_at_first", [2, 3, 1000])
async def test_pages_of_one_selection_follow_changes(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, sorted_at_first: int
) -> None:
    monkeypatch.setattr(service_tasks, "_FIRST_ROWS", sorted_at_first)
    for number in range(5):
        create_tasks(train, "lr: 1\n", f"task{number}")
        task = Recorder(train, f"task{number}")
        task.start()
        task.finish(tracks={"accuracy": [number]})

    async def names(limit: int = 2, **query: Any) -> list[str]:
        pages = [
            await api.get(TASKS, {"limit": limit, "offset": offset, **query}, ws=WS)
            for offset in range(0, 6, limit)
        ]
        assert {page["total"] for page in pages} == {sum(len(page["items"]) for page in pages)}
        return [item["name"] for page in pages for item in page["items"]]

    sorted_by: dict[str, Any] = {"sort": "accuracy", "order": "asc", "best": "accuracy"}
    assert await names(**sorted_by) == [f"task{number}" for number in range(5)]
    assert await names(**{**sorted_by, "order": "desc"}) == [f"task{number}" for number in (4, 3, 2, 1, 0)]
    assert await names(**sorted_by, query="accuracy>2") == ["task3", "task4"]
    again = Recorder(train, "task0")
    again.start()
    again.finish(tracks={"accuracy": [9]})

    async def is_seen() -> bool:
        return await names(limit=6, **sorted_by) == [f"task{number}" for number in (1, 2, 3, 4, 0)]

    await until(is_seen)
    assert await names(**sorted_by) == [f"task{number}" for number in (1, 2, 3, 4, 0)]
    assert await names(**sorted_by, query="accuracy>2") == ["task3", "task4", "task0"]
    first = {"limit": 1, **sorted_by}
    assert (await api.get(TASKS, first, ws=WS))["best"]["accuracy"]["value"] == 9
    await api("patch", "/workspaces/{ws}/metrics", {"name": "accuracy", "goal": "minimize"}, ws=WS)
    assert (await api.get(TASKS, first, ws=WS))["best"]["accuracy"]["value"] == 1
