"""Searching one log, however long it is: by a process that is killed when nobody waits for it any more."""

from __future__ import annotations

import asyncio

from tornado.iostream import StreamClosedError

from pyruns_jupyter.core.logs.search import MAX_HITS, LogSearch, SearchProcess, is_last, start_search
from pyruns_jupyter.service.logs import find_log
from pyruns_jupyter.service.operations import READ

from .handler import PyrunsHandler, endpoint

_MEDIA_TYPE = "application/x-ndjson"


class LogSearchHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/logs/search`"""

    _process: SearchProcess | None = None

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer the hits of a regular expression, a line of JSON after each part of the log."""
        wanted = LogSearch.read(
            self.query_text("pattern"),
            literal=self.query_flag("literal"),
            ignore_case=self.query_flag("ignore_case"),
            start=self.query_number("offset"),
            limit=self.query_number("limit", low=1, high=MAX_HITS),
        )
        run = self.query_number("run", low=1)
        async with self.services.scans:
            if self.is_gone:
                return
            process = await self.run(lambda: start_search(find_log(self.workspace(ws), task, run)[0], wanted))
            self._process = process
            self._stop_when_gone()  # it may have been while the process was started
            try:
                with self.services.killing(process):
                    await self._send_answers(process)
            except StreamClosedError:
                return  # nobody waits for it
            finally:
                await asyncio.to_thread(process.close)
        self.finish(set_content_type=_MEDIA_TYPE)

    async def _send_answers(self, process: SearchProcess) -> None:
        line = await self.services.wait(process.next_line)  # an error, before anything is sent
        self.set_header("Content-Type", _MEDIA_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # hits are to be seen as they are found
        while True:
            self.write(line)
            await self.flush()
            if is_last(line):
                return
            line = await self.services.wait(process.next_line)

    def on_connection_close(self) -> None:
        """Stop searching."""
        super().on_connection_close()
        self._stop_when_gone()

    def _stop_when_gone(self) -> None:
        if self.is_gone and self._process is not None:
            self._process.kill()
