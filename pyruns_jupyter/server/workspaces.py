"""Workspaces: finding, opening, looking at one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, os_sentence
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.discovery import discover
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, open_workspace
from pyruns_jupyter.service.operations import READ, WRITE
from pyruns_jupyter.service.request import Request
from pyruns_jupyter.service.workspaces import (
    damaged_model,
    folder_identity,
    has_active_tasks,
    workspace_model,
)

from .handler import PyrunsHandler, endpoint


class OpenRequest(Request, frozen=True):
    """A script or a folder to open."""

    path: str


class WorkspaceHandlerBase(PyrunsHandler):
    """What the two resources share."""

    async def model(self, workspace: WorkspaceFolder) -> dict[str, Any]:
        """Return the workspace with its counts."""

        def read(index: TaskIndex) -> dict[str, Any]:
            return self._described(workspace, index.counts)

        return await self.services.watcher(workspace).look(read)

    async def listed(self, workspace: WorkspaceFolder, *, is_one_of_many: bool = False) -> dict[str, Any]:
        """Return the workspace with its counts, or with what is wrong with it: other workspaces can be shown
        all the same, and this one be mended. As one of many, its tasks are read only while some are active.

        Raises:
            NotFound, FileNotFoundError: when it is gone.
        """
        try:
            try:
                return await (self._known(workspace) if is_one_of_many else self.model(workspace))
            except (NotFound, FileNotFoundError):
                raise
            except PyrunsError as error:
                problem = error.message
            except OSError as error:
                problem = os_sentence(error)
            return await self.run(self._described, workspace, {}, problem)
        except (NotFound, FileNotFoundError):
            raise
        except Exception as error:
            if not isinstance(error, (PyrunsError, OSError)):
                self.log.exception("%s cannot be described.", workspace.folder)
            paths = self.services.paths
            return damaged_model(
                workspace,
                identifier=paths.identifier(workspace),
                path=paths.relative(workspace.project) or "",
                problem=f"{workspace.folder} cannot be read. The log of the server says why.",
            )

    async def _known(self, workspace: WorkspaceFolder) -> dict[str, Any]:
        watcher = self.services.watchers.find(workspace)
        is_active = watcher is not None and watcher.active
        if is_active or await self.run(has_active_tasks, workspace.root):
            return await self.model(workspace)
        counts = None if watcher is None else watcher.known_counts
        return await self.run(self._described, workspace, counts)

    def _described(
        self, workspace: WorkspaceFolder, counts: Mapping[str, int] | None, problem: str | None = None
    ) -> dict[str, Any]:
        paths, script = self.services.paths, workspace.script
        return workspace_model(
            workspace,
            counts,
            identifier=paths.identifier(workspace),
            path=paths.relative(workspace.project) or "",
            script=None if script is None else paths.relative(script),
            problem=problem,
        )


class WorkspacesHandler(WorkspaceHandlerBase):
    """`workspaces`"""

    @endpoint(READ)
    async def get(self) -> None:
        """List the workspaces below the server's root, the most recently used first."""
        folder = self.query_text("folder")
        if folder:
            found = await self.run(self._seen, folder, self.query_text("identity"))
        else:
            found = await self.run(self._discovered)
        items = []
        for workspace in found:
            try:
                items.append(await self.listed(workspace, is_one_of_many=True))
            except (NotFound, FileNotFoundError):
                continue  # removed at this moment
        await self.answer({"items": items})

    @endpoint(WRITE)
    async def post(self) -> None:
        """Open a script or a folder as a workspace."""
        wanted = await self.body(OpenRequest)
        workspace, created = await self.run(self._open, wanted.path)
        await self.answer(await self.model(workspace), 201 if created else 200)

    def _discovered(self) -> list[WorkspaceFolder]:
        paths = self.services.paths
        found = {one.folder: paths.confined(one) for root in paths.roots for one in discover(root)}
        return list(found.values())

    def _seen(self, folder: str, identity: str) -> list[WorkspaceFolder]:
        """Return the workspace in a folder as a kernel names it, if this server sees the very same folder."""
        try:
            workspace = self.services.paths.at(Path(folder))
            if folder_identity(workspace) != identity:
                return []
        except (NotFound, OSError):
            return []
        return [workspace]

    def _open(self, path: str) -> tuple[WorkspaceFolder, bool]:
        paths = self.services.paths
        workspace, created = open_workspace(paths.target(path), within=paths.root)
        # What was opened must be what the other addresses will find.
        return paths.workspace(paths.identifier(workspace)), created


class WorkspaceHandler(WorkspaceHandlerBase):
    """`workspaces/{ws}`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer one workspace."""
        await self.answer(await self.listed(await self.run(self.workspace, ws)))
