"""The URL paths of the API and their handlers. The REST part is described in `openapi.yaml`."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from tornado import web

from pyruns_jupyter.service.operations import READ

from .handler import PyrunsHandler, endpoint
from .logsearch import LogSearchHandler
from .operations import operation_handlers
from .streams import stream_handlers

API = "/pyruns/api"

REST: dict[str, type[PyrunsHandler]] = {
    **operation_handlers(),
    "/workspaces/{ws}/tasks/{task}/logs/search": LogSearchHandler,
}
STREAMS = stream_handlers()

# A workspace is one segment with percent-encoded slashes. Some proxies decode them, so plain slashes are
# accepted too.
_SEGMENTS = {
    "{ws}": r"((?:[^/]+/)*_pyruns_/[^/]+|[^/]+)",
    "{task}": r"([^/]+)",
    "{study}": r"([^/]+)",
    "{run}": r"([^/]+)",
    "{path}": r"(.+)",
}


class DescriptionHandler(PyrunsHandler):
    """`GET openapi.yaml`"""

    @endpoint(READ)
    async def get(self) -> None:
        """Send the description of the API."""
        self.write(await self.run((files(__package__) / "openapi.yaml").read_bytes))
        self.finish(set_content_type="application/yaml")


class UnknownPathHandler(PyrunsHandler):
    """Any other path below the API."""

    @endpoint(READ)
    async def get(self) -> None:
        """Answer 404 in the format of the API."""
        raise web.HTTPError(404)


def pattern(address: str) -> str:
    """Return the regular expression of a path such as `/workspaces/{ws}/tasks`."""
    return API + re.sub(r"\{\w+\}", lambda found: _SEGMENTS[found.group()], address)


def routes() -> list[tuple[str, Any]]:
    """Return all routes of the API, without the server's base URL."""
    listed = [(pattern(address), handler) for address, handler in {**REST, **STREAMS}.items()]
    return [*listed, (API + r"/openapi\.yaml", DescriptionHandler), (API + r"(?:/.*)?", UnknownPathHandler)]
