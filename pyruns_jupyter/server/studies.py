"""The adaptive sweeps of a workspace: looking at them, beginning, stopping and resuming them."""

from __future__ import annotations

from pyruns_jupyter.service import studies

from .handler import EXECUTE, READ, WRITE, PyrunsHandler, endpoint


class StudiesHandler(PyrunsHandler):
    """`workspaces/{ws}/studies`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer the studies of a workspace, without their trials."""
        workspace = await self.run(self.workspace, ws)
        found = await self.run(studies.StudyList.read, workspace)
        rows = await self.services.watcher(workspace).look(lambda index: index.rows, max_age=0.0)
        await self.answer(await self.run(found.listing, workspace, rows))

    @endpoint(WRITE)
    async def post(self, ws: str) -> None:
        """Begin a study."""
        await self.require(EXECUTE)  # makes tasks and runs them
        wanted = studies.StudyRequest.read(await self.body(*studies.StudyRequest.KEYS))
        workspace = await self.run(self.workspace, ws)
        await self.check_jobs(workspace, {**wanted.run, **wanted.fields})
        found = await self.run(studies.begin, workspace, wanted)
        self.services.watcher(workspace).touch()
        await self.answer(found, 201)


class SearchPreviewHandler(PyrunsHandler):
    """`workspaces/{ws}/searches`"""

    @endpoint(READ)
    async def post(self, ws: str) -> None:
        """Answer what a study would search; mistakes in it are part of the answer."""
        wanted = studies.StudyRequest.read(await self.body(*studies.StudyRequest.KEYS))
        await self.answer(await self.preview(lambda: studies.preview(self.workspace(ws), wanted)))


class StudyHandler(PyrunsHandler):
    """`workspaces/{ws}/studies/{study}`"""

    @endpoint(READ)
    async def get(self, ws: str, study: str) -> None:
        """Answer one study with its trials."""
        workspace = await self.run(self.workspace, ws)
        found = await self.run(studies.StudyList.one, workspace, study)
        rows = await self.services.watcher(workspace).look(lambda index: index.rows, max_age=0.0)
        await self.answer(await self.run(found.detail, workspace, rows))

    @endpoint(WRITE)
    async def post(self, ws: str, study: str) -> None:
        """Stop a study, or go on with it."""
        await self.require(EXECUTE)
        wanted = studies.StudyChange.read(await self.body(*studies.StudyChange.KEYS))
        workspace = await self.run(self.workspace, ws)
        found = await self.run(studies.change, workspace, study, wanted)
        self.services.watcher(workspace).touch()
        await self.answer(found)

    @endpoint(WRITE)
    async def delete(self, ws: str, study: str) -> None:
        """Forget a study; its tasks stay."""
        await self.run(lambda: studies.remove(self.workspace(ws), study))
        self.set_status(204)
        self.finish()
