"""Hints of the system that a workspace changed, for a watcher that would have to look again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from .watcher import Runner

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
        creating = asyncio.ensure_future(run(FolderWatch, workspace.tasks))
        try:
            watch = await asyncio.shield(creating)
        except asyncio.CancelledError:
            creating.add_done_callback(_close_unused)  # a thread may be creating it at this moment
            raise
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
        """Wait for a hint at most so long; tell whether one came."""
        # Before Python 3.12 `asyncio.wait_for` loses a cancellation that comes together with the hint.
        hint = asyncio.ensure_future(self._came.wait())
        try:
            await asyncio.wait({hint}, timeout=seconds)
            return hint.done()
        finally:
            hint.cancel()

    def close(self) -> None:
        """Have no hints any more."""
        watch, self._watch = self._watch, None
        if watch is not None:
            asyncio.get_running_loop().remove_reader(watch.descriptor)
            watch.close()

    def _take(self) -> None:
        if self._watch is not None and self._watch.read():
            self._came.set()


def _close_unused(creating: asyncio.Future[FolderWatch]) -> None:
    if not creating.cancelled() and creating.exception() is None:
        creating.result().close()
