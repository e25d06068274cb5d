"""What a workspace's tasks can be given, and what a configuration would make."""

from __future__ import annotations

from pyruns_jupyter.service import generator

from .handler import READ, PyrunsHandler, endpoint


class ParametersHandler(PyrunsHandler):
    """`workspaces/{ws}/parameters`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer the parameters of the workspace's script."""
        await self.answer(await self.preview(lambda: generator.parameters(self.workspace(ws))))


class TemplateHandler(PyrunsHandler):
    """`workspaces/{ws}/templates`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer a configuration to start from."""
        task = self.query_text("task")
        await self.answer(await self.run(lambda: generator.template(self.workspace(ws), task)))


class PreviewHandler(PyrunsHandler):
    """`workspaces/{ws}/preview`"""

    @endpoint(READ)
    async def post(self, ws: str) -> None:
        """Answer what a configuration would make; mistakes in it are part of the answer."""
        wanted = generator.Sketch.read(await self.body(*generator.Sketch.KEYS))
        most = self.services.limits.tasks_at_once
        await self.answer(await self.preview(lambda: generator.preview(self.workspace(ws), wanted, most)))
