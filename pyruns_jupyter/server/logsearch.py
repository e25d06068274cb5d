"""Searching one log, however long it is: by a process that is killed when nobody waits for it any more."""

from __future__ import annotations

import asyncio

from tornado.iostream import StreamClosedError

from pyruns_jupyter.service.logs import find_log
from pyruns_jupyter.service.logsearch import (
    BLOCK_TIMEOUT_SECONDS,
    ENDED,
    MAX_HITS,
    TOO_SLOW,
    LogSearch,
    Scan,
    given_up,
    is_last,
    problem_of,
)
from pyruns_jupyter.service.operations import READ

from .handler import PyrunsHandler, endpoint

_MEDIA_TYPE = "application/x-ndjson"


class LogSearchHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/logs/search`"""

    _scan: Scan | None = None

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer the hits of a regular expression, a line of JSON after each part of the log."""
        wanted = self._wanted()
        run = self.query_number("run", low=1)
        async with self.services.scans:
            if self.is_gone:
                return
            scan = await self.run(lambda: Scan(find_log(self.workspace(ws), task, run)[0], wanted))
            self._scan = scan
            self._stop_when_gone()  # it may have been while the process was started
            try:
                with self.services.killing(scan):
                    await self._tell()
            except StreamClosedError:
                return  # nobody waits for it
            finally:
                await asyncio.to_thread(scan.close)
        self.finish(set_content_type=_MEDIA_TYPE)

    async def _tell(self) -> None:
        line = await self._next_line()
        problem = problem_of(line)
        if problem is not None:
            raise problem
        self.set_header("Content-Type", _MEDIA_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # hits are to be seen as they are found
        while True:
            self.write(line)
            await self.flush()
            if is_last(line):
                return
            line = await self._next_line()

    def on_connection_close(self) -> None:
        """Stop searching."""
        super().on_connection_close()
        self._stop_when_gone()

    def _stop_when_gone(self) -> None:
        if self.is_gone and self._scan is not None:
            self._scan.kill()

    async def _next_line(self) -> bytes:
        assert self._scan is not None
        waiting = asyncio.ensure_future(self.services.wait(self._scan.next_line))
        done, _ = await asyncio.wait({waiting}, timeout=BLOCK_TIMEOUT_SECONDS)
        if not done:
            self._scan.kill()
            await waiting
            return given_up(TOO_SLOW)
        return waiting.result() or given_up(ENDED)

    def _wanted(self) -> LogSearch:
        return LogSearch.read(
            self.query_text("pattern"),
            literal=self.query_flag("literal"),
            ignore_case=self.query_flag("ignore_case"),
            start=self.query_number("offset"),
            limit=self.query_number("limit", low=1, high=MAX_HITS),
        )
