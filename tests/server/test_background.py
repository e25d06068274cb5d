"""What runs as long as the server does survives errors that nobody expected, and says so."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live import background, fs_hints
from pyruns_jupyter.live.watcher import Watcher
from pyruns_jupyter.server.activity import Activity
from pyruns_jupyter.server.services import Limits, Services
from pyruns_jupyter.server.webhook import Webhook
from tests.server.client import PATIENCE, Api, until
from tests.server.conftest import WS


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.01)


@asynccontextmanager
async def running_services(root: Path) -> AsyncIterator[Services]:
    limits = Limits(allow_execution=False, tasks_at_once=10, jobs_at_once=10, activity_hours=1)
    services = Services(root, [], limits, None, (), lambda name, facts: None, Webhook(""))
    try:
        yield services
    finally:
        await services.close()


async def test_watching_goes_on_after_an_unexpected_error(
    train: WorkspaceFolder,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = 0

    def broken(index: TaskIndex, *_: Any) -> Any:
        nonlocal errors
        errors += 1
        raise KeyError("a mistake of ours")

    async with running_services(jp_root_dir) as services, services.watchers.get(train).listening() as changed:
        await asyncio.wait_for(services.watchers.get(train).look(lambda index: None), PATIENCE)
        with monkeypatch.context() as patch:
            patch.setattr(TaskIndex, "refresh", broken)
            await until(lambda: asyncio.sleep(0, errors >= 2), "errors")
        changed.clear()
        create_tasks(train, "lr: 0.5\n", "new")
        await asyncio.wait_for(changed.wait(), PATIENCE)
        [problem] = services.background.problems()
    assert "a mistake of ours" in caplog.text
    assert f"watching {train.folder}" in problem.casefold() and "KeyError" in problem
    assert "a mistake of ours" not in problem


async def test_idle_detection_goes_on_after_an_unexpected_error(jp_root_dir: Path) -> None:
    calls = 0

    async def lives() -> tuple[bool, list[Watcher]]:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    async with running_services(jp_root_dir) as services:
        activity = Activity(None, services.watchers.all, lives, 1.0, services.background, period=0.01)
        activity.start()
        try:
            await until(lambda: asyncio.sleep(0, calls >= 3), "further looks")
        finally:
            await activity.stop()
        assert any("ZeroDivisionError" in problem for problem in services.background.problems())


async def test_an_error_while_attending_is_logged(
    train: WorkspaceFolder,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(root: Path) -> bool:
        raise RuntimeError("no scheduler for you")

    async with running_services(jp_root_dir) as services:
        watcher = services.watchers.get(train)
        monkeypatch.setattr(watcher, "_ensure_scheduler", broken)
        caplog.set_level(logging.WARNING)
        await watcher.look(lambda index: None)
        await until(lambda: asyncio.sleep(0, "no scheduler for you" in caplog.text), "a log line")


async def test_the_handshake_lists_problems(
    api: Api, jp_serverapp: Any, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get("/status"))["problems"] == []
    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    with monkeypatch.context() as patch:
        patch.setattr(TaskIndex, "refresh", lambda *_, **__: 1 / 0)

        async def listed() -> Any:
            return (await api.get("/status"))["problems"]

        [problem] = await until(listed, "a problem")
    assert "ZeroDivisionError" in problem


async def test_hints_of_a_listener_that_left_are_closed(
    train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last listener may leave while a thread still asks the system for hints."""
    began, go_on = threading.Event(), threading.Event()
    made: list[FolderWatch] = []

    def slow(tasks: Path) -> FolderWatch:
        began.set()
        go_on.wait(PATIENCE)
        made.append(FolderWatch(tasks))
        return made[0]

    async def run(function: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(function, *arguments)

    async def listen() -> None:
        async with fs_hints.Hints.of(train, run):
            raise AssertionError("nobody waits for these")

    monkeypatch.setattr(fs_hints, "FolderWatch", slow)
    train.tasks.mkdir(exist_ok=True)
    listening = asyncio.ensure_future(listen())
    await asyncio.to_thread(began.wait, PATIENCE)
    listening.cancel()
    await asyncio.wait({listening})
    go_on.set()
    await until(
        lambda: asyncio.sleep(0, bool(made) and made[0].descriptor < 0), "the descriptor to be closed"
    )
    assert listening.cancelled()
    assert not [one for one in _inotify_descriptors() if one == made[0].descriptor]


def _inotify_descriptors() -> list[int]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:inotify":
                found.append(int(name))
        except OSError:
            continue
    return found
