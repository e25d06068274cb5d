"""What the streams and the requests of one event loop share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.logs.search import SearchProcess
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.launch import ensure_running
from pyruns_jupyter.system.sampler import Sampler
from pyruns_jupyter.system.samples import Sample

from .background import Background
from .threads import Workers
from .watcher import Watcher, WatcherPool

T = TypeVar("T")

_log = logging.getLogger(__name__)

THREADS = 8
SCANS = 4  # processes that search a log each
STOP_TIMEOUT_SECONDS = 5.0  # for threads to finish their work at the end
PREVIEWS = 2  # at once; users who may only read can ask for one that takes seconds
MAX_WAITING_PREVIEWS = 100  # with more, requests are refused
SEARCHES = 2  # at once; one may read logs for seconds without delaying other requests


class LiveRuntime:
    """The sampler, the watchers, the streams and the threads of one event loop.

    Attributes:
        patience: seconds after which a client that acknowledges nothing gets another frame of a log; None:
            never.
    """

    patience: float | None = None

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.background = Background()
        disk = Workers(THREADS, "pyruns-disk")
        self.run = disk.run  # functions that wait for the disk
        # One after the other: several threads that compute would keep the event loop from its turn.
        computing = Workers(1, "pyruns-compute")
        self.compute = computing.run  # for some milliseconds, on what is in memory
        encoding = Workers(1, "pyruns-json")
        self.encode = encoding.run  # making JSON or parsing it
        searches = Workers(SEARCHES, "pyruns-search")
        self.search = searches.run  # what may take seconds
        waits = Workers(SCANS, "pyruns-wait")
        self.wait = waits.run  # for a process of ours; one for each of `search_slots`
        self.search_slots = asyncio.Semaphore(SCANS)
        self.search_processes: set[SearchProcess] = set()  # killed at the end
        self._previews = Workers(PREVIEWS, "pyruns-preview")
        self._waiting_previews = 0
        self._pools = (waits, computing, encoding, searches, self._previews, disk)
        self.watchers = WatcherPool(
            lambda workspace: Watcher(
                workspace, self.run, self.compute, self.attend, self.notify, self.background
            )
        )
        self.streams: set[asyncio.Task[None]] = set()
        self.is_stopping = False  # so that long work is to end early

    def attend(self, root: Path) -> object:
        """Start the scheduler of a project if it needs one; in a thread."""
        return ensure_running(root)

    def notify(self, workspace: WorkspaceFolder, name: str, facts: dict[str, Any]) -> None:
        """Hear that a task failed, say, or that all tasks have ended (see `event_emitter`)."""

    def labelled(self, sample: Sample) -> Sample:
        """Return a sample with what only the front end knows."""
        return sample

    async def preview(self, function: Callable[[], T]) -> T:
        """Return what comes of reading a script or a configuration, after the ones that came before.

        Raises:
            Busy: when too many others wait.
        """
        if self._waiting_previews >= MAX_WAITING_PREVIEWS:
            raise Busy(f"{MAX_WAITING_PREVIEWS} other configurations are being checked. Try again.")
        self._waiting_previews += 1
        try:
            return await self._previews.run(function)
        finally:
            self._waiting_previews -= 1

    def watcher(self, workspace: WorkspaceFolder) -> Watcher:
        """Return the watcher of a workspace."""
        return self.watchers.get(workspace)

    def start_stream(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the work of a stream until it ends, is cancelled, or everything ends."""
        task = asyncio.ensure_future(work)
        self.streams.add(task)
        task.add_done_callback(self.streams.discard)
        return task

    async def close(self) -> None:
        """End all streams, watchers and threads; a thread that is stuck is left behind."""
        self.is_stopping = True
        for process in self.search_processes:
            process.kill()
        streams = [*self.streams]
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        await self.watchers.close()
        await asyncio.to_thread(self._close_threads)

    def _close_threads(self) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        for pool in self._pools:
            pool.stop()
        left = sum(pool.join(deadline) for pool in self._pools)
        left += self.sampler.stop(max(0.0, deadline - time.monotonic()))
        if left:
            _log.warning("At the end %d threads that are still at work are left behind.", left)
