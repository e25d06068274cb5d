"""The machine over REST and its socket."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from tests.server.client import Api


def sampling() -> int:
    return sum(thread.name == "pyruns-system" for thread in threading.enumerate())


async def test_one_sample(api: Api) -> None:
    sample = await api.get("/system")
    assert sample["memory"]["total"] > sample["memory"]["used"] > 0
    assert sample["cpu"]["cores"] >= 1
    assert not sampling()


async def test_a_stream_begins_with_the_history_and_goes_on(api: Api) -> None:
    first = await api.stream("/system/stream")
    message = await first.message("SystemMessage")
    assert (message["type"], message["samples"]) == ("history", [])
    times = []
    for _ in range(2):
        message = await first.message("SystemMessage")
        assert message["type"] == "sample"
        times += [sample["time"] for sample in message["samples"]]
    second = await api.stream("/system/stream")
    history = await second.message("SystemMessage")
    assert [sample["time"] for sample in history["samples"]][: len(times)] == times
    assert sampling() == 1
    newest = history["samples"][-1]["time"]
    assert (await second.message("SystemMessage"))["samples"][0]["time"] > newest
    first.close()
    second.close()
    await _stopped()


async def _stopped() -> None:
    for _ in range(600):
        if not sampling():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the sampler goes on although nobody listens")


async def test_status(api: Api, jp_serverapp: Any) -> None:
    from pyruns_jupyter._version import __version__

    assert await api.get("/status") == {
        "version": __version__,
        "api_version": 1,
        "can_write": True,
        "can_execute": True,
        "limits": {"tasks_at_once": 10_000, "log_window": 1024 * 1024},
    }
