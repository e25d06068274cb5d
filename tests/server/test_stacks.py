"""The stacks of runs over REST."""

from __future__ import annotations

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import Api
from tests.server.conftest import WS

STACKS = "/workspaces/{ws}/tasks/{task}/stacks"


async def test_stored_stacks(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1", "one")
    missing = await api("get", STACKS, ws=WS, task="one")
    assert (missing.status, missing.body["code"]) == (404, "not_found")
    task = Recorder(train, "one")
    task.start()
    path = task.paths.stacks(1)
    path.write_text("Process 1: python train.py\n")
    found = await api.get(STACKS, ws=WS, task="one")
    assert found == {"run": 1, "taken_at": path.stat().st_mtime, "text": "Process 1: python train.py\n"}
    assert await api.get(STACKS, {"run": 1}, ws=WS, task="one") == found
    assert (await api("get", STACKS, query={"run": 2}, ws=WS, task="one")).status == 404


async def test_only_running_tasks_have_stacks(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1", "one")
    refused = await api("post", STACKS, {}, ws=WS, task="one")
    assert (refused.status, refused.body["code"]) == (409, "conflict")
    assert "Only a running task has stacks" in refused.body["message"]
    task = Recorder(train, "one")
    task.start()
    silent = await api("post", STACKS, {"seconds": 0.2}, ws=WS, task="one")
    assert (silent.status, silent.body["code"]) == (503, "busy")
    for seconds in (0, 61):
        assert (await api("post", STACKS, {"seconds": seconds}, ws=WS, task="one")).status == 400


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""])
async def test_they_are_not_read_without_the_permission(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "lr: 1", "one")
    Recorder(train, "one").start()
    assert (await api("post", STACKS, {}, ws=WS, task="one")).status == 403
