"""A request to the server as operations and streams see it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, structs

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.session import LiveSession
from pyruns_jupyter.service.queue import is_local
from pyruns_jupyter.service.request import read_request

from .handler import ExtensionHandler

R = TypeVar("R", bound=Struct)


def path_arguments(address: str, values: Sequence[str]) -> dict[str, str]:
    """Return the values of the parameters in an address such as `/workspaces/{ws}/tasks/{task}`."""
    return dict(zip(re.findall(r"{(\w+)}", address), values, strict=True))


class RequestReader:
    """The path, the query and the body of a request."""

    def __init__(
        self,
        handler: ExtensionHandler,
        path: Mapping[str, str],
        body: dict[str, Any] | PyrunsError | None = None,
    ) -> None:
        self._handler, self._path, self._body = handler, path, body

    def read(self, kind: type[R]) -> R:
        """Return them as a request; an error of the body is raised only now."""
        if isinstance(self._body, PyrunsError):
            raise self._body
        values: dict[str, Any] = dict(self._path)
        for one in structs.fields(kind) if self._body is None else ():
            if isinstance(one.default, tuple):
                values[one.name] = self._handler.get_query_arguments(one.name, strip=False)
            elif one.name not in values:
                values[one.name] = self._handler.get_query_argument(one.name, None, strip=False)
        return read_request(kind, values, self._body, strict=False)


class ServerSession(LiveSession):
    """A request over HTTP."""

    def __init__(self, handler: ExtensionHandler, identifier: str) -> None:
        super().__init__(handler.services)
        self._handler, self._identifier = handler, identifier

    @property
    def max_tasks(self) -> int:
        return self._handler.services.limits.tasks_at_once

    @property
    def is_abandoned(self) -> bool:
        return self._handler.is_gone

    async def open(self) -> WorkspaceFolder:
        if self._workspace is None:
            self._workspace = await self.run(lambda: self._handler.workspace(self._identifier))
        return self._workspace

    async def require(self, action: str) -> None:
        await self._handler.require(action)

    async def check_jobs(self, options: Mapping[str, object]) -> None:
        jobs, limit = options.get("jobs", 1), self._handler.services.limits.jobs_at_once
        workspace = await self.open()
        if isinstance(jobs, int) and jobs > limit and await self.run(lambda: is_local(workspace, options)):
            raise InvalidInput(
                f"At most {limit} tasks may run at a time on this server, not {jobs}.", field="jobs"
            )
