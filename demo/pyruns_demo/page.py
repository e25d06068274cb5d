"""The service of the demo: performs the requests of the page for all workspaces of the simulated user."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.workspace.discovery import discover
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.notebook.comm_server import CommServer, KernelSession, SendToViews
from pyruns_jupyter.server.paths import Confinement
from pyruns_jupyter.service.operations import Created
from pyruns_jupyter.service.request import Arguments
from pyruns_jupyter.service.workspaces import ListRequest, OpenRequest, workspace_model

from . import processes
from .history import PROJECTS


class PageServer(CommServer):
    """Performs requests for all workspaces below `home`, whose ids are their paths relative to it."""

    def __init__(self, home: Path, send: SendToViews) -> None:
        super().__init__(WorkspaceFolder(home), send)
        self._home = home

    def session(self, runtime: LiveRuntime, content: dict[str, Any]) -> KernelSession:
        arguments = content.get("arguments")
        identifier = arguments.get("ws") if isinstance(arguments, dict) else None
        return PageSession(runtime, self._home, str(identifier or ""))

    def arguments(self, content: dict[str, Any]) -> Arguments:
        values = content.get("arguments")
        return Arguments(values if isinstance(values, dict) else {})


class PageSession(KernelSession):
    """A request of the page; `identifier` is that of its workspace, if it names one."""

    def __init__(self, runtime: LiveRuntime, home: Path, identifier: str) -> None:
        super().__init__(runtime)
        self._paths, self._identifier = Confinement(home), identifier

    def path_of(self, path: Path) -> str | None:
        return self._paths.relative(path)

    async def open(self) -> WorkspaceFolder:
        if self._workspace is None:
            self._workspace = self._paths.workspace(self._identifier)
        return self._workspace

    async def list_workspaces(self, wanted: ListRequest) -> list[dict[str, Any]]:
        items = []
        for workspace in discover(self._paths.root):
            self._workspace = workspace
            with suppress(NotFound, FileNotFoundError):
                items.append(await self.describe(is_listed=True))
        return items

    async def open_workspace(self, wanted: OpenRequest) -> object:
        try:
            target = self._paths.target(wanted.path)
        except NotFound:
            projects = ", ".join(PROJECTS)
            message = f"This demo has only the projects {projects}. Install Pyruns to open {wanted.path}."
            raise NotFound(message) from None
        workspace, is_new = open_workspace(target, within=self._paths.root)
        self._workspace = workspace
        model = await self.look(lambda index: workspace_model(workspace, index.counts, self.path_of))
        return Created(model) if is_new else model


async def run_processes() -> None:
    """Let the processes of Pyruns take their steps, for ever."""
    wake = asyncio.Event()
    processes.on_start.append(wake.set)
    while True:
        wake.clear()
        due = processes.advance()
        pause = None if due is None else max(0.05, due - time.monotonic())
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(wake.wait(), pause)
