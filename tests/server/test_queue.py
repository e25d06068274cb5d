"""The options of a queueing, and the queue of a project, over the wire."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.workspace.cluster_settings import CLUSTERS
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.engine.support import stop_everything
from tests.server.client import Api, until
from tests.server.conftest import WS

TASKS, ACTIONS, QUEUE = (f"/workspaces/{{ws}}/{name}" for name in ("tasks", "actions", "queue"))


async def ended(api: Api, count: int) -> dict[str, dict[str, Any]]:
    """All tasks by name, once so many have ended."""

    async def look() -> Any:
        page = await api.get(TASKS, ws=WS)
        counts = page["counts"]
        over = counts["completed"] + counts["failed"] + counts["cancelled"] == count
        return {row["name"]: row for row in page["items"]} if over else None

    found: dict[str, dict[str, Any]] = await until(look, f"{count} ended tasks")
    return found


async def test_the_queue_says_what_waits_and_for_what(api: Api, train: WorkspaceFolder) -> None:
    assert (await api.post(QUEUE, {"paused": True}, ws=WS))["paused"]
    run = {"jobs": 3, "priority": 2, "retries": 1, "retry_delay": "1m", "time_limit": 90, "gpus": 0}
    await api.post(TASKS, {"text": "lr: 1 | 2", "name": "first", "run": run}, ws=WS)
    later = {"after": ["train/first-lr_1"], "after_any": ["first-lr_2"], "jobs": None}
    names = (await api.post(TASKS, {"text": "lr: 1 | 2", "name": "first"}, ws=WS))["names"]
    assert len(names) == 2
    first = sorted(row["name"] for row in (await api.get(TASKS, query={"status": "queued"}, ws=WS))["items"])
    later = {"after": [f"train/{first[0]}"], "after_any": [first[1]], "jobs": None}
    action = {"action": "run", "names": names, "run": later}
    assert (await api.post(ACTIONS, action, ws=WS))["done"] == names

    queue = await api.get(QUEUE, ws=WS)
    one, two = queue["batches"]
    assert queue["paused"]
    assert one["options"] == {**run, "retry_delay": 60}
    assert two["options"] == {"jobs": 1, "after": [f"train/{first[0]}"], "after_any": [f"train/{first[1]}"]}
    assert [(batch["total"], batch["waiting"], batch["running"]) for batch in (one, two)] == [(2, 2, 0)] * 2
    assert [batch["next"] for batch in (one, two)] == [first, names]

    async def told() -> bool:
        return all("paused" in batch["why"] for batch in (await api.get(QUEUE, ws=WS))["batches"])

    await until(told, "why nothing starts")
    assert not (await api.post(QUEUE, {"paused": False}, ws=WS))["paused"]
    rows = await ended(api, 4)
    assert {row["status"] for row in rows.values()} == {"completed"}
    assert max(rows[name]["finished_at"] for name in first) <= min(rows[name]["started_at"] for name in names)

    async def empty() -> bool:
        return not (await api.get(QUEUE, ws=WS))["batches"]

    await until(empty, "an empty queue")


async def test_a_foreign_queue_is_shown_and_queued_again_here(
    api: Api, train: WorkspaceFolder, tmp_path: Path
) -> None:
    """A project that came with a queue: JupyterLab lists it when it starts."""
    await api.post(QUEUE, {"paused": True}, ws=WS)
    names = (await api.post(TASKS, {"text": "lr: 1 | 2", "name": "t", "run": {"jobs": 2}}, ws=WS))["names"]
    stop_everything(train.project)
    came = tmp_path / "came"
    shutil.copytree(train.root, came)
    shutil.rmtree(train.root)
    shutil.move(came, train.root)
    (train.root / ".engine" / "paused").unlink()
    before = {path: path.lstat().st_mtime_ns for path in train.root.rglob("*")}
    for _ in range(5):
        (listed,) = [one for one in (await api.get("/workspaces"))["items"] if one["id"] == WS]
        assert listed["counts"]["queued"] == 2
        await asyncio.sleep(0.5)
    queue = await api.get(QUEUE, ws=WS)
    (batch,) = queue["batches"]
    assert (batch["foreign"], batch["waiting"], batch["running"]) == (True, 2, 0)
    assert "another copy of this project" in batch["why"] and not queue["scheduler_alive"]
    rows = (await api.get(TASKS, ws=WS))["items"]
    assert all("does not start here" in row["message"] for row in rows)
    assert {path: path.lstat().st_mtime_ns for path in train.root.rglob("*")} == before
    for body in ({}, {"requeue": False}, {"requeue": True, "paused": True}, {"requeue": 1}):
        answer = await api("post", QUEUE, body, ws=WS)
        assert (answer.status, answer.body["code"]) == (400, "invalid_input")
    queue = await api.post(QUEUE, {"requeue": True}, ws=WS)
    assert [one["foreign"] for one in queue["batches"]] in ([False], [])
    rows = await ended(api, 2)
    assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(names, "completed")


@pytest.mark.parametrize("action", ["run", "cancel"])
async def test_a_queued_task_whose_batch_is_gone_can_be_stopped_and_run(
    api: Api, train: WorkspaceFolder, action: str
) -> None:
    await api.post(QUEUE, {"paused": True}, ws=WS)
    [name] = (await api.post(TASKS, {"text": "lr: 1", "name": "t", "run": {}}, ws=WS))["names"]
    stop_everything(train.project)
    for file in (train.root / ".engine" / "batches").iterdir():
        file.unlink()
    await api.post(QUEUE, {"paused": False}, ws=WS)
    if action == "cancel":
        assert (await api.post(ACTIONS, {"action": "cancel", "names": [name]}, ws=WS))["done"] == [name]
        [row] = (await api.get(TASKS, ws=WS))["items"]
        assert row["status"] == "cancelled"
    assert (await api.post(ACTIONS, {"action": "run", "names": [name]}, ws=WS))["done"] == [name]
    assert (await ended(api, 1))[name]["status"] == "completed"


async def test_what_ran_already_is_left_out(api: Api, train: WorkspaceFolder) -> None:
    await api.post(TASKS, {"text": "lr: 1", "name": "one", "run": {}}, ws=WS)
    await ended(api, 1)
    await api.post(TASKS, {"text": "lr: 1", "name": "two"}, ws=WS)
    await api.post(TASKS, {"text": "lr: 2", "name": "three"}, ws=WS)
    action = {"action": "run", "names": ["two", "three"], "skip_done": True, "run": {"jobs": 2}}
    result = await api.post(ACTIONS, action, ws=WS)
    assert result["done"] == ["three"]
    assert [refused["name"] for refused in result["refused"]] == ["two"]
    assert "one" in result["refused"][0]["message"]
    await ended(api, 2)


@pytest.mark.parametrize(
    ("run", "field"),
    [
        ({"jobs": 0}, "jobs"),
        ({"jobs": "many"}, "jobs"),
        ({"priority": 1.5}, "priority"),
        ({"after": ["nowhere"]}, "after"),
        ({"after": ["../../x"]}, "after"),
        ({"after": [{"task": "x"}]}, "after"),
        ({"after_any": 7.5}, "after_any"),
        ({"after": ["t"] * 50_000}, "after"),
        ({"after_any": ["t"] * 50_000}, "after_any"),
        ({"gpu_devices": ["0"] * 50_000}, "gpu_devices"),
        ({"time_limit": "9" * 100_000}, "time_limit"),
        ({"retries": 101}, "retries"),
        ({"retry_delay": "soon"}, "retry_delay"),
        ({"time_limit": -1}, "time_limit"),
        ({"grace": []}, "grace"),
        ({"resume": "yes"}, "resume"),
        ({"gpus": -1}, "gpus"),
        ({"gpu_memory": "auto"}, "gpu_memory"),
        ({"gpu_devices": ["; rm"]}, "gpu_devices"),
        ({"memory": "much"}, "memory"),
        ({"memory": "0G"}, "memory"),
        ({"memory": 16}, "memory"),
        ({"memory": "999999T"}, "memory"),
        ({"nice": 1}, "run.nice"),
        ([], "run"),
    ],
)
async def test_options_that_cannot_be_used(api: Api, train: WorkspaceFolder, run: object, field: str) -> None:
    answer = await api("post", TASKS, {"text": "lr: 1", "name": "made", "run": run}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, field)
    assert len(answer.body["message"]) < 1000
    assert train.task_names() == []
    await api.post(TASKS, {"text": "lr: 1", "name": "there"}, ws=WS)
    answer = await api("post", ACTIONS, {"action": "run", "names": ["there"], "run": run}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, field)
    assert (await api.get(TASKS, ws=WS))["counts"]["pending"] == 1


@pytest.mark.parametrize("engine", CLUSTERS)
async def test_an_executor_that_is_not_there_is_refused_before_tasks_are_created(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    answer = await api("post", TASKS, {"text": "lr: 1", "name": "t", "run": {"engine": engine}}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "engine")
    assert train.task_names() == []


async def test_a_change_of_the_queue_that_is_none(api: Api, train: WorkspaceFolder) -> None:
    for body in ({}, {"paused": "yes"}, {"paused": True, "more": 1}):
        answer = await api("post", QUEUE, body, ws=WS)
        assert answer.status == 400
    assert not (await api.get(QUEUE, ws=WS))["paused"]


@pytest.mark.parametrize("extra", [{"run": {"jobs": 2}}, {"skip_done": True}])
async def test_run_options_of_another_action_are_refused(
    api: Api, train: WorkspaceFolder, extra: dict[str, Any]
) -> None:
    await api.post(TASKS, {"text": "lr: 1", "name": "there"}, ws=WS)
    answer = await api("post", ACTIONS, {"action": "pin", "names": ["there"], **extra}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, next(iter(extra)))
