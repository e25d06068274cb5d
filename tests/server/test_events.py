"""The event socket: what changes on disk arrives, once, by whomever it was done."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.tasks.trash import trash
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.server.services import SETTING
from tests.core.making import set_pinned
from tests.server.client import Api, Stream, until
from tests.server.conftest import WS

EVENTS = "/workspaces/{ws}/events"

PIN = """
import sys
from pathlib import Path
from pyruns_jupyter.core.taskfile.task_file import edit_task
with edit_task(Path(sys.argv[1])) as info:
    info["pinned"] = True
"""


async def hear(api: Api, **query: Any) -> tuple[Stream, dict[str, Any]]:
    stream = await api.stream(EVENTS, query, ws=WS)
    hello = await stream.message("EventMessage")
    assert hello["type"] == "hello"
    return stream, hello


async def test_changes_made_by_another_process_arrive(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1 | 2", "t")
    page = await api.get("/workspaces/{ws}/tasks", ws=WS)
    stream, hello = await hear(api)
    assert (hello["epoch"], hello["revision"]) == (page["epoch"], page["revision"])
    assert hello["counts"]["pending"] == 2
    name = page["items"][0]["name"]
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", PIN, str(train.tasks / name)], check=True)
    message = await stream.message("EventMessage")
    assert message["type"] == "changes"
    assert message["revision"] > hello["revision"]
    assert [(row["name"], row["pinned"]) for row in message["changed"]] == [(name, True)]
    assert message["removed"] == []
    stream.close()


async def test_new_and_removed_tasks(api: Api, train: WorkspaceFolder) -> None:
    stream, _ = await hear(api)
    made = (await api.post("/workspaces/{ws}/tasks", {"text": "lr: 1 | 2", "name": "t"}, ws=WS))["names"]
    seen: set[str] = set()
    while seen != set(made):  # the server may look between the two
        message = await stream.message("EventMessage")
        seen |= {row["name"] for row in message["changed"]}
    assert message["counts"]["pending"] == 2
    await asyncio.to_thread(trash, train, made[0])
    message = await stream.message("EventMessage")
    assert (message["changed"], message["removed"]) == ([], made[:1])
    assert message["counts"]["pending"] == 1
    stream.close()


async def test_all_listeners_hear_the_same(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1", "one")
    streams = [(await hear(api))[0] for _ in range(5)]
    await asyncio.to_thread(set_pinned, train, "one", True)
    messages = [await stream.message("EventMessage") for stream in streams]
    assert all(message == messages[0] for message in messages)
    for stream in streams:
        stream.close()


async def test_coming_back(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1 | 2 | 3", "t")
    stream, hello = await hear(api)
    stream.close()
    names = sorted(train.task_names())
    await asyncio.to_thread(set_pinned, train, names[0], True)
    await asyncio.to_thread(trash, train, names[1])
    stream, again = await hear(api, epoch=hello["epoch"], since=hello["revision"])
    assert again["revision"] == hello["revision"]
    changed: list[str] = []
    removed: list[str] = []
    while not (changed and removed):  # the server may have seen one change before the other
        message = await stream.message("EventMessage")
        assert message["type"] == "changes"
        changed += [row["name"] for row in message["changed"]]
        removed += message["removed"]
    assert (changed, removed) == (names[:1], names[1:2])
    stream.close()
    # Nothing new: nothing but the greeting.
    stream, again = await hear(api, epoch=hello["epoch"], since=message["revision"])
    waiting = asyncio.ensure_future(stream.frame())
    await asyncio.wait([waiting], timeout=0.5)
    assert not waiting.done()
    await asyncio.to_thread(set_pinned, train, names[0], False)
    assert await waiting
    stream.close()


@pytest.mark.parametrize("since", [0, 10**6])
async def test_coming_back_to_another_life_of_the_server(
    api: Api, train: WorkspaceFolder, since: int
) -> None:
    create_tasks(train, "lr: 1", "one")
    stream, hello = await hear(api, epoch="another", since=since)
    message = await stream.message("EventMessage")
    assert message["type"] == "reset"
    assert message["revision"] == hello["revision"]
    stream.close()
    stream, _ = await hear(api, epoch=hello["epoch"], since=10**6)
    assert (await stream.message("EventMessage"))["type"] == "reset"
    stream.close()


async def test_very_many_changes_are_listed_again(
    api: Api, jp_serverapp: Any, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyruns_jupyter.live.events.MAX_CHANGES", 3)
    watcher = jp_serverapp.web_app.settings[SETTING].watchers.get(train)
    stream, hello = await hear(api)
    async with watcher._turn:  # nobody looks between two of them
        await asyncio.to_thread(create_tasks, train, "lr: 1 | 2 | 3 | 4", "t")
    message = await stream.message("EventMessage")
    assert message["type"] == "reset"
    assert message["revision"] > hello["revision"]
    assert message["counts"]["pending"] == 4
    stream.close()


async def test_listeners_have_nothing_to_say(api: Api, train: WorkspaceFolder) -> None:
    stream, _ = await hear(api)
    await stream.send({"ack": 1})
    assert await stream.frame() is None
    assert stream.connection.close_code == 1008


async def test_a_wrong_revision_is_refused(api: Api, train: WorkspaceFolder) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await api.stream(EVENTS, {"since": "x"}, ws=WS)
    assert refused.value.code == 400


async def test_the_disk_is_looked_at_only_while_somebody_listens(
    api: Api, jp_serverapp: Any, train: WorkspaceFolder
) -> None:
    watcher = jp_serverapp.web_app.settings[SETTING].watchers.get(train)
    assert not watcher.watching
    first, _ = await hear(api)
    second, _ = await hear(api)
    assert watcher.watching
    first.close()
    second.close()

    async def stopped() -> bool:
        return not watcher.watching

    await until(stopped)


async def test_a_server_that_stops_says_goodbye(api: Api, jp_serverapp: Any, train: WorkspaceFolder) -> None:
    stream, _ = await hear(api)
    system = await api.stream("/system/stream")
    await system.message("SystemMessage")
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert await stream.frame() is None
    assert stream.connection.close_code == 1001
    while await system.frame() is not None:
        pass
    assert system.connection.close_code == 1001
