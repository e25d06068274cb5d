"""The settings of a project."""

from __future__ import annotations

from pyruns_jupyter.service import settings

from .handler import EXECUTE, READ, WRITE, PyrunsHandler, endpoint


class SettingsHandler(PyrunsHandler):
    """`workspaces/{ws}/settings`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer the settings of the workspace's project."""
        await self.require(EXECUTE)  # `global_env` may hold what only tasks should know
        await self.answer(await self.run(lambda: settings.settings(self.workspace(ws).root)))

    @endpoint(WRITE)
    async def patch(self, ws: str) -> None:
        """Replace the settings, if nobody else did meanwhile."""
        await self.require(EXECUTE)  # they say which programs tasks are started with
        body = await self.body(*settings.KEYS)
        root = (await self.run(self.workspace, ws)).root
        await self.run(settings.change, root, body)
        await self.answer(await self.run(settings.settings, root))
