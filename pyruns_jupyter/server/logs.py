"""Bytes of a log by range, and the whole of it as a file."""

from __future__ import annotations

from pyruns_jupyter.core.logs.reader import open_log_file
from pyruns_jupyter.service.logs import MAX_BYTES, find_log, read_log
from pyruns_jupyter.service.operations import READ

from .download import DownloadHandler
from .handler import PyrunsHandler, endpoint


class LogHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/logs`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer bytes of a run's log, as they were written."""
        options = {
            "run": self.query_number("run", low=1),
            "offset": self.query_number("offset"),
            "limit": self.query_number("limit", low=1, high=MAX_BYTES),
            "tail": self.query_number("tail", low=1, high=MAX_BYTES),
            "before": self.query_number("before"),
        }
        found = await self.run(lambda: read_log(self.workspace(ws), task, **options))
        self.set_header("X-Pyruns-Log-Offset", str(found.offset))
        self.set_header("X-Pyruns-Log-Size", str(found.size))
        self.set_header("Cache-Control", "no-store")
        self.write(found.data)
        self.finish(set_content_type="application/octet-stream")


class LogDownloadHandler(DownloadHandler):
    """`workspaces/{ws}/tasks/{task}/logs/download`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer the log of a run as a file."""
        path, _ = await self.run(lambda: find_log(self.workspace(ws), task, self.query_number("run", low=1)))
        await self.send_file(lambda: open_log_file(path), f"{task}-{path.name}", "text/plain")
