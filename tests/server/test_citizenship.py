"""What the extension does for the server around it: events, activity, figures for Prometheus."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import cancel, submit
from pyruns_jupyter.engine.queue.project_registry import living_projects
from pyruns_jupyter.engine.queue.status import Queue, read_queue
from pyruns_jupyter.live.watcher import Watcher
from pyruns_jupyter.server import services as services_module
from pyruns_jupyter.server.activity import NAME, Activity
from pyruns_jupyter.server.services import SETTING, Services
from pyruns_jupyter.studies.launch import mark_active, unmark
from tests.recorder import Recorder
from tests.server.client import Api, until
from tests.server.conftest import WS

quiet = pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""])


def services_of(application: Any) -> Services:
    found = application.web_app.settings[SETTING]
    assert isinstance(found, Services)
    return found


@quiet
async def test_events_tell_of_failures_and_of_the_end(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any
) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append((schema_id.split("/")[-2], data))

    for name in ("task_failed", "batch_finished"):
        schema_id = f"https://events.jupyter.org/pyruns_jupyter/{name}/v1"
        jp_serverapp.event_logger.add_listener(schema_id=schema_id, listener=listen)
    names = create_tasks(train, "lr: 1 | 2 | 3\n", "t")
    good, bad, waits = (Recorder(train, name) for name in names)
    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    for one in (good, bad):
        one.start()
    waits.queue()

    async def counted(**counts: int) -> None:
        async def look() -> bool:
            found = (await api.get("/workspaces/{ws}/tasks", ws=WS))["counts"]
            return all(found[status] == count for status, count in counts.items())

        await until(look, str(counts))

    await counted(running=2, queued=1)
    assert heard == []
    bad.finish("failed", 3)
    good.finish()
    await counted(failed=1, completed=1)
    await until(lambda: asyncio.sleep(0, len(heard) == 1), "the failure")
    waits.start()
    await counted(running=1)
    waits.finish("cancelled", -15)
    await until(lambda: asyncio.sleep(0, len(heard) == 2), "the end")
    (failed, facts), (finished, counts) = heard
    assert failed == "task_failed"
    assert (facts["workspace"], facts["task"], facts["run"], facts["exit_code"]) == (WS, names[1], 1, 3)
    assert (finished, counts) == (
        "batch_finished",
        {
            "workspace": WS,
            "completed": 1,
            "failed": 1,
            "cancelled": 1,
            "summary": "1 of 3 failed: 1 Exit code 3.",
        },
    )
    # A run that begins and ends between two looks is reported, too.
    again = Recorder(train, names[0])
    again.start()
    again.finish("failed", 1)
    await counted(failed=2)
    await until(lambda: asyncio.sleep(0, len(heard) == 4), "the second failure and its end")
    assert [name for name, _ in heard[2:]] == ["task_failed", "batch_finished"]
    assert heard[2][1]["task"] == names[0]
    ended = {"workspace": WS, "completed": 0, "failed": 1, "cancelled": 0}
    assert heard[3][1] == {**ended, "summary": "1 of 1 failed: 1 Exit code 1."}


async def nothing() -> tuple[bool, list[Watcher]]:
    """Nothing runs that nobody looked at."""
    return False, []


@quiet
async def test_running_tasks_are_activity_and_looking_is_not(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any
) -> None:
    application, services = jp_serverapp.web_app, services_of(jp_serverapp)
    create_tasks(train, "lr: 1\n", "one")
    task = Recorder(train, "one")
    task.start()
    long_ago = datetime.now(timezone.utc) - timedelta(hours=2)
    for key in ("started", "api_last_activity"):
        application.settings[key] = long_ago
    jp_serverapp.kernel_manager.last_kernel_activity = long_ago

    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    page = await api.get("/workspaces/{ws}/tasks", ws=WS)
    assert page["counts"]["running"] == 1
    assert application.last_activity() == long_ago

    await Activity(application, services.watchers.all, nothing, 1.0, services.background).look()
    assert application.last_activity() == long_ago  # there was no other activity for longer than that
    await Activity(application, services.watchers.all, nothing, 0.0, services.background).look()
    assert application.last_activity() == long_ago
    before = datetime.now(timezone.utc)
    await Activity(application, services.watchers.all, nothing, 3.0, services.background).look()
    assert application.last_activity() >= before
    # Its own word is no activity of somebody else.
    seen = application.settings["last_activity_times"][NAME]
    await Activity(application, services.watchers.all, nothing, 1.0, services.background).look()
    assert application.settings["last_activity_times"][NAME] == seen

    task.finish()

    async def ended() -> bool:
        return bool((await api.get("/workspaces/{ws}/tasks", ws=WS))["counts"]["completed"] == 1)

    await until(ended, "the end")
    before = datetime.now(timezone.utc)
    await Activity(application, services.watchers.all, nothing, 3.0, services.background).look()
    assert application.last_activity() < before
    answer = await api("patch", "/workspaces/{ws}/tasks/{task}", {"pinned": True}, ws=WS, task="one")
    assert answer.status == 200
    assert application.last_activity() >= before  # somebody did something


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"activity_seconds": 0.2}}], ids=[""])
async def test_tasks_of_a_terminal_are_noticed_after_a_page_was_closed(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when another project of the user cannot be read."""
    services = services_of(jp_serverapp)
    heard: list[str] = []
    monkeypatch.setattr(services, "_emit", lambda name, facts: heard.append(name))
    broken = Path("/broken/_pyruns_")

    def read(root: Path) -> Queue:
        if root == broken:
            raise Unreadable("The queue is damaged.")
        return read_queue(root)

    monkeypatch.setattr(services_module, "living_projects", lambda: [broken, *living_projects()])
    monkeypatch.setattr(services_module, "read_queue", read)
    [name] = create_tasks(train, "sleep: 60\n", "long")
    await api.get("/workspaces/{ws}/tasks", ws=WS)
    watcher = services.watchers.find(train)
    assert watcher is not None and not watcher.active
    assert submit(train, [name]).queued == [name]
    try:
        await until(lambda: asyncio.sleep(0, watcher.running == 1), "a look at the running task")
    finally:
        cancel(train, name)
    await until(lambda: asyncio.sleep(0, heard == ["batch_finished"]), "the end")


