"""Hints of the system that a workspace changed, for a watcher that would have to look again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .threads import Runner
from .waiting import open_in_thread, wait_for_event

_log = logging.getLogger(__name__)


class Hints:
    """Says when a look is worth while; where the system gives no hints, it never does."""

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
        """Have hints of a workspace for the length of the block."""
        watch: FolderWatch | None = None
        try:
            watch = await open_in_thread(run, lambda: FolderWatch(workspace.tasks))
        except OSError as error:
            _log.debug("%s is looked at without hints: %s", workspace.folder, error)
        hints = Hints(run, watch)
        try:
            yield hints
        finally:
            hints.close()

    def forget(self) -> None:
        """Take notice only of what comes from now on."""
        self._came.clear()

    async def cover(self, names: Iterable[str]) -> bool:
        """Have hints of these tasks; tell whether all that changed since the last look brings one.

        `names` are replaced when they change, never changed themselves.
        """
        if self._watch is None:
            return False
        if names is self._covered:
            return True
        try:
            has_new = await self._run(self._watch.update, names)
        except OSError as error:
            _log.info("There is no room for watching so many tasks; they are looked at instead: %s", error)
            self.close()
            return False
        self._covered = names
        return not has_new  # these may have changed before they were watched

    async def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for a hint; return whether one came."""
        return await wait_for_event(self._came, seconds)

    def close(self) -> None:
        """Have no hints any more."""
        watch, self._watch = self._watch, None
        if watch is not None:
            asyncio.get_running_loop().remove_reader(watch.descriptor)
            watch.close()

    def _take(self) -> None:
        if self._watch is not None and self._watch.read():
            self._came.set()
