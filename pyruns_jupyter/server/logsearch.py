"""Finding text in a log, in a process that is killed when the client disconnects."""

from __future__ import annotations

from contextlib import aclosing

from tornado.iostream import StreamClosedError

from pyruns_jupyter.live.log_search import LogSearchStream
from pyruns_jupyter.live.stream_table import open_log_search
from pyruns_jupyter.service.operations import READ

from .handler import PyrunsHandler, endpoint
from .session import RequestReader, ServerSession

_MEDIA_TYPE = "application/x-ndjson"


class LogSearchHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/logs/search`"""

    _search: LogSearchStream | None = None

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Send the matches of a regular expression: one line of JSON for each part of the log."""
        self._search = await open_log_search(ServerSession(self, ws), RequestReader(self, {"task": task}))
        if self.is_gone:
            self._search.stop()
        try:
            async with aclosing(self._search.lines()) as lines:
                async for line in lines:
                    self.set_header("Content-Type", _MEDIA_TYPE)
                    self.set_header("Cache-Control", "no-store")
                    self.set_header("X-Accel-Buffering", "no")  # a proxy must not delay matches
                    self.write(line)
                    await self.flush()
        except StreamClosedError:
            return  # the client is gone
        self.finish(set_content_type=_MEDIA_TYPE)

    def on_connection_close(self) -> None:
        """Stop the search."""
        super().on_connection_close()
        if self._search is not None:
            self._search.stop()
