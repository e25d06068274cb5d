"""The machine over REST and its socket."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from pyruns_jupyter.server.kernels import with_idle_times
from tests.server.client import PATIENCE, Api, until


def sampling() -> int:
    return sum(thread.name == "pyruns-system" for thread in threading.enumerate())


async def test_one_sample(api: Api) -> None:
    sample = await api.get("/system")
    assert sample["memory"]["total"] > sample["memory"]["used"] > 0
    assert sample["cpu"]["cores"] > 0
    assert sample["disk"]["total"] > sample["disk"]["used"] > 0
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
    await until(lambda: asyncio.sleep(0, not sampling()), "the end of sampling, as nobody listens")


async def test_status(api: Api, jp_serverapp: Any) -> None:
    from pyruns_jupyter._version import __version__

    assert await api.get("/status") == {
        "version": __version__,
        "api_version": 2,
        "can_write": True,
        "can_execute": True,
        "limits": {"tasks_at_once": 10_000, "jobs_at_once": 1000, "log_window": 1024 * 1024},
        "problems": [],
    }


async def test_a_notebook_that_holds_a_gpu(api: Api, jp_serverapp: Any, jp_fetch: Any) -> None:
    """Its kernel says for how long it is idle; kernels of other servers do not."""
    manager = jp_serverapp.kernel_manager
    kernel = await manager.start_kernel(kernel_name="python3")
    client = manager.get_kernel(kernel).client()
    client.start_channels()
    await client.wait_for_ready(timeout=PATIENCE)
    await client.execute_interactive("pass")
    client.stop_channels()

    async def idle() -> bool:
        return bool(manager.get_kernel(kernel).execution_state == "idle")

    await until(idle, "an idle kernel")
    process = {"pid": 1, "memory": 5, "user": "me", "command": "python", "task": None, "idle": None}
    ours = {**process, "notebook": "/home/me/train.ipynb", "kernel": kernel}
    others = {**process, "notebook": "/home/me/other.ipynb", "kernel": "0f8fad5b"}
    sample = await api.get("/system")
    sample["gpus"] = [{"index": 0, "processes": [ours, others]}]
    labelled = with_idle_times(sample, manager)
    first, second = labelled["gpus"][0]["processes"]
    assert first["idle"] is not None
    assert first["idle"] >= 0
    assert second["idle"] is None
    await manager.shutdown_kernel(kernel, now=True)
    assert with_idle_times(sample, manager)["gpus"][0]["processes"][0]["idle"] is None
