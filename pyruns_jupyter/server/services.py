"""What all handlers of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..core.workspace import WorkspaceFolder
from ..engine.submit import attend
from ..system.sampler import Sampler
from .paths import Confinement
from .watcher import Watcher, WatcherPool

T = TypeVar("T")

SETTING = "pyruns_jupyter_services"  # under which the web application holds them
THREADS = 8
SEARCHES = 2  # at once; one may read logs for seconds, and everything else goes on meanwhile


@dataclass(frozen=True)
class Limits:
    """What the administrator decided."""

    allow_execution: bool
    tasks_at_once: int


class Services:
    """The sampler, the watchers and the threads of one server."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.limits = limits
        self.paths = Confinement(root)
        self.sampler = Sampler()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pyruns-server")
        self._searches = ThreadPoolExecutor(SEARCHES, thread_name_prefix="pyruns-search")
        self._watchers = WatcherPool(self.run, self._attend)
        self._streams: set[asyncio.Task[None]] = set()

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a blocking function returns, without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def search(self, function: Callable[[], T]) -> T:
        """Return what a search finds, after the ones that came before."""
        return await asyncio.get_running_loop().run_in_executor(self._searches, function)

    def watcher(self, workspace: WorkspaceFolder) -> Watcher:
        """Return the watcher of a workspace."""
        return self._watchers.get(workspace)

    def start_stream(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the work of a socket until it ends, is cancelled, or the server stops."""
        task = asyncio.ensure_future(work)
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        return task

    async def close(self) -> None:
        """End all sockets, watchers and threads."""
        streams = [*self._streams]
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        await self._watchers.close()
        await asyncio.to_thread(self._close_threads)

    def _close_threads(self) -> None:
        self.sampler.stop()
        for pool in (self._searches, self._threads):
            pool.shutdown(wait=True, cancel_futures=True)

    def _attend(self, root: Path) -> bool:
        # Going on with what was queued starts processes: not where the administrator forbids that.
        return self.limits.allow_execution and attend(root)
