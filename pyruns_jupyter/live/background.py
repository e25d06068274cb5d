"""Background coroutines that are restarted after unexpected errors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 1.0  # before the first restart; doubles with each failure
MAX_PAUSE_SECONDS = 60.0
REPORTED_SECONDS = 3600.0  # how long a failure is reported

_log = logging.getLogger(__name__)


@dataclass
class _Failure:
    kind: str
    count: int
    at: float  # monotonic time of the last failure


class Background:
    """Restarts work that should never end, and reports recent failures."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failure] = {}

    async def keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns or is cancelled. After an error, pause and run it again.

        `name` describes the work for messages, such as "Watching /project".
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await work()
                return
            except Exception as error:  # noqa: BLE001 - no caller would notice the end
                self.report(name, error)
            if time.monotonic() - began > MAX_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS  # it ran well for a while
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def report(self, name: str, error: Exception) -> None:
        """Log an unexpected error and include it in `problems`."""
        _log.error("%s failed.", name, exc_info=error)
        before = self._failures.get(name)
        count = 1 if before is None else before.count + 1
        self._failures[name] = _Failure(type(error).__name__, count, time.monotonic())

    def problems(self) -> list[str]:
        """Return a message for each piece of work that failed within the last hour."""
        oldest = time.monotonic() - REPORTED_SECONDS
        self._failures = {name: one for name, one in self._failures.items() if one.at >= oldest}
        return [
            f"{name} failed ({one.kind}, {one.count} time{'s' * (one.count > 1)}) and was restarted. "
            "See the log for details."
            for name, one in self._failures.items()
        ]
