"""Tasks: listing, creating, and one task."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.changes import Patch, change
from pyruns_jupyter.service.tasks import MOST, Creation, create, detail, page_reader

from .handler import EXECUTE, READ, WRITE, PyrunsHandler, endpoint


class TasksHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer a page of tasks."""
        wanted: dict[str, Any] = {key: self.query_text(key) for key in ("query", "status", "sort", "order")}
        wanted["fields"] = tuple(dict.fromkeys(self.get_query_arguments("fields", strip=False)))
        wanted["offset"] = self.query_number("offset")
        wanted["limit"] = self.query_number("limit", low=1, high=MOST)
        watcher = self.services.watcher(await self.run(self.workspace, ws))
        if "log" in wanted["query"].casefold() or "/" in wanted["query"]:
            # Reading logs and regular expressions take a while; other questions need not wait for it.
            read = page_reader(**wanted, is_given_up=lambda: self.is_gone)
            await self.answer(await self.search(await watcher.look(read)))
            return
        # What is searched for may depend on the time, such as `started>2d`.
        question = ("page", *wanted.values(), int(time.monotonic() / 2) if wanted["query"] else 0)
        self.answer_text(watcher.known(question) or await watcher.answer(question, page_reader(**wanted)))

    @endpoint(WRITE)
    async def post(self, ws: str) -> None:
        """Create one task or all tasks of a sweep."""
        wanted = Creation.read(await self.body(*Creation.KEYS))
        if wanted.run is not None:
            await self.require(EXECUTE)
        workspace = await self.run(self.workspace, ws)
        if wanted.run is not None:
            await self.check_jobs(workspace, wanted.run)
        watcher = self.services.watcher(workspace)
        try:
            created = await self.run(create, workspace, wanted, self.services.limits.tasks_at_once)
        finally:
            watcher.touch()
        await self.answer(created, 201)


class TaskHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}`"""

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer one task with its runs and configuration."""
        secrets = self.query_flag("secrets")
        if secrets:  # who may execute can have a task print them
            await self.require(EXECUTE)
        await self.answer(await self._detail(await self.run(self.workspace, ws), task, secrets=secrets))

    @endpoint(WRITE)
    async def patch(self, ws: str, task: str) -> None:
        """Change name, notes, pin, tags, environment or order: all that is asked for, or nothing."""
        wanted = Patch.read(await self.body(*Patch.KEYS))
        workspace = await self.run(self.workspace, ws)
        watcher = self.services.watcher(workspace)
        try:
            name = await self.run(change, workspace, task, wanted)
        finally:
            watcher.touch()
        await self.answer(await self._detail(workspace, name))

    @endpoint(WRITE)
    async def delete(self, ws: str, task: str) -> None:
        """Move the task to the trash."""
        workspace = await self.run(self.workspace, ws)
        watcher = self.services.watcher(workspace)
        try:
            await self.run(trash.trash, workspace, task)
        finally:
            watcher.touch()
        self.set_status(204)
        self.finish()

    async def _detail(
        self, workspace: WorkspaceFolder, task: str, *, secrets: bool = False
    ) -> dict[str, Any]:
        read = partial(detail, name=task, secrets=secrets)
        return await self.services.watcher(workspace).look(read)