@quiet
async def test_a_study_is_watched_between_two_trials(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_of(jp_serverapp)
    heard: list[str] = []
    monkeypatch.setattr(services, "_emit", lambda name, facts: heard.append(name))
    application, watchers = jp_serverapp.web_app, services.watchers
    activity = Activity(application, watchers.all, nothing, 1.0, services.background, period=0.0)
    create_tasks(train, "lr: 1\n", "trial")
    mark_active(train.root, train.name, "s")
    watchers.get(train)
    await activity.look()
    trial = Recorder(train, "trial")
    trial.start()
    trial.finish()
    await activity.look()
    assert heard == []
    unmark(train.root, train.name, "s")
    await activity.look()
    assert heard == ["batch_finished"]


@quiet
async def test_prometheus(api: Api, train: WorkspaceFolder, jp_fetch: Any) -> None:
    create_tasks(train, "lr: 1 | 2\n", "t")
    Recorder(train, train.task_names()[0]).start()
    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    await api.get("/workspaces/{ws}/tasks", ws=WS)
    lines = (await jp_fetch("metrics")).body.decode().splitlines()
    assert 'pyruns_tasks{status="running"} 1.0' in lines
    assert 'pyruns_tasks{status="pending"} 1.0' in lines
    assert "pyruns_workspaces 1.0" in lines
    assert "pyruns_workspaces_watched 1.0" in lines
    assert "pyruns_streams 1.0" in lines


async def test_a_stopped_extension_tells_nothing_more(api: Api, jp_serverapp: Any) -> None:
    names = {family.name for family in REGISTRY.collect()}
    assert "pyruns_tasks" in names
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("pyruns")]
