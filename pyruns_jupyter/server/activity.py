"""Keeping a server that runs tasks from being culled, and looking now and then while nobody else does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.live.background import Background
from pyruns_jupyter.live.watcher import Watcher

NAME = "pyruns_jupyter"
PERIOD = 60.0  # seconds between two looks


class Activity:
    """Tells the server that it is in use while tasks run on its machine, whoever started them.

    A hub stops servers without activity, and what runs in them ends. Open panels are no activity; running
    tasks are, until for `hours` there was no other.
    """

    def __init__(
        self,
        application: Any,
        watchers: Callable[[], Iterable[Watcher]],
        lives: Callable[[], Awaitable[bool]],
        hours: float,
        background: Background,
        period: float = PERIOD,
    ) -> None:
        """`application` is the server's web application; `lives` tells whether something runs in a project
        below its root that nobody may have looked at; `period` is how often that is asked, in seconds.
        """
        self._application = application
        self._watchers = watchers
        self._lives = lives
        self._background = background
        self._period = period
        self._most = timedelta(hours=hours)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless that is done already."""
        if self._task is None:
            self._task = asyncio.ensure_future(
                self._background.keep_running("The detection of running tasks", self._run)
            )

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            await self.look()

    async def look(self) -> None:
        """Look at all workspaces in which something waits or runs, and report it."""
        running = 0
        for watcher in list(self._watchers()):
            if watcher.active:
                try:
                    await watcher.look(lambda index: None, max_age=self._period / 2)
                except (PyrunsError, OSError):
                    continue  # gone, or not to be read now
                running += watcher.running
        if running or await self._lives():
            self._report()

    def _report(self) -> None:
        times: dict[str, datetime] = self._application.settings["last_activity_times"]
        ours = times.pop(NAME, None)
        now = datetime.now(timezone.utc)
        if now - self._application.last_activity() < self._most:
            times[NAME] = now
        elif ours is not None:
            times[NAME] = ours
