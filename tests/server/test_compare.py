"""Tasks side by side over REST."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.tasks.failure_groups import FailureGroup, failures_summary
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import Api
from tests.server.conftest import WS

COMPARE, FAILURES = "/workspaces/{ws}/compare", "/workspaces/{ws}/failures"
pytestmark = pytest.mark.parametrize(
    "server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""]
)


def values(columns: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {column["key"]: column["values"] for column in columns}


async def test_only_what_differs(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "lr: 0.1 | 0.2\nopt: sgd\nepochs: 3\n", "t")
    other = create_tasks(train, "lr: 0.2\nopt: adam\n", "other")
    for name, acc in zip([*names, *other], (0.5, 0.75, float("nan")), strict=True):
        task = Recorder(train, name)
        task.start()
        task.finish(records={"acc": acc})
    found = await api.get(COMPARE, ws=WS)
    assert [task["name"] for task in found["tasks"]] == [*names, *other]
    assert {task["status"] for task in found["tasks"]} == {"completed"}
    parameters = values(found["parameters"])
    assert parameters["lr"] == [0.1, 0.2, 0.2]
    assert parameters["opt"] == ["sgd", "sgd", "adam"]
    assert values(found["figures"]) == {"acc": [0.5, 0.75, "NaN"]}
    assert [column["goal"] for column in found["figures"]] == ["maximize"]
    await api("patch", "/workspaces/{ws}/metrics", {"name": "acc", "goal": "minimize"}, ws=WS)
    assert [column["goal"] for column in (await api.get(COMPARE, ws=WS))["figures"]] == ["minimize"]

    answer = await api("get", f"{COMPARE}", query={"query": "opt:sgd", "sort": "acc", "order": "desc"}, ws=WS)
    assert [task["name"] for task in answer.body["tasks"]] == names[::-1]
    assert "opt" not in values(answer.body["parameters"])

    path = api.path(COMPARE, ws=WS) + f"?name={other[0]}&name={names[0]}"
    response = await api.raw("get", path)
    assert response.code == 200
    assert response.body.index(other[0].encode()) < response.body.index(names[0].encode())
    one = await api.get(COMPARE, {"name": names[0]}, ws=WS)
    assert one["parameters"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"name": "a", "query": "b"}, 400),
        ({"query": "(("}, 400),
        ({"order": "up"}, 400),
        ({"status": "odd"}, 400),
    ],
)
async def test_wrong_comparisons(
    api: Api, train: WorkspaceFolder, query: dict[str, str], status: int
) -> None:
    assert (await api("get", COMPARE, query=query, ws=WS)).status == status


async def test_many_names_and_some_that_are_gone(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "lr: (0:300:1)\n", "a-rather-long-name-of-a-task")
    wanted = [*names[::-1], "gone"]
    answer = await api("post", COMPARE, {"names": wanted}, ws=WS)
    assert answer.status == 200
    assert [task["name"] for task in answer.body["tasks"]] == names[::-1]
    assert answer.body["missing"] == ["gone"]
    assert values(answer.body["parameters"])["lr"] == list(range(299, -1, -1))
    assert (await api.get(COMPARE, {"name": "gone"}, ws=WS))["missing"] == ["gone"]
    assert (await api("post", COMPARE, {"name": "one"}, ws=WS)).status == 400
    assert (await api("post", COMPARE, {"names": "one"}, ws=WS)).status == 400


async def test_failures_are_gathered_with_what_they_share(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "lr: 0.1 | 0.2\nepochs: 128 | 256 | 512\nopt: sgd | adam\n", "t")
    for name in names:
        task = Recorder(train, name)
        task.start()
        config = (train.paths(name).folder / "config.yaml").read_text()
        if "512" in config:
            # Two frames of one traceback, with different numbers in its message.
            headline = f"RuntimeError: CUDA out of memory, tried {len(name)} GiB"
            task.finish("failed", exit_code=1, failure=[headline, "c0ffee"])
        elif "epochs: 128" in config and "0.1" in config:
            task.finish("failed", exit_code=3)
        else:
            task.finish()
    found = (await api.get(COMPARE, ws=WS))["failures"]
    assert [len(group["names"]) for group in found] == [4, 2]
    first, second = found
    assert first["message"].startswith("RuntimeError: CUDA out of memory")
    assert first["others"] == 8
    assert first["shared"] == [{"key": "epochs", "value": 512, "others": 0}]
    assert second["message"] == "Exit code 3"
    shared = {one["key"]: (one["value"], one["others"]) for one in second["shared"]}
    assert shared == {"epochs": (128, 2), "lr": (0.1, 4)}
    assert [one["key"] for one in second["shared"]] == ["epochs", "lr"]

    one = next(name for name in names if name in first["names"])
    alone = (await api.get(COMPARE, {"name": one}, ws=WS))["failures"]
    assert alone == [{**first, "names": [one], "others": 0, "shared": []}]
    assert "GPU memory" in first["advice"]
    assert first["remedies"] == [
        {"kind": "exclusive_gpus", "run": {"gpus": 1}},
        {"kind": "sequential", "run": {"jobs": 1}},
    ]
    assert second["remedies"] == []

    whole = await api.post(FAILURES, {}, ws=WS)
    assert whole == {"tasks": 12, "groups": found}
    assert await api.post(FAILURES, {"query": "epochs:512"}, ws=WS) == {
        "tasks": 4,
        "groups": [{**first, "others": 0, "shared": []}],
    }
    named = await api.post(FAILURES, {"names": [one, one, "none"]}, ws=WS)
    assert named == {"tasks": 1, "groups": alone}
    assert failures_summary([FailureGroup("", ("a",), 0, ())]) == "1 of 1 failed: 1 unknown reason."
    many = failures_summary([FailureGroup("Killed", ("a",), 1, ())], more_failed=2, more=5)
    assert many == "3 of 7 failed: 1 Killed; 2 others."
    refused = await api("post", FAILURES, {"names": [one], "query": "lr>0"}, ws=WS)
    assert (refused.status, refused.body["field"]) == (400, "names")


async def test_too_many(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: (0:501:1)\n", "t")
    answer = await api("get", COMPARE, ws=WS)
    assert answer.status == 400
    assert "At most 500 tasks can be compared, not 501" in answer.body["message"]
    assert len((await api.get(COMPARE, {"query": "lr<100"}, ws=WS))["tasks"]) == 100


async def test_failures_of_many_tasks(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "lr: (0:501:1)\n", "t")
    failed = Recorder(train, names[500])
    failed.start()
    failed.finish("failed", exit_code=2)
    found = await api.post(FAILURES, {"names": names}, ws=WS)
    assert found["tasks"] == 501
    (group,) = found["groups"]
    assert (group["names"], group["others"]) == ([names[500]], 500)


async def test_configurations_become_a_sweep(api: Api, train: WorkspaceFolder) -> None:
    names = create_tasks(train, "lr: 0.1 | 0.2\nopt: sgd | adam\n", "t")
    chosen = [names[0], names[3]]
    joined = await api.post("/workspaces/{ws}/templates", {"names": chosen}, ws=WS)
    assert "lr: (0.1 | 0.2)" in joined["text"]
    assert "opt: (sgd | adam)" in joined["text"]
    preview = await api.post("/workspaces/{ws}/preview", {"text": joined["text"]}, ws=WS)
    assert (preview["count"], preview["errors"]) == (2, [])
    alone = await api.post("/workspaces/{ws}/templates", {"names": chosen[:1]}, ws=WS)
    assert alone["text"] == (train.paths(chosen[0]).folder / "config.yaml").read_text()
    assert (await api("post", "/workspaces/{ws}/templates", {"names": ["none"]}, ws=WS)).status == 404
    assert (await api("post", "/workspaces/{ws}/templates", {"names": []}, ws=WS)).status == 400
