"""Searches without a transport: no process is left behind."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import psutil

from pyruns_jupyter.live.log_search import LogSearchStream
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.service.logsearch import LogSearch
from pyruns_jupyter.system.sampler import Sampler
from tests.server.client import PATIENCE, until


async def test_a_search_that_is_cancelled_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    log = tmp_path / "run_logs" / "run1.log"
    log.parent.mkdir()
    log.write_bytes(b"a" * 5000 + b"\n")
    began, go_on = threading.Event(), threading.Event()

    def find() -> Path:
        began.set()
        go_on.wait(PATIENCE)
        return log

    runtime = LiveRuntime(Sampler(tmp_path), lambda root: False, lambda workspace, name, facts: None)
    wanted = LogSearch.read("(a+)+b", literal=False, ignore_case=False, start=None, limit=None)
    search = LogSearchStream(runtime, find, wanted)

    async def consume() -> None:
        async for _ in search.lines():
            raise AssertionError("this expression takes for ever")

    searching = asyncio.ensure_future(consume())
    await asyncio.to_thread(began.wait, PATIENCE)
    searching.cancel()
    await asyncio.wait({searching})
    go_on.set()
    await runtime.run(lambda: None)
    await until(lambda: asyncio.sleep(0, not psutil.Process().children()), "the end of the process")
    await runtime.close()
