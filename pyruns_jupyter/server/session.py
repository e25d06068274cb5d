"""A request to the server as operations and streams see it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.session import LiveSession
from pyruns_jupyter.service.queue import is_local
from pyruns_jupyter.service.request import MAX_NUMBER, Body, query_integer

from .handler import ExtensionHandler


def path_arguments(address: str, values: Sequence[str]) -> dict[str, str]:
    """Return the values of the parameters in an address such as `/workspaces/{ws}/tasks/{task}`."""
    return dict(zip(re.findall(r"{(\w+)}", address), values, strict=True))


class RequestArguments:
    """Arguments in the path, the query and the body of a request."""

    def __init__(
        self, handler: ExtensionHandler, path: Mapping[str, str], body: dict[str, Any] | PyrunsError | None
    ) -> None:
        self._handler, self._path, self._body = handler, path, body

    def text(self, key: str) -> str:
        """Return a text, empty when it is not given."""
        return self._path[key] if key in self._path else self._handler.query_text(key)

    def texts(self, key: str) -> list[str]:
        """Return several texts, each once, in their order."""
        return list(dict.fromkeys(self._handler.get_query_arguments(key, strip=False)))

    def number(self, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
        """Return a whole number, None when it is not given."""
        if key in self._path:
            return query_integer(self._path[key], key, low=low, high=high)
        return self._handler.query_number(key, low=low, high=high)

    def flag(self, key: str) -> bool:
        """Return whether something is wanted; not when it is not given."""
        return self._handler.query_flag(key)

    def body(self, *allowed: str) -> Body:
        """Return the object in the body, which may have the keys `allowed`."""
        if isinstance(self._body, PyrunsError):
            raise self._body
        return Body.of(self._body or {}, allowed)


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
