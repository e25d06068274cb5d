"""The handshake."""

from __future__ import annotations

from .._version import __version__
from .handler import EXECUTE, READ, WRITE, PyrunsHandler, endpoint
from .logstream import WINDOW

API_VERSION = 1


class StatusHandler(PyrunsHandler):
    """`GET status`"""

    @endpoint(READ)
    async def get(self) -> None:
        """Tell the version, what this user may do, and the limits."""
        self.answer(
            {
                "version": __version__,
                "api_version": API_VERSION,
                "can_write": await self.is_allowed(WRITE),
                "can_execute": await self.is_allowed(EXECUTE),
                "limits": {
                    "tasks_at_once": self.services.limits.tasks_at_once,
                    "log_window": WINDOW,
                },
            }
        )
