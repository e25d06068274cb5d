"""The answers that a watcher remembers, and how often it looks."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics.journal import Appender
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.live import watcher as watcher_module
from pyruns_jupyter.live.background import Background
from pyruns_jupyter.live.fs_hints import Hints
from pyruns_jupyter.live.watcher import Watcher
from tests.core.making import script_workspace
from tests.server.client import until


@pytest.mark.parametrize("limit", [0, 100])
async def test_answers_that_are_ready_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """One of them fails, which is no concern of the other one."""
    monkeypatch.setattr(watcher_module, "MAX_ANSWERS", limit)
    monkeypatch.setattr(watcher_module, "MAX_AGE_SECONDS", 3600.0)
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    go_on = asyncio.Event()
    waiting: list[Any] = []

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def compute(function: Any) -> Any:
        waiting.append(function)
        await go_on.wait()
        return function()

    def fail() -> str:
        raise InvalidInput("It is wrong.")

    watcher = Watcher(
        script_workspace(tmp_path), run, compute, lambda root: None, lambda *event: None, Background()
    )
    try:
        asking = [
            asyncio.ensure_future(watcher.answer("good", lambda index: lambda: "x")),
            asyncio.ensure_future(watcher.answer("bad", lambda index: fail)),
        ]
        await until(lambda: asyncio.sleep(0, len(waiting) == 2), "both questions")
        go_on.set()
        good, bad = await asyncio.gather(*asking, return_exceptions=True)
        assert good == '"x"'
        assert isinstance(bad, InvalidInput)
        assert problems == []
        assert (watcher.known("good"), watcher.known("bad")) == (good, None)
    finally:
        await watcher.close()


async def test_a_change_takes_one_thread_until_it_is_a_message(tmp_path: Path) -> None:
    """Each handover to a thread takes longer than the message; a client without news needs none."""
    workspace = script_workspace(tmp_path)
    create_tasks(workspace, "{}", "one")
    calls: list[object] = []

    async def run(function: Any, *arguments: Any) -> Any:
        calls.append(function)
        return function(*arguments)

    watcher = Watcher(workspace, run, run, lambda root: None, lambda *event: None, Background())
    watcher._check_scheduler_if_due = lambda active: None  # type: ignore[method-assign]
    try:
        async with watcher.listening():
            revision = await watcher.look(lambda index: index.revision)
            watcher._polling.cancel()  # type: ignore[union-attr]
            await asyncio.sleep(0)
            for number in range(3):
                tasks.change(workspace, "one", TaskPatch(pinned=number % 2 == 0))
                calls.clear()
                await watcher.look(lambda index: None, max_age=0.0)
                assert len(calls) == 1
                message = await watcher.message_since(revision)
                assert message is not None
                assert message == await watcher.message_since(revision)
                assert f'"pinned":{str(number % 2 == 0).lower()}' in message[1]
                earlier, revision = revision, message[0]
                assert await watcher.message_since(revision) is None
                assert len(calls) == 1
            await watcher.message_since(earlier - 1)
            assert len(calls) == 2
    finally:
        await watcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs the notifications of Linux")
async def test_metrics_alone_are_read_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All other changes cause notifications; a look for each value would cost the running tasks a lot."""
    workspace = script_workspace(tmp_path)
    create_tasks(workspace, "{}", "one")
    paths = workspace.paths("one")
    with edit_task(paths.folder) as info:
        runs.queue(info, attempt="a", batch="b")
        runs.start(info, attempt="a", command="x", workdir="/")
    paths.run_logs.mkdir(exist_ok=True)
    journal, pauses = Appender(paths.journal(1)), list[float]()

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def wait(hints: Hints, seconds: float) -> bool:
        pauses.append(seconds)
        journal.append("track", {"step": len(pauses)}, 1.0)
        await asyncio.sleep(0)
        return False

    monkeypatch.setattr(Hints, "wait", wait)
    watcher = Watcher(workspace, run, run, lambda root: None, lambda *event: None, Background())
    try:
        async with watcher.listening() as changed:
            for _ in range(10):
                changed.clear()
                await changed.wait()
        assert min(pauses[5:]) >= 1
    finally:
        await watcher.close()
        journal.close()
