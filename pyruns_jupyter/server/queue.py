"""The queue of a project: what waits and for what, pausing it."""

from __future__ import annotations

from pyruns_jupyter.service import queue

from .handler import EXECUTE, READ, WRITE, PyrunsHandler, endpoint


class QueueHandler(PyrunsHandler):
    """`workspaces/{ws}/queue`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer the queue of the workspace's project, with what waits of all its workspaces."""
        await self.answer(await self.run(lambda: queue.queue(self.workspace(ws).root)))

    @endpoint(EXECUTE)
    async def post(self, ws: str) -> None:
        """Pause the queue, resume it, or queue again here what was queued elsewhere."""
        paused = queue.read_change(await self.body(*queue.KEYS))
        await self.require(EXECUTE)  # it may be switched off for everybody
        if paused is None:
            await self.require(WRITE)
        root = (await self.run(self.workspace, ws)).root
        await self.run(queue.change, root, paused)
        await self.answer(await self.run(queue.queue, root))
