"""What the streams and the requests of one event loop share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.system.sampler import Sampler

from .background import Background
from .threads import Workers
from .watcher import Attend, Notify, Watcher, WatcherPool

T = TypeVar("T")

_log = logging.getLogger(__name__)

THREADS = 8
SCANS = 4  # processes that search a log each
STOP_TIMEOUT_SECONDS = 5.0  # for threads to finish their work at the end
PREVIEWS = 2  # at once; users who may only read can ask for one that takes seconds
MAX_WAITING_PREVIEWS = 100  # with more, requests are refused
SEARCHES = 2  # at once; one may read logs for seconds, and everything else goes on meanwhile


class Killable(Protocol):
    """A process of ours."""

    def kill(self) -> None:
        """Let it end now."""


class LiveRuntime:
    """The sampler, the watchers, the streams and the threads of one event loop."""

    def __init__(self, sampler: Sampler, attend: Attend, notify: Notify) -> None:
        """`attend` starts the scheduler of a project if it needs one; `notify` hears of tasks that ended."""
        self.sampler = sampler
        self.background = Background()
        self.scans = asyncio.Semaphore(SCANS)
        self._threads = Workers(THREADS, "pyruns-disk")
        self._searches = Workers(SEARCHES, "pyruns-search")
        self._previews = Workers(PREVIEWS, "pyruns-preview")
        # One after the other: several threads that compute would keep the event loop from its turn.
        self._computing = Workers(1, "pyruns-compute")
        self._encoding = Workers(1, "pyruns-json")
        self._waits = Workers(SCANS, "pyruns-wait")
        self._waiting_previews = 0
        self._killed_at_the_end: set[Killable] = set()
        self._watchers = WatcherPool(
            lambda workspace: Watcher(workspace, self.run, self.compute, attend, notify, self.background)
        )
        self._streams: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a blocking function returns, without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def compute(self, function: Callable[[], T]) -> T:
        """Return what a function returns that works on what is in memory, for some milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(self._computing, function)

    async def encode(self, function: Callable[[], T]) -> T:
        """Return what a function returns that makes JSON or parses it, without waiting for a disk."""
        return await asyncio.get_running_loop().run_in_executor(self._encoding, function)

    async def search(self, function: Callable[[], T]) -> T:
        """Return what a search finds, after the ones that came before."""
        return await asyncio.get_running_loop().run_in_executor(self._searches, function)

    async def preview(self, function: Callable[[], T]) -> T:
        """Return what comes of reading a script or a configuration, after the ones that came before.

        Raises:
            Busy: when too many others wait.
        """
        if self._waiting_previews >= MAX_WAITING_PREVIEWS:
            raise Busy(f"{MAX_WAITING_PREVIEWS} other configurations are being checked. Try again.")
        self._waiting_previews += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._previews, function)
        finally:
            self._waiting_previews -= 1

    async def wait(self, function: Callable[[], T]) -> T:
        """Return what comes from a process of ours, which may take long; one for each of `scans`."""
        return await asyncio.get_running_loop().run_in_executor(self._waits, function)

    @contextmanager
    def killing(self, process: Killable) -> Iterator[None]:
        """Kill a process if everything ends within the block, so that nobody waits for it then."""
        self._killed_at_the_end.add(process)
        try:
            yield
        finally:
            self._killed_at_the_end.discard(process)

    def watcher(self, workspace: WorkspaceFolder) -> Watcher:
        """Return the watcher of a workspace."""
        return self._watchers.get(workspace)

    @property
    def is_stopping(self) -> bool:
        """Whether everything ends, so that long work is to end early."""
        return self._is_closed

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def start_stream(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the work of a stream until it ends, is cancelled, or everything ends."""
        task = asyncio.ensure_future(work)
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        return task

    async def close(self) -> None:
        """End all streams, watchers and threads; a thread that is stuck is left behind."""
        self._is_closed = True
        for process in [*self._killed_at_the_end]:
            process.kill()
        streams = [*self._streams]
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        await self._watchers.close()
        await asyncio.to_thread(self._close_threads)

    def _close_threads(self) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        pools = (self._waits, self._computing, self._encoding, self._searches, self._previews, self._threads)
        for pool in pools:
            pool.stop()
        left = sum(pool.join(deadline) for pool in pools)
        left += self.sampler.stop(max(0.0, deadline - time.monotonic()))
        if left:
            _log.warning("The server stops, and %d threads that are still at work are left behind.", left)
