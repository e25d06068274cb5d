"""One run of a task: how it went, what it was given, which files it left."""

from __future__ import annotations

import os

from pyruns_jupyter.service import runs
from pyruns_jupyter.service.request import query_integer

from .download import DownloadHandler
from .handler import EXECUTE, READ, PyrunsHandler, endpoint

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


def _number(text: str) -> int:
    number = query_integer(text, "run", low=1, high=2**31)
    assert number is not None
    return number


class RunHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/runs/{run}`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str, run: str) -> None:
        """Answer one run."""
        number = _number(run)
        await self.answer(await self.run(lambda: runs.run_details(self.workspace(ws), task, number)))


class RunInputHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/runs/{run}/input`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str, run: str) -> None:
        """Answer what the run was given."""
        number, secrets = _number(run), self.query_flag("secrets")
        if secrets:  # who may execute can have a task print them
            await self.require(EXECUTE)
        await self.answer(
            await self.run(lambda: runs.run_input(self.workspace(ws), task, number, secrets=secrets))
        )


class ArtifactsHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/runs/{run}/artifacts`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str, run: str) -> None:
        """List the files that the run left."""
        number = _number(run)
        await self.answer(await self.run(lambda: runs.artifacts(self.workspace(ws), task, number)))


class ArtifactHandler(DownloadHandler):
    """`workspaces/{ws}/tasks/{task}/runs/{run}/artifacts/{path}`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str, run: str, path: str) -> None:
        """Answer a file that the run left; what could run a program in a page is only to be saved."""
        number = _number(run)
        name = path.rpartition("/")[2]
        media_type = _SHOWN.get(os.path.splitext(name)[1][1:].lower())
        await self.send_file(
            lambda: runs.open_artifact(self.workspace(ws), task, number, path),
            name,
            media_type or "application/octet-stream",
            inline=media_type is not None,
        )
