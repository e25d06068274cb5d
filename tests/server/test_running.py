"""The whole road over REST and sockets: a sweep is created, run by the real engine, watched to its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from tests.server.client import Api, check_schema, until
from tests.server.conftest import WS

TASKS, ACTIONS = "/workspaces/{ws}/tasks", "/workspaces/{ws}/actions"
STREAM = "/workspaces/{ws}/tasks/{task}/logs/stream"


async def whole_log(api: Api, task: str, ws: str = WS) -> tuple[bytes, dict[str, Any]]:
    """Follow a log from its first byte to its end."""
    stream = await api.stream(STREAM, {"offset": 0}, ws=ws, task=task)
    header = await stream.message("LogMessage")
    assert header["type"] == "header"
    data = b""
    while True:
        frame = await stream.frame()
        if isinstance(frame, bytes):
            data += frame
            await stream.send({"ack": len(data)})
            continue
        assert isinstance(frame, str), "the stream broke off"
        message = json.loads(frame)
        check_schema("LogMessage", message)
        assert message["type"] == "end"
        return data, message


async def test_a_sweep_runs_to_its_end(api: Api, train: WorkspaceFolder) -> None:
    events = await api.stream("/workspaces/{ws}/events", ws=WS)
    assert (await events.message("EventMessage"))["type"] == "hello"
    created = await api.post(
        TASKS, {"text": "lr: 0.25 | 0.5 | 1\nepochs: 2\n", "name": "sweep", "run": {"jobs": 2}}, ws=WS
    )
    assert created["queued"]
    assert created["message"] is None
    log, end = await whole_log(api, created["names"][1])
    assert b"epoch 0 loss 0.5" in log
    assert b"epoch 1 loss 0.25" in log
    assert (end["status"], end["exit_code"]) == ("completed", 0)
    assert log == train.paths(created["names"][1]).log(1).read_bytes()

    seen: dict[str, list[str]] = {name: [] for name in created["names"]}
    while not all(statuses[-1:] == ["completed"] for statuses in seen.values()):
        message = await events.message("EventMessage")
        assert message["type"] == "changes"
        for row in message["changed"]:
            seen[row["name"]].append(row["status"])
    order = ["pending", "queued", "running", "completed"]
    for statuses in seen.values():
        assert statuses == sorted(statuses, key=order.index)
    page = await api.get(TASKS, {"sort": "acc", "order": "desc"}, ws=WS)
    assert page["counts"]["completed"] == 3
    assert [row["figures"]["acc"] for row in page["items"]] == [0.75, 0.5, 0]
    assert all(row["exit_code"] == 0 and row["duration"] >= 0 for row in page["items"])
    tracks = await api.get("/workspaces/{ws}/tasks/{task}/tracks", ws=WS, task=created["names"][0])
    assert tracks["tracks"]["loss"] == [0.25, 0.125]
    assert tracks["records"] == {"acc": 0.75}
    # And again, by a query; a task that is not pending any more is run once more.
    again = await api.post(ACTIONS, {"action": "run", "query": "lr<1", "run": {"jobs": 2}}, ws=WS)
    assert sorted(again["done"]) == created["names"][:2]
    for name in again["done"]:
        assert (await whole_log(api, name))[1]["run"] == 2


async def test_waiting_and_running_tasks_are_cancelled(api: Api, train: WorkspaceFolder) -> None:
    created = await api.post(
        TASKS, {"text": "lr: 1 | 2\nsleep: 300\n", "name": "long", "run": {"jobs": 1}}, ws=WS
    )
    first, second = created["names"]

    async def running() -> bool:
        task = await api.get("/workspaces/{ws}/tasks/{task}", ws=WS, task=first)
        return bool(task["task"]["status"] == "running")

    await until(running, "the first task runs")
    assert (await api.get("/workspaces/{ws}", ws=WS))["scheduler_alive"]
    refused = await api.post(ACTIONS, {"action": "run", "names": [first]}, ws=WS)
    assert (refused["done"], refused["refused"][0]["name"]) == ([], first)
    stopped = await api.post(ACTIONS, {"action": "cancel", "names": [second, first]}, ws=WS)
    assert stopped == {"done": [second, first], "refused": [], "made": []}
    _, end = await whole_log(api, first)
    assert end["status"] == "cancelled"
    page = await api.get(TASKS, ws=WS)
    assert page["counts"]["cancelled"] == 2
    again = await api.post(ACTIONS, {"action": "cancel", "names": [first]}, ws=WS)
    assert again["refused"][0]["name"] == first


async def test_a_shell_script_runs_and_fails(api: Api, train: WorkspaceFolder) -> None:
    shell = open_workspace(train.project)[0]
    ws = f"_pyruns_/{shell.name}"
    script = "echo 'a | b'\nprintf '\\377\\000'\nexit 3\n"
    await api.post(TASKS, {"text": script, "name": "odd", "run": {}}, ws=ws)
    log, end = await whole_log(api, "odd", ws)
    assert b"a | b" in log
    assert b"\xff\x00" in log
    assert (end["status"], end["exit_code"]) == ("failed", 3)
    detail = await api.get("/workspaces/{ws}/tasks/{task}", ws=ws, task="odd")
    (run,) = detail["history"]
    assert run["environment"]["host"] == host_name()
    assert run["environment"]["executable"].endswith("sh")
    assert (run["code"], run["source"].split(" | ")[-1]) == (None, "script none")
    task = detail["task"]
    assert (task["status"], task["exit_code"]) == ("failed", 3)
    assert task["message"]


async def test_what_was_queued_without_a_scheduler_is_seen_to(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash: whoever looks at the workspace brings the queue back to life."""
    created = create_tasks(train, "lr: 1", "left")
    with monkeypatch.context() as patched:
        patched.setattr("pyruns_jupyter.engine.client.submit.ensure_scheduler", lambda *arguments: None)
        submit(train, created)
    assert not scheduler_alive(train.root)

    async def completed() -> bool:
        return bool((await api.get(TASKS, ws=WS))["counts"]["completed"])

    await until(completed, "the task that was left is run")
