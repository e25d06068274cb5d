"""A request of an agent: operations on the workspaces below one folder, as far as the user allows them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME
from pyruns_jupyter.core.workspace.discovery import discover
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, is_workspace
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.live.session import LiveSession
from pyruns_jupyter.service.http_errors import Forbidden
from pyruns_jupyter.service.operations import EXECUTE, READ, WRITE, Created
from pyruns_jupyter.service.workspaces import ListRequest, OpenRequest
from pyruns_jupyter.system.sampler import Sampler

MAX_TASKS = 1000  # of one sweep
_FLAGS = {WRITE: "--allow-changes", EXECUTE: "--allow-execution"}
PERMISSIONS = {None: frozenset({READ}), WRITE: frozenset({READ, WRITE}), EXECUTE: frozenset(_FLAGS) | {READ}}


class AgentRuntime(LiveRuntime):
    """The runtime of agents, which starts no scheduler for agents that may not execute."""

    def __init__(self, *, may_execute: bool) -> None:
        super().__init__(Sampler())
        self._may_execute = may_execute

    def ensure_scheduler(self, root: Path) -> object:
        return super().ensure_scheduler(root) if self._may_execute else None


class AgentSession(LiveSession):
    """A request of an agent. Its workspaces are those below `roots`, named by their script's path in
    `folder`; all of these are real paths.
    """

    max_tasks = MAX_TASKS
    max_jobs = None

    def __init__(
        self,
        runtime: LiveRuntime,
        folder: Path,
        roots: Sequence[Path],
        allowed: frozenset[str],
        name: str = "",
    ) -> None:
        """`name` is the workspace; empty if there is only one."""
        super().__init__(runtime)
        self._folder, self._roots, self._allowed, self._name = folder, roots, allowed, name

    def path_of(self, path: Path) -> str | None:
        return os.path.relpath(path, self._folder)

    def name_of(self, workspace: WorkspaceFolder) -> str:
        """Return the name by which agents know a workspace: `FOLDER/NAME`, or `NAME` in the served folder."""
        project = os.path.relpath(workspace.root.parent, self._folder)
        return workspace.name if project == os.curdir else f"{project}/{workspace.name}"

    def _discovered(self) -> dict[str, WorkspaceFolder]:
        found = {one.folder for root in self._roots for one in discover(root)}
        workspaces = (WorkspaceFolder(folder, self._folder) for folder in sorted(found))
        return {self.name_of(one): one for one in workspaces}

    async def open(self) -> WorkspaceFolder:
        if self._workspace is None:
            self._workspace = await self.run(self._find)
        return self._workspace

    def _find(self) -> WorkspaceFolder:
        """Return the workspace by its name, without a search, or the only one below the folder."""
        named = self._named() if self._name else None
        if named is not None:
            return named
        known = self._discovered()
        if self._name or len(known) != 1:
            names = ", ".join(known) or "none; open a script first"
            missing = f"There is no workspace {self._name!r}." if self._name else "Name a workspace."
            raise NotFound(f"{missing} Workspaces in {self._folder}: {names}.")
        return next(iter(known.values()))

    def _named(self) -> WorkspaceFolder | None:
        project, _, name = self._name.rpartition("/")
        try:
            found = WorkspaceFolder(self._real(os.path.join(project, ROOT_NAME, name)), self._folder)
            self._real(found.project)
        except InvalidInput:
            return None
        is_named = found.root.name == ROOT_NAME and not found.name.startswith(".")
        return found if is_named and is_workspace(found.folder) else None

    def _real(self, path: str | Path) -> Path:
        """Return a path in the served folders with all links resolved.

        Raises:
            InvalidInput: if it is outside of them, or no path.
        """
        try:
            real = Path(os.path.realpath(self._folder / path))
        except ValueError:
            raise InvalidInput(f"{str(path)!r} is not a path.", field="path") from None
        if not real.is_relative_to(self._folder) or not any(map(real.is_relative_to, self._roots)):
            raise InvalidInput(f"{path} is outside of {', '.join(map(str, self._roots))}.", field="path")
        return real

    async def is_allowed(self, action: str) -> bool:
        return action in self._allowed

    async def require(self, action: str) -> None:
        if action not in self._allowed:
            raise Forbidden(f"The user has not allowed this. It needs 'jupyter pyruns mcp {_FLAGS[action]}'.")

    async def list_workspaces(self, wanted: ListRequest) -> list[dict[str, Any]]:
        items = []
        for name, workspace in (await self.run(self._discovered)).items():
            self._workspace = workspace
            items.append(await self.describe() | {"id": name})
        return items

    def target(self, path: str) -> Path:
        return self._real(path)

    async def open_workspace(self, wanted: OpenRequest) -> object:
        workspace, is_new = await self.run(
            lambda: open_workspace(self._real(wanted.path), within=self._folder)
        )
        self._workspace = workspace
        model = await self.describe() | {"id": self.name_of(workspace)}
        return Created(model) if is_new else model
