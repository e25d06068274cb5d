"""Answers as JSON, and how large they may become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.http_errors import to_json
from tests.recorder import Recorder
from tests.server.client import Api
from tests.server.conftest import WS

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
