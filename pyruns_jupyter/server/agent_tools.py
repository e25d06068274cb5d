"""The reading tools for agents in the process of the server, for the extension `jupyter_server_mcp`.

That extension finds them through an entry point and serves them on a port of its own, without the token of
Jupyter, so none of them changes anything.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp

from pyruns_jupyter.agents.tools import READING, AgentTools

from .services import SETTING, Services


def reading_tools() -> list[str]:
    """Return the names of the tools as `jupyter_server_mcp` wants them."""
    return [f"{__name__}:{name}" for name in READING]


@cache
def _tools() -> AgentTools:
    if not ServerApp.initialized():
        return AgentTools(Path.cwd())
    server = ServerApp.instance()
    services: Services | None = server.web_app.settings.get(SETTING)
    if services is None:  # the extension is disabled
        return AgentTools(Path(server.root_dir))
    return AgentTools(services.paths.root, roots=services.paths.roots)


def __getattr__(name: str) -> Any:
    if name not in READING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_tools(), name)
