"""A file that a run left."""

from __future__ import annotations

import os

from pyruns_jupyter.service import runs
from pyruns_jupyter.service.operations import READ
from pyruns_jupyter.service.request import MAX_RUN, query_integer

from .download import DownloadHandler
from .handler import endpoint

# What a browser may show inside a page. All else, SVG and HTML first of all, could run a program there.
_SHOWN = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/plain; charset=utf-8",
    "json": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
}


class ArtifactHandler(DownloadHandler):
    """`workspaces/{ws}/tasks/{task}/runs/{run}/artifacts/{path}`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str, run: str, path: str) -> None:
        """Answer a file that the run left; what could run a program in a page is only to be saved."""
        number = query_integer(run, "run", low=1, high=MAX_RUN)
        assert number is not None
        name = path.rpartition("/")[2]
        media_type = _SHOWN.get(os.path.splitext(name)[1][1:].lower())
        await self.send_file(
            lambda: runs.open_artifact(self.workspace(ws), task, number, path),
            name,
            media_type or "application/octet-stream",
            inline=media_type is not None,
        )
