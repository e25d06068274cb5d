"""An HTTP request as operations and streams see it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, structs

from pyruns_jupyter.core.common.errors import NotFound, PyrunsError
from pyruns_jupyter.core.workspace.discovery import discover
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.session import LiveSession
from pyruns_jupyter.service.operations import Created
from pyruns_jupyter.service.request import read_request
from pyruns_jupyter.service.workspaces import ListRequest, OpenRequest, folder_identity, workspace_model

from .handler import ExtensionHandler

R = TypeVar("R", bound=Struct)


def path_arguments(address: str, values: Sequence[str]) -> dict[str, str]:
    """Return the values of the parameters in a path such as `/workspaces/{ws}/tasks/{task}`."""
    return dict(zip(re.findall(r"{(\w+)}", address), values, strict=True))


@functools.cache  # msgspec evaluates the annotations at each call
def _query_parameters(kind: type[Struct]) -> list[tuple[str, bool]]:
    """Return the name of each field of a request, and whether it may be given more than once."""
    return [(one.encode_name, isinstance(one.default, tuple)) for one in structs.fields(kind)]


class RequestReader:
    """The path, the query and the body of a request."""

    def __init__(
        self,
        handler: ExtensionHandler,
        path: Mapping[str, str],
        body: dict[str, Any] | PyrunsError | None = None,
    ) -> None:
        """`body` is the JSON object of the body, or the error to raise when the request is read."""
        self._handler, self._path, self._body = handler, path, body

    def read(self, kind: type[R]) -> R:
        """Return the values as a request, or raise InvalidInput."""
        if isinstance(self._body, PyrunsError):
            raise self._body
        values: dict[str, Any] = dict(self._path)
        for name, is_list in _query_parameters(kind) if self._body is None else ():
            if is_list:
                values[name] = self._handler.get_query_arguments(name, strip=False)
            elif name not in values:
                values[name] = self._handler.get_query_argument(name, None, strip=False)
        return read_request(kind, values, self._body, strict=False)


class ServerSession(LiveSession):
    """An HTTP request. `identifier` is the `{ws}` of its path, if there is one."""

    def __init__(self, handler: ExtensionHandler, identifier: str = "") -> None:
        super().__init__(handler.services)
        self._handler, self._identifier = handler, identifier
        self._paths = handler.services.paths
        self.max_tasks = handler.services.limits.tasks_at_once
        self.max_jobs = handler.services.limits.jobs_at_once
        self.is_allowed = handler.is_allowed
        self.require = handler.require

    @property
    def is_abandoned(self) -> bool:
        return self._handler.is_gone

    def path_of(self, path: Path) -> str | None:
        return self._paths.relative(path)

    async def open(self) -> WorkspaceFolder:
        if self._workspace is None:
            self._workspace = await self.run(lambda: self._paths.workspace(self._identifier))
        return self._workspace

    async def list_workspaces(self, wanted: ListRequest) -> list[dict[str, Any]]:
        """List the workspaces below the server's root, the most recently used first."""
        find = self._discovered if not wanted.folder else lambda: self._same(wanted)
        items = []
        for workspace in await self.run(find):
            self._workspace = workspace
            try:
                items.append(await self.describe(is_listed=True))
            except (NotFound, FileNotFoundError):
                continue  # deleted a moment ago
        return items

    async def open_workspace(self, wanted: OpenRequest) -> object:
        """Open a script or a folder below the server's root."""
        workspace, is_new = await self.run(lambda: self._opened(wanted.path))
        self._workspace = workspace
        model = await self.look(lambda index: workspace_model(workspace, index.counts, self.path_of))
        return Created(model) if is_new else model

    def target(self, path: str) -> Path:
        return self._paths.target(path)

    def _discovered(self) -> list[WorkspaceFolder]:
        found = {
            one.folder: self._paths.confined(one) for root in self._paths.roots for one in discover(root)
        }
        return list(found.values())

    def _same(self, wanted: ListRequest) -> list[WorkspaceFolder]:
        """Return the workspace in a folder of a kernel's host, if this server sees the same folder."""
        try:
            workspace = self._paths.at(Path(wanted.folder))
            return [workspace] if folder_identity(workspace) == wanted.identity else []
        except (NotFound, OSError):
            return []

    def _opened(self, path: str) -> tuple[WorkspaceFolder, bool]:
        workspace, is_new = open_workspace(self._paths.target(path), within=self._paths.root)
        # Later requests must find the same workspace by its id.
        return self._paths.workspace(self._paths.identifier(workspace)), is_new
