"""What all handlers of one server share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.project_registry import living_projects
from pyruns_jupyter.live.background import Background
from pyruns_jupyter.live.event_emitter import Emit
from pyruns_jupyter.live.threads import Workers
from pyruns_jupyter.live.watcher import Watcher, WatcherPool

from ..studies.launch import ensure_running
from ..system.sampler import Sampler
from .activity import PERIOD, Activity
from .kernels import Kernels
from .metrics import Metrics
from .paths import Confinement
from .webhook import Webhook

T = TypeVar("T")

_log = logging.getLogger(__name__)

SETTING = "pyruns_jupyter_services"  # under which the web application holds them
THREADS = 8
SCANS = 4  # processes that search a log each
STOP_TIMEOUT_SECONDS = 5.0  # for threads to finish their work when the server stops
PREVIEWS = 2  # at once; users who may only read can ask for one that takes seconds
MAX_WAITING_PREVIEWS = 100  # with more, requests are refused
SEARCHES = 2  # at once; one may read logs for seconds, and everything else goes on meanwhile


class Killable(Protocol):
    """A process of ours."""

    def kill(self) -> None:
        """Let it end now."""


@dataclass(frozen=True)
class Limits:
    """What the administrator decided."""

    allow_execution: bool
    tasks_at_once: int
    jobs_at_once: int
    activity_hours: float
    activity_seconds: float = PERIOD


class Services:
    """The sampler, the watchers and the threads of one server."""

    def __init__(
        self,
        root: Path,
        roots: Sequence[str],
        limits: Limits,
        application: Any,
        kernels: Any,
        emit: Emit,
        webhook: Webhook,
    ) -> None:
        """`roots` are the folders below `root` in which projects may lie, all of it when empty;
        `application` and `kernels` are the server's, `emit` tells its event system, `webhook` somebody else.
        """
        self.limits = limits
        self.paths = Confinement(root, roots)
        self.sampler = Sampler(root)
        self.kernels = Kernels(kernels)
        self._threads = Workers(THREADS, "pyruns-server")
        self._searches = Workers(SEARCHES, "pyruns-search")
        self._previews = Workers(PREVIEWS, "pyruns-preview")
        self._waiting_previews = 0
        # One after the other: several threads that compute would keep the event loop from its turn.
        self._computing = Workers(1, "pyruns-compute")
        self._encoding = Workers(1, "pyruns-json")
        self._waits = Workers(SCANS, "pyruns-wait")
        self.scans = asyncio.Semaphore(SCANS)
        self._killed_at_the_end: set[Killable] = set()
        self.background = Background()
        self._watchers = WatcherPool(self.run, self.compute, self._attend, self._tell, self.background)
        self._emit = emit
        self._webhook = webhook
        self._activity = Activity(
            application,
            self._watchers_in_use,
            self._lives,
            limits.activity_hours,
            self.background,
            limits.activity_seconds,
        )
        self._streams: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._metrics = Metrics(self)
        self._metrics.register()

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

    @contextmanager
    def killing(self, process: Killable) -> Iterator[None]:
        """Kill a process when the server stops within the block, so that nobody waits for it then."""
        self._killed_at_the_end.add(process)
        try:
            yield
        finally:
            self._killed_at_the_end.discard(process)

    async def wait(self, function: Callable[[], T]) -> T:
        """Return what comes from a process of ours, which may take long; one for each of `scans`."""
        return await asyncio.get_running_loop().run_in_executor(self._waits, function)

    def watcher(self, workspace: WorkspaceFolder) -> Watcher:
        """Return the watcher of a workspace."""
        return self._watchers.get(workspace)

    def start(self) -> None:
        """Begin what goes on without anybody asking; on the event loop."""
        if not self._is_closed:
            self._activity.start()

    async def _lives(self) -> bool:
        """Tell whether something of this user runs on this machine, below the server's root or not."""
        return bool(await self.run(living_projects))

    def watchers(self) -> list[Watcher]:
        """Return the watchers of all workspaces that were looked at."""
        return self._watchers.all()

    def known_watcher(self, workspace: WorkspaceFolder) -> Watcher | None:
        """Return the watcher of a workspace if it was looked at lately."""
        return self._watchers.find(workspace)

    def drop_idle_watchers(self) -> None:
        """Free the memory of workspaces that are not used any more."""
        self._watchers.drop_idle()

    def _watchers_in_use(self) -> list[Watcher]:
        self.drop_idle_watchers()
        return self.watchers()

    @property
    def is_stopping(self) -> bool:
        """Whether the server stops, so that long work is to end early."""
        return self._is_closed

    @property
    def streams(self) -> int:
        """How many websockets are open."""
        return len(self._streams)

    def start_stream(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the work of a socket until it ends, is cancelled, or the server stops."""
        task = asyncio.ensure_future(work)
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        return task

    async def close(self) -> None:
        """End all sockets, watchers and threads; a thread that is stuck is left behind."""
        self._is_closed = True
        self._metrics.unregister()
        for process in [*self._killed_at_the_end]:
            process.kill()
        await self._activity.stop()
        await self._webhook.close()
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

    def _tell(self, workspace: WorkspaceFolder, name: str, facts: dict[str, Any]) -> None:
        try:
            told = {"workspace": self.paths.identifier(workspace), **facts}
            self._webhook.tell(name, told)
            self._emit(name, told)
        except Exception:  # noqa: BLE001 - nobody's answer depends on it
            _log.exception("The event %s could not be told.", name)

    def _attend(self, root: Path) -> bool:
        # Going on with what was queued starts processes: not where the administrator forbids that.
        return self.limits.allow_execution and ensure_running(root)
