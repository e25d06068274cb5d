"""Curves and final figures of a run."""

from __future__ import annotations

from pyruns_jupyter.service.tasks import tracks

from .handler import READ, PyrunsHandler, endpoint


class TracksHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/tracks`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer the curves of a run, also of one that still runs."""
        run = self.query_number("run", low=1)
        points = self.query_number("points", low=2, high=100_000)
        await self.answer(await self.run(lambda: tracks(self.workspace(ws), task, run, points)))
