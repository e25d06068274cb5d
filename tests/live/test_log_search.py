"""Searches without a transport: no process is left behind."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.logs.search import LogSearch, SearchProcess
from pyruns_jupyter.live import log_search
from pyruns_jupyter.live.log_search import LogSearchStream
from tests.live.test_log_stream import live_runtime
from tests.server.client import PATIENCE, until


async def test_a_search_that_is_cancelled_while_it_starts_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "run_logs" / "run1.log"
    log.parent.mkdir()
    log.write_bytes(b"a" * 5000 + b"\n")
    began, go_on = threading.Event(), threading.Event()
    started: list[psutil.Process] = []

    def start_slowly() -> SearchProcess:
        began.set()
        go_on.wait(PATIENCE)
        process = SearchProcess()
        started.append(psutil.Process(process._process.pid))
        return process

    monkeypatch.setattr(log_search, "SearchProcess", start_slowly)
    wanted = LogSearch("(a+)+b", ignore_case=False)
    async with live_runtime() as runtime:
        search = LogSearchStream(runtime, log, wanted)
        first = asyncio.ensure_future(anext(search.lines()))
        await asyncio.to_thread(began.wait, PATIENCE)
        first.cancel()
        await asyncio.wait({first})
        assert first.cancelled()
        go_on.set()
        await until(lambda: asyncio.sleep(0, bool(started)), "the process")
        await until(lambda: asyncio.sleep(0, not started[0].is_running()), "its end")
