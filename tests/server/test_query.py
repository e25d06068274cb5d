"""Searching over REST: errors with a place, notices, logs, and actions that refuse to guess."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from pyruns_jupyter.core.query import compile, logs
from pyruns_jupyter.core.query.pattern import TimeBudget
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.runtime import MAX_SEARCHES
from tests.core.making import end_run, start_run
from tests.server.client import PATIENCE, Api, until
from tests.server.conftest import WS
from tests.server.test_tasks import ACTIONS, TASKS, create, names


async def test_a_field_that_there_is_not(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1 | 2\n", "t")
    page = await api.get(TASKS, {"query": "lrr<2"}, ws=WS)
    assert page["items"] == []
    (said,) = page["notices"]
    assert (said["code"], said["field"], said["line"], said["column"]) == ("unknown_field", "query", 1, 1)
    assert said["suggestions"] == ["lr<2"]
    assert "`lr`" in said["message"]


async def test_what_is_missing_is_said(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3\n", "t")
    folder = train.paths(made[0]).folder
    start_run(folder, pid=1, create_time=1.0)
    end_run(folder)
    with edit_task(folder) as info:
        info["records"] = [{"acc": 0.9}]
    assert await names(api, query="acc>0.5") == [made[0]]
    page = await api.get(TASKS, {"query": "acc>0.5"}, ws=WS)
    assert [said["message"] for said in page["notices"]] == ["2 of 3 tasks have no `acc`."]
    assert (await api.get(TASKS, {"query": "lr>1"}, ws=WS))["notices"] == []


async def test_a_key_that_is_only_in_the_configuration(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2\n", "t")
    config = train.paths(made[1]).folder / "config.yaml"
    config.write_text("lr: 2\ndata:\n  size: 7\n", encoding="utf-8")
    assert await names(api, query="size:7") == [made[1]]
    assert (await names(api, sort="data.size", order="asc"))[0] == made[1]


async def test_logs_are_searched(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2\n", "t")
    for name, text in zip(made, ("fine", "CUDA out of memory"), strict=True):
        paths = train.paths(name)
        start_run(paths.folder, pid=1, create_time=1.0)
        end_run(paths.folder)
        paths.log(1).parent.mkdir(exist_ok=True)
        paths.log(1).write_text(f"{text}\n", encoding="utf-8")
    assert await names(api, query='log:"Out of Memory"') == [made[1]]
    (item,) = (await api.get(TASKS, {"query": "log:memory"}, ws=WS))["items"]
    assert item["hit"] == {"line": 1, "text": "CUDA out of memory"}
    assert all("hit" not in item for item in (await api.get(TASKS, ws=WS))["items"])
    assert await names(api, query="log:/^fine$/ OR lr>1", sort="name", order="asc") == made


@pytest.mark.parametrize(
    "query",
    ["lrr<2", "-lrr<2", "no:lrr", "opt<2", "l:1", "(a", "status:faild", "/(a{2000}){2000}/", "-seed>>1"],
)
async def test_an_action_refuses_to_guess(api: Api, train: WorkspaceFolder, query: str) -> None:
    made = await create(api, "opt: sgd | adam\n", "t")
    answer = await api("post", ACTIONS, {"action": "delete", "query": query}, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == "query"
    assert answer.body["column"] >= 1
    assert sorted(await names(api)) == sorted(made)


async def test_an_action_over_a_query(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3\n", "t")
    done: Any = await api.post(ACTIONS, {"action": "delete", "query": "lr>=2 (lr<3 OR lr:7)"}, ws=WS)
    assert done["done"] == [made[1]]


@pytest.mark.parametrize("query", ["lrr<2", "-lrr<2", "l:1", "(a"])
async def test_an_export_refuses_to_guess(api: Api, train: WorkspaceFolder, query: str) -> None:
    """`-lrr<2` used to write all tasks into the file, without a word."""
    await create(api, "lr: 1 | 2\n", "t")
    answer = await api("get", "/workspaces/{ws}/export", query={"query": query, "runs": "latest"}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "query")


@pytest.mark.parametrize("field", ["note", "log"])
async def test_a_long_search_holds_nobody_up(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setattr(compile, "PATTERN_SECONDS", 0.2)
    monkeypatch.setattr(logs, "SECONDS", 0.2)
    remaining, begun, go_on = TimeBudget.remaining, list[TimeBudget](), threading.Event()

    def held(budget: TimeBudget) -> float:
        begun.append(budget)
        go_on.wait(PATIENCE)
        return remaining(budget)

    monkeypatch.setattr(TimeBudget, "remaining", held)
    (name,) = await create(api, "lr: 1\n", "t")
    paths = train.paths(name)
    start_run(paths.folder, pid=1, create_time=1.0)
    end_run(paths.folder)
    paths.log(1).parent.mkdir(exist_ok=True)
    paths.log(1).write_bytes(b"a" * 5_000_000 + b"\n")
    await api("patch", "/workspaces/{ws}/tasks/{task}", {"notes": "a" * 5000}, ws=WS, task=name)
    searches = [
        asyncio.ensure_future(api("get", TASKS, query={"query": f"{field}:/(a+)+b{number}/"}, ws=WS))
        for number in range(MAX_SEARCHES + 1)
    ]
    await until(lambda: asyncio.sleep(0, len(begun) == MAX_SEARCHES), "searches")
    assert len(await names(api)) == 1
    assert not any(search.done() for search in searches)
    for search in searches[1:]:
        search.cancel()
    go_on.set()
    answer = await searches[0]
    if field == "note":
        assert answer.status == 400
        assert answer.body["message"].startswith("Matching /(a+)+b0/ took longer than 0.2 s")
    else:
        assert (answer.body["total"], answer.body["notices"][0]["code"]) == (0, "logs_unread")


async def test_an_answer_is_made_once_and_never_old(api: Api, train: WorkspaceFolder) -> None:
    """Those who ask the same get the same; whoever changed something sees it in the next answer."""
    made = await create(api, "lr: 1 | 2 | 3\n", "t")
    for query in ({}, {"query": "lr>1"}, {"sort": "lr", "limit": 2}):
        pages = await asyncio.gather(*(api.get(TASKS, query=query, ws=WS) for _ in range(10)))
        assert all(page == pages[0] for page in pages)
    for number in range(15):
        task = made[number % 3]
        pinned = number % 2 == 0
        await api("patch", "/workspaces/{ws}/tasks/{task}", {"pinned": pinned}, ws=WS, task=task)
        rows = {row["name"]: row for row in (await api.get(TASKS, ws=WS))["items"]}
        assert rows[task]["pinned"] is pinned
        action = {"action": "unpin" if pinned else "pin", "names": [task]}  # nobody looks after this one
        await api.post(ACTIONS, action, ws=WS)
        rows = {row["name"]: row for row in (await api.get(TASKS, ws=WS))["items"]}
        assert rows[task]["pinned"] is not pinned
