"""The search in one log: in a process that can be killed, whatever the expression makes it do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from pyruns_jupyter.service.logsearch import (
    BLOCK_TIMEOUT_SECONDS,
    ENDED,
    TOO_SLOW,
    LogSearch,
    Scan,
    given_up,
    is_last,
    problem_of,
)

from .runtime import LiveRuntime
from .waiting import open_in_thread


class LogSearchStream:
    """The hits of a search: a line of JSON after each part of the log."""

    def __init__(self, runtime: LiveRuntime, path: Path, wanted: LogSearch) -> None:
        self._runtime = runtime
        self._path = path
        self._wanted = wanted
        self._scan: Scan | None = None
        self._stopped = asyncio.Event()

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yield the lines; the last one says so.

        Raises:
            InvalidInput: if the expression is wrong.
            NotFound: if there is no such log.
        """
        runtime = self._runtime
        async with runtime.scan_slots:
            if self._stopped.is_set():
                return
            scan = self._scan = await open_in_thread(runtime.run, lambda: Scan(self._path, self._wanted))
            runtime.scans.add(scan)
            try:
                if self._stopped.is_set():
                    scan.kill()
                line = await self._next_line(scan)
                if problem := problem_of(line):
                    raise problem
                yield line
                while not is_last(line):
                    line = await self._next_line(scan)
                    yield line
            finally:
                runtime.scans.remove(scan)
                await asyncio.to_thread(scan.close)

    def stop(self) -> None:
        """End the search now."""
        self._stopped.set()
        if self._scan is not None:
            self._scan.kill()

    async def _next_line(self, scan: Scan) -> bytes:
        waiting = asyncio.ensure_future(self._runtime.wait(scan.next_line))
        done, _ = await asyncio.wait({waiting}, timeout=BLOCK_TIMEOUT_SECONDS)
        if not done:
            scan.kill()
            await waiting
            return given_up(TOO_SLOW)
        return waiting.result() or given_up(ENDED)
