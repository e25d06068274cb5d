"""The answers that a watcher remembers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.live import watcher as watcher_module
from pyruns_jupyter.live.background import Background
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
