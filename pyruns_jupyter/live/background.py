"""Coroutines that run as long as the server does: an unexpected error is logged, reported and survived."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 1.0  # before the first restart; doubles with each failure
MAX_PAUSE_SECONDS = 60.0
REPORTED_SECONDS = 3600.0  # for which a failure is reported

_log = logging.getLogger(__name__)


@dataclass
class _Failure:
    kind: str
    count: int
    at: float  # monotonic, the last time


class Background:
    """Restarts work that should never end, and remembers what failed."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failure] = {}

    async def keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns or is cancelled; after an error run it again, after a pause.

        `name` says what it does, such as "Watching /project".
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await work()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would notice the end
                self.report(name, error)
            if time.monotonic() - began > MAX_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS  # it had recovered
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def report(self, name: str, error: Exception) -> None:
        """Log an unexpected error, and report it in `problems` from now on."""
        _log.error("%s failed.", name, exc_info=error)
        before = self._failures.get(name)
        count = 1 if before is None else before.count + 1
        self._failures[name] = _Failure(type(error).__name__, count, time.monotonic())

    def problems(self) -> list[str]:
        """Return a sentence for each piece of work that failed within the last hour."""
        oldest = time.monotonic() - REPORTED_SECONDS
        self._failures = {name: one for name, one in self._failures.items() if one.at >= oldest}
        return [
            f"{name} failed ({one.kind}, {one.count} time{'s' * (one.count > 1)}) and was restarted. "
            "See the log of the server."
            for name, one in self._failures.items()
        ]
