"""The JavaScript modules of the notebook widgets."""

from __future__ import annotations

from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from .handler import ExtensionHandler


class StaticHandler(ExtensionHandler, web.StaticFileHandler):
    """Files of `pyruns_jupyter/static`, for users of this server."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Check the user, without redirecting a module loader to a login page."""
        await JupyterHandler.prepare(self, _redirect_to_login=False)

    @web.authenticated
    async def get(  # type: ignore[override]
        self, path: str, include_body: bool = True
    ) -> None:
        """Send a file."""
        await super().get(path, include_body)

    @web.authenticated
    async def head(self, path: str) -> None:  # type: ignore[override]
        """Send the headers of a file."""
        await super().head(path)

    def set_extra_headers(self, path: str) -> None:
        """Let browsers revalidate cached files."""
        self.set_header("Cache-Control", "no-cache")
        if path.endswith((".js", ".mjs")):
            # The content type must not depend on the configuration of the system.
            self.set_header("Content-Type", "text/javascript; charset=utf-8")
