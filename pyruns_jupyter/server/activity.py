"""Noticing what happens to tasks that no page shows: for events, and so that no hub culls the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.live.background import Background
from pyruns_jupyter.live.watcher import Watcher

NAME = "pyruns_jupyter"
PERIOD_SECONDS = 60.0  # between two checks


class Activity:
    """Reports activity to the server while a project of the user has a scheduler on this machine, which lives
    while tasks are queued or running, also tasks of other front ends.

    A hub stops servers without activity, and their tasks with them. Open pages do not count as activity.
    Queued and running tasks do, until there was no other activity for some hours.
    """

    def __init__(
        self,
        application: Any,
        watchers: Callable[[], Iterable[Watcher]],
        watch_active: Callable[[], Awaitable[tuple[bool, Collection[Watcher]]]],
        hours: float,
        background: Background,
        period: float = PERIOD_SECONDS,
    ) -> None:
        """Create the check; `start` starts it.

        Args:
            application: the server's web application.
            watchers: returns the watchers of the workspaces that are in use.
            watch_active: returns whether any project is active, also one that this server does not show, and
                the watchers of workspaces with open batches.
            hours: how long tasks count as activity without other activity.
            background: restarts the check after errors.
            period: seconds between two checks.
        """
        self._application = application
        self._watchers = watchers
        self._watch_active = watch_active
        self._background = background
        self._period = period
        self._most = timedelta(hours=hours)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to check, if not started yet."""
        if self._task is None:
            self._task = asyncio.ensure_future(
                self._background.keep_running("The detection of running tasks", self._run)
            )

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            await self.look()

    async def look(self) -> None:
        """Read the workspaces with active tasks or studies, and report activity if any task is running."""
        is_active, opened = await self._watch_active()
        running = 0
        for watcher in list(self._watchers()):
            is_known = watcher.known_counts is not None
            if watcher.active or watcher.has_studies or watcher in opened or not is_known:
                try:
                    await watcher.look(lambda index: None, max_age=self._period / 2)
                except (PyrunsError, OSError):
                    continue  # deleted, or not readable at the moment
                running += watcher.running
        if running or is_active:
            self._report()

    def _report(self) -> None:
        times: dict[str, datetime] = self._application.settings["last_activity_times"]
        ours = times.pop(NAME, None)
        now = datetime.now(timezone.utc)
        if now - self._application.last_activity() < self._most:
            times[NAME] = now
        elif ours is not None:
            times[NAME] = ours
