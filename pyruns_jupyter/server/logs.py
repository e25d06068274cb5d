"""Bytes of a log by range."""

from __future__ import annotations

from ..resources.logs import MOST, read_log
from .handler import READ, PyrunsHandler, endpoint


class LogHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/logs`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer bytes of a run's log, as they were written."""
        options = {
            "run": self.query_number("run", low=1),
            "offset": self.query_number("offset"),
            "limit": self.query_number("limit", low=1, high=MOST),
            "tail": self.query_number("tail", low=1, high=MOST),
        }
        found = await self.run(lambda: read_log(self.workspace(ws), task, **options))
        self.set_header("X-Pyruns-Log-Offset", str(found.offset))
        self.set_header("X-Pyruns-Log-Size", str(found.size))
        self.set_header("Cache-Control", "no-store")
        self.write(found.data)
        self.finish(set_content_type="application/octet-stream")
