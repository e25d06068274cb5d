"""Which address leads to which handler; the REST part is described in `openapi.yaml`."""

from __future__ import annotations

import re
from typing import Any

from .actions import ActionsHandler
from .compare import CompareHandler
from .events import EventStream
from .exports import ExportHandler, TrashHandler
from .generator import ParametersHandler, PreviewHandler, TemplateHandler
from .handler import NotHere, PyrunsHandler
from .log_stream import LogStream
from .logs import LogDownloadHandler, LogHandler, LogTimesHandler
from .logsearch import LogSearchHandler
from .queue import QueueHandler
from .runs import ArtifactHandler, ArtifactsHandler, RunHandler, RunInputHandler
from .settings import SettingsHandler
from .status import DescriptionHandler, StatusHandler
from .streams import StreamHandler
from .studies import SearchPreviewHandler, StudiesHandler, StudyHandler
from .system import SystemHandler
from .system_stream import SystemStream
from .tables import ColumnsHandler, CurvesHandler, GroupsHandler
from .tasks import TaskHandler, TasksHandler
from .tracks import TracksHandler
from .workspaces import WorkspaceHandler, WorkspacesHandler

API = "/pyruns/api"

REST: dict[str, type[PyrunsHandler]] = {
    "/status": StatusHandler,
    "/workspaces": WorkspacesHandler,
    "/workspaces/{ws}": WorkspaceHandler,
    "/workspaces/{ws}/parameters": ParametersHandler,
    "/workspaces/{ws}/templates": TemplateHandler,
    "/workspaces/{ws}/preview": PreviewHandler,
    "/workspaces/{ws}/tasks": TasksHandler,
    "/workspaces/{ws}/actions": ActionsHandler,
    "/workspaces/{ws}/queue": QueueHandler,
    "/workspaces/{ws}/studies": StudiesHandler,
    "/workspaces/{ws}/studies/{study}": StudyHandler,
    "/workspaces/{ws}/searches": SearchPreviewHandler,
    "/workspaces/{ws}/settings": SettingsHandler,
    "/workspaces/{ws}/trash": TrashHandler,
    "/workspaces/{ws}/compare": CompareHandler,
    "/workspaces/{ws}/columns": ColumnsHandler,
    "/workspaces/{ws}/groups": GroupsHandler,
    "/workspaces/{ws}/curves": CurvesHandler,
    "/workspaces/{ws}/export": ExportHandler,
    "/workspaces/{ws}/tasks/{task}": TaskHandler,
    "/workspaces/{ws}/tasks/{task}/logs": LogHandler,
    "/workspaces/{ws}/tasks/{task}/logs/search": LogSearchHandler,
    "/workspaces/{ws}/tasks/{task}/logs/times": LogTimesHandler,
    "/workspaces/{ws}/tasks/{task}/logs/download": LogDownloadHandler,
    "/workspaces/{ws}/tasks/{task}/runs/{run}": RunHandler,
    "/workspaces/{ws}/tasks/{task}/runs/{run}/input": RunInputHandler,
    "/workspaces/{ws}/tasks/{task}/runs/{run}/artifacts": ArtifactsHandler,
    "/workspaces/{ws}/tasks/{task}/runs/{run}/artifacts/{path}": ArtifactHandler,
    "/workspaces/{ws}/tasks/{task}/tracks": TracksHandler,
    "/system": SystemHandler,
}
STREAMS: dict[str, type[StreamHandler]] = {
    "/workspaces/{ws}/events": EventStream,
    "/workspaces/{ws}/tasks/{task}/logs/stream": LogStream,
    "/system/stream": SystemStream,
}

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
