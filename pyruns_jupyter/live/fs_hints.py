"""File system notifications for a watcher, which otherwise has to poll."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .threads import Runner, open_in_thread, wait_for_event

_log = logging.getLogger(__name__)


class Hints:
    """Notifications that a workspace may have changed. Without support of the system there are none."""

    def __init__(self, run: Runner, watch: FolderWatch | None) -> None:
        self._run = run
        self._watch = watch
        self._came = asyncio.Event()
        self._covered: Iterable[str] = ()
        if watch is not None:
            asyncio.get_running_loop().add_reader(watch.descriptor, self._take)

    @staticmethod
    @asynccontextmanager
    async def of(workspace: WorkspaceFolder, run: Runner) -> AsyncIterator[Hints]:
        """Receive notifications of a workspace inside the block."""
        watch: FolderWatch | None = None
        try:
            watch = await open_in_thread(run, lambda: FolderWatch(workspace.tasks))
        except OSError as error:
            _log.debug(
                "Cannot receive file system notifications for %s; polling instead: %s",
                workspace.folder,
                error,
            )
        hints = Hints(run, watch)
        try:
            yield hints
        finally:
            hints.close()

    def forget(self) -> None:
        """Discard the notifications so far."""
        self._came.clear()

    async def cover(self, names: Iterable[str]) -> bool:
        """Watch these tasks and return whether every change since the last look causes a notification.

        The caller passes a new `names` object if the names have changed.
        """
        if self._watch is None:
            return False
        if names is self._covered:
            return True
        try:
            has_new = await self._run(self._watch.update, names)
        except OSError as error:
            _log.info("Too many tasks for file system notifications; polling instead: %s", error)
            self.close()
            return False
        self._covered = names
        return not has_new  # new tasks may have changed before they were watched

    async def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for a notification and return whether there was one."""
        return await wait_for_event(self._came, seconds)

    def close(self) -> None:
        """Stop receiving notifications."""
        watch, self._watch = self._watch, None
        if watch is not None:
            asyncio.get_running_loop().remove_reader(watch.descriptor)
            watch.close()

    def _take(self) -> None:
        if self._watch is not None and self._watch.read():
            self._came.set()
