"""One action on many tasks."""

from __future__ import annotations

from tornado import web

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.service.actions import MOVE, ActionRequest, Rows, act

from .handler import EXECUTE, WRITE, PyrunsHandler


class ActionsHandler(PyrunsHandler):
    """`workspaces/{ws}/actions`"""

    @web.authenticated
    async def post(self, ws: str) -> None:
        """Do something to tasks: start, stop, remove, mark, copy, order them; some may be refused."""
        try:
            wanted = ActionRequest.read(await self.body(*ActionRequest.KEYS))
        except InvalidInput:
            await self.require(WRITE)  # who may do nothing is not told what would be right
            raise
        await self.require(EXECUTE if wanted.executes else WRITE)
        workspace = await self.run(self.workspace, ws)
        await self.check_jobs(workspace, wanted.run)
        watcher = self.services.watcher(workspace)
        names = wanted.names
        if names is None:
            names = await self.search(await watcher.look(wanted.matching, max_age=0.0))
        if names is None:
            return
        rows: Rows = {}
        if wanted.action == MOVE:
            rows = await watcher.look(lambda index: index.rows, max_age=0.0)
        try:
            result = await self.run(act, workspace, wanted, names, rows)
        finally:
            watcher.touch()
        await self.answer(result)
