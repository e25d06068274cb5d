"""The resources that the requests and streams of one event loop share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.common.workers import Workers
from pyruns_jupyter.core.logs.search import SearchProcess
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.launch import ensure_running
from pyruns_jupyter.system.sampler import Sampler
from pyruns_jupyter.system.samples import Sample

from .background import Background
from .watcher import Watcher, WatcherPool

T = TypeVar("T")

_log = logging.getLogger(__name__)

THREADS = 8
MAX_LOG_SEARCHES = 4  # processes, each of which searches one log
STOP_TIMEOUT_SECONDS = 5.0  # for threads to finish when the runtime is closed
MAX_PREVIEWS = 2  # in parallel; a preview may take seconds
MAX_WAITING_PREVIEWS = 100  # further requests are refused
MAX_ASKED = 2  # scripts that run up to their parsers in parallel
MAX_POLLED = 8  # tasks whose supervisors are to respond in parallel
MAX_SEARCHES = 2  # in parallel; a query in logs may take seconds
MAX_IMPORTS = 2  # of runs, in parallel; one may take minutes


class LiveRuntime:
    """The system sampler, the watchers, the streams and the threads of one event loop.

    Attributes:
        patience: seconds after which a client gets another log frame without an acknowledgement; None: never.
    """

    patience: float | None = None

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.background = Background()
        disk = Workers(THREADS, "pyruns-disk")
        self.run = disk.run  # functions that wait for the disk
        # One thread: several threads that compute would slow down the event loop.
        computing = Workers(1, "pyruns-compute")
        self.compute = computing.run  # for milliseconds, on data in memory
        encoding = Workers(1, "pyruns-json")
        self.encode = encoding.run  # encoding and decoding JSON
        searches = Workers(MAX_SEARCHES, "pyruns-search")
        self.search = searches.run  # functions that may take seconds
        importing = Workers(MAX_IMPORTS, "pyruns-import")
        self.import_runs = importing.run  # functions that may take minutes
        asking = Workers(MAX_ASKED, "pyruns-ask")
        self.ask = asking.run  # functions that wait for a script
        polling = Workers(MAX_POLLED, "pyruns-poll")
        self.poll = polling.run  # functions that wait for the supervisor of a task
        waits = Workers(MAX_LOG_SEARCHES, "pyruns-wait")
        self.wait = waits.run  # for a log search process; a thread for each of `search_slots`
        self.search_slots = asyncio.Semaphore(MAX_LOG_SEARCHES)
        self.search_processes: set[SearchProcess] = set()  # killed when the runtime is closed
        self._previews = Workers(MAX_PREVIEWS, "pyruns-preview")
        self._waiting_previews = 0
        slow = (searches, importing, asking, polling, waits, self._previews)
        self._pools = (*slow, computing, encoding, disk)
        self.watchers = WatcherPool(
            lambda workspace: Watcher(
                workspace, self.run, self.compute, self.ensure_scheduler, self.notify, self.background
            )
        )
        self.streams: set[asyncio.Task[None]] = set()
        self.is_stopping = False  # long work checks it to end early

    def ensure_scheduler(self, root: Path) -> object:
        """Start the scheduler of a project if it needs one. Called in a thread."""
        return ensure_running(root)

    def notify(self, workspace: WorkspaceFolder, name: str, facts: dict[str, Any]) -> None:
        """Handle an event, such as the failure of a task; see `event_emitter`."""

    def labelled(self, sample: Sample) -> Sample:
        """Return a sample with additions of the front end."""
        return sample

    async def preview(self, function: Callable[[], T]) -> T:
        """Run a function that reads a script or a configuration.

        Raises:
            Busy: if too many previews are waiting.
        """
        if self._waiting_previews >= MAX_WAITING_PREVIEWS:
            raise Busy(f"Too many previews are pending ({MAX_WAITING_PREVIEWS}). Try again in a few seconds.")
        self._waiting_previews += 1
        try:
            return await self._previews.run(function)
        finally:
            self._waiting_previews -= 1

    def start_stream(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a stream until it ends or is cancelled, at the latest when the runtime is closed."""
        task = asyncio.ensure_future(work)
        self.streams.add(task)
        task.add_done_callback(self.streams.discard)
        return task

    async def close(self) -> None:
        """Stop all streams, watchers and threads. A thread that hangs is abandoned."""
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
            _log.warning("Abandoned %d threads that did not stop in time.", left)
