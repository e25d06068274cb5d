"""The handshake, and the description of all that follows."""

from __future__ import annotations

from importlib.resources import files

from pyruns_jupyter.live.log_stream import WINDOW
from pyruns_jupyter.service.operations import API_VERSION, EXECUTE, READ, WRITE

from .._version import __version__
from .handler import PyrunsHandler, endpoint


class StatusHandler(PyrunsHandler):
    """`GET status`"""

    @endpoint(READ)
    async def get(self) -> None:
        """Tell the version, what this user may do, and the limits."""
        await self.answer(
            {
                "version": __version__,
                "api_version": API_VERSION,
                "can_write": await self.is_allowed(WRITE),
                "can_execute": await self.is_allowed(EXECUTE),
                "limits": {
                    "tasks_at_once": self.services.limits.tasks_at_once,
                    "jobs_at_once": self.services.limits.jobs_at_once,
                    "log_window": WINDOW,
                },
                "problems": self.services.background.problems(),
            }
        )


class DescriptionHandler(PyrunsHandler):
    """`GET openapi.yaml`"""

    @endpoint(READ)
    async def get(self) -> None:
        """Answer the description of this interface."""
        self.write(await self.run((files(__package__) / "openapi.yaml").read_bytes))
        self.finish(set_content_type="application/yaml")
