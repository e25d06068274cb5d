"""Which address leads to which handler; the REST part is described in `openapi.yaml`."""

from __future__ import annotations

import re
from typing import Any

from .exports import ExportHandler
from .handler import NotHere, PyrunsHandler
from .logs import LogDownloadHandler, LogHandler
from .logsearch import LogSearchHandler
from .operations import operation_handlers
from .runs import ArtifactHandler
from .status import DescriptionHandler, StatusHandler
from .streams import stream_handlers
from .system import SystemHandler
from .workspaces import WorkspaceHandler, WorkspacesHandler

API = "/pyruns/api"

REST: dict[str, type[PyrunsHandler]] = {
    "/status": StatusHandler,
    "/workspaces": WorkspacesHandler,
    "/workspaces/{ws}": WorkspaceHandler,
    **operation_handlers(),
    "/workspaces/{ws}/export": ExportHandler,
    "/workspaces/{ws}/tasks/{task}/logs": LogHandler,
    "/workspaces/{ws}/tasks/{task}/logs/search": LogSearchHandler,
    "/workspaces/{ws}/tasks/{task}/logs/download": LogDownloadHandler,
    "/workspaces/{ws}/tasks/{task}/runs/{run}/artifacts/{path}": ArtifactHandler,
    "/system": SystemHandler,
}
STREAMS = stream_handlers()

# A workspace is one segment with its slashes percent-encoded. Some proxies decode them on the way, so the
# plain form is understood too.
_SEGMENTS = {
    "{ws}": r"((?:[^/]+/)*_pyruns_/[^/]+|[^/]+)",
    "{task}": r"([^/]+)",
    "{study}": r"([^/]+)",
    "{run}": r"([^/]+)",
    "{path}": r"(.+)",
}


def pattern(address: str) -> str:
    """Return the regular expression of an address such as `/workspaces/{ws}/tasks`."""
    return API + re.sub(r"\{\w+\}", lambda found: _SEGMENTS[found.group()], address)


def routes() -> list[tuple[str, Any]]:
    """Return all routes of the API, without the server's base URL."""
    listed = [(pattern(address), handler) for address, handler in {**REST, **STREAMS}.items()]
    return [*listed, (API + r"/openapi\.yaml", DescriptionHandler), (API + r"(?:/.*)?", NotHere)]
