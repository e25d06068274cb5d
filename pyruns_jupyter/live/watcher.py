"""Watching workspaces: one index each, shared by all requests and sockets, refreshed in worker threads."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.runs import QUEUED, RUNNING, STATUSES
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.events import message_since
from pyruns_jupyter.service.http_errors import to_json

from .background import Background
from .event_emitter import Endings
from .fs_hints import Hints
from .threads import Runner

T = TypeVar("T")

MAX_AGE_SECONDS = 0.3  # seconds for which a look at the disk answers further questions
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.3, 2.0  # seconds between two looks while somebody listens
IDLE_PERIOD_SECONDS = 10.0  # the same when the system says what changes, and nothing waits or runs
ATTEND_EVERY = 3.0  # seconds between two looks after the scheduler
ATTEND_IDLE = 30.0  # the same while nothing waits or runs: an adaptive sweep may have lost its driver
MAX_ANSWERS = 100  # that are kept
MAX_ANSWERS_SIZE = 16 * 1024 * 1024  # characters of all of them
MAX_INDEXES = 256
IDLE_SECONDS = 600.0  # an index that was not used for longer is removed from memory

_log = logging.getLogger(__name__)


Attend = Callable[[Path], object]
Notify = Callable[[WorkspaceFolder, str, dict[str, Any]], None]


@dataclass(frozen=True)
class _Look(Generic[T]):
    """What a look brought: the answer to a question, the index' revision and counts, how many tasks run, and
    what ended.
    """

    answer: T
    revision: int
    counts: Mapping[str, int]
    running: int
    events: list[tuple[str, dict[str, Any]]]


class Watcher:
    """One workspace as it is on disk. Used on the event loop; disk work goes to threads."""

    def __init__(
        self,
        workspace: WorkspaceFolder,
        run: Runner,
        compute: Runner,
        attend: Attend,
        notify: Notify,
        background: Background,
    ) -> None:
        """`notify` is called for each task that failed, and when nothing is queued or running any more."""
        self.workspace = workspace
        self.counts: Mapping[str, int] = dict.fromkeys(STATUSES, 0)  # as they were at the last look
        self.running = 0
        self.used_at = time.monotonic()  # when this watcher was last requested
        self._run = run
        self._compute = compute
        self._attend = attend
        self._notify = notify
        self._background = background
        self._index = TaskIndex(workspace)
        self._endings = Endings(workspace)
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._turn = asyncio.Lock()  # one look at a time, without occupying threads that wait
        self._index_lock = threading.Lock()  # holds even where an awaiting request was given up
        self._has_looked = False
        self._announced = 0  # the revision that listeners were told of
        self._looked_at = float("-inf")  # when the last complete look began
        self._changed_at = float("-inf")  # when we changed something on disk ourselves
        self._attended_at = float("-inf")
        self._answers: dict[Hashable, str] = {}  # of the revision `_answers_of`
        self._answers_of = -1
        self._making: dict[Hashable, asyncio.Future[str]] = {}
        self._listeners: set[asyncio.Event] = set()
        self._messages: dict[int, tuple[int, str]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()  # those that were cancelled
        self._attending: asyncio.Task[None] | None = None
        self._period = MIN_PERIOD_SECONDS
        self._problem: str | None = None
        self._attend_problem: str | None = None

    @property
    def busy(self) -> bool:
        """Whether somebody listens or looks right now."""
        return bool(self._listeners) or self._turn.locked()

    @property
    def active(self) -> bool:
        """Whether something waited or ran at the last look."""
        return self.counts[QUEUED] + self.counts[RUNNING] > 0

    @property
    def known_counts(self) -> Mapping[str, int] | None:
        """How many tasks had which status at the last look, None before the first one."""
        return self.counts if self._has_looked else None

    @property
    def watching(self) -> bool:
        """Whether the disk is looked at again and again."""
        return self._polling is not None

    def touch(self) -> None:
        """Say that the disk was changed just now: what was seen before does not answer questions any more."""
        self._changed_at = time.monotonic()

    def known(self, question: Hashable) -> str | None:
        """Return the answer that was remembered, when the disk was looked at a moment ago."""
        if time.monotonic() - self._looked_at > MAX_AGE_SECONDS or self._looked_at < self._changed_at:
            return None
        if self._answers_of != self._announced:
            return None
        return self._answers.get(question)

    async def answer(self, question: Hashable, read: Callable[[TaskIndex], Callable[[], object]]) -> str:
        """Return the answer to a question as JSON. `read` takes a look at an index and returns what makes the
        answer of it; those who ask the same meanwhile, and until something changes, get the same.
        """
        make, revision = await self.look(lambda index: (read(index), index.revision))
        if self._answers_of != revision:
            self._answers, self._answers_of, self._making = {}, revision, {}
        known = self._answers.get(question)
        if known is not None:
            return known
        making = self._making.get(question)
        if making is None:
            making = asyncio.ensure_future(self._compute(lambda: to_json(make())))
            self._making[question] = making
        try:
            text = await asyncio.shield(making)
        finally:
            if making.done() and self._making.get(question) is making:
                del self._making[question]
        if self._answers_of == revision:
            kept = sum(map(len, self._answers.values()))
            if len(self._answers) >= MAX_ANSWERS or kept + len(text) > MAX_ANSWERS_SIZE:
                self._answers.clear()
            if len(text) <= MAX_ANSWERS_SIZE:
                self._answers[question] = text
        return text

    async def look(self, read: Callable[[TaskIndex], T], *, max_age: float = MAX_AGE_SECONDS) -> T:
        """Return what `read` finds in an index at most `max_age` seconds old; `read` runs in a thread."""
        async with self._turn:
            look: Callable[[], _Look[T]] = partial(self._look, read, max_age)
            seen = await self._run(look)
        if seen.revision != self._announced:  # also when the look that found it was given up
            self._announced = seen.revision
            self._period = MIN_PERIOD_SECONDS
            self._messages.clear()
            for listener in self._listeners:
                listener.set()
        self.counts, self.running, self._has_looked = seen.counts, seen.running, True
        for name, facts in seen.events:
            self._notify(self.workspace, name, facts)
        self._attend_if_due(self.active)
        return seen.answer

    def _look(self, read: Callable[[TaskIndex], T], max_age: float) -> _Look[T]:
        with self._index_lock:
            now = time.monotonic()
            if self._looked_at < max(now - max_age, self._changed_at):
                self._events += self._endings.take(self._index.refresh())
                self._looked_at = now
            answer = read(self._index)
            events, self._events = self._events, []  # also of a look whose request was given up
            return _Look(
                answer=answer,
                revision=self._index.revision,
                counts=self._index.counts,
                running=self._endings.running,
                events=events,
            )

    def _attend_if_due(self, active: bool) -> None:
        """See to it that what waits has a scheduler; now and then also where nothing seems to wait, for what
        dead ones left behind.
        """
        now = time.monotonic()
        due = now - self._attended_at >= (ATTEND_EVERY if active else ATTEND_IDLE)
        if not due or self._attending is not None:
            return
        self._attended_at = now
        self._attending = asyncio.ensure_future(self._attend_now())

    async def _attend_now(self) -> None:
        try:
            await self._run(self._attend, self.workspace.root)
            self._attend_problem = None
        except (PyrunsError, OSError) as error:
            if self._attend_problem != str(error):
                self._attend_problem = str(error)
                _log.warning("The scheduler of %s could not be started: %s", self.workspace.root, error)
        except Exception as error:  # noqa: BLE001 - no caller awaits this task
            self._background.report(f"Starting the scheduler of {self.workspace.root}", error)
        finally:
            self._attending = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Event]:
        """Keep looking at the disk for the length of the block; the event is set when something changed."""
        event = asyncio.Event()
        self._listeners.add(event)
        if self._polling is None:
            self._polling = asyncio.ensure_future(
                self._background.keep_running(f"Watching {self.workspace.folder}", self._poll)
            )
        try:
            yield event
        finally:
            self._listeners.discard(event)
            if not self._listeners and self._polling is not None:
                self._polling.cancel()
                self._ending.add(self._polling)
                self._polling.add_done_callback(self._ending.discard)
                self._polling = None

    async def _poll(self) -> None:
        self._period = MIN_PERIOD_SECONDS
        async with Hints.of(self.workspace, self._run) as hints:
            while True:
                began = time.monotonic()
                hints.forget()
                is_complete = False
                try:
                    rows = await self.look(lambda index: index.rows, max_age=0.0)
                    is_complete = await hints.cover(rows)
                    self._problem = None
                except (PyrunsError, OSError) as error:
                    if self._problem != str(error):
                        self._problem = str(error)
                        _log.warning("%s cannot be watched: %s", self.workspace.folder, error)
                cost = time.monotonic() - began
                # Costs follow what changes; a large workspace on a slow disk is asked less often.
                pause = min(max(self._period, 4 * cost), max(MAX_PERIOD_SECONDS, cost))
                self._period = min(self._period * 1.25, MAX_PERIOD_SECONDS)
                if is_complete and not self.active:
                    pause = IDLE_PERIOD_SECONDS
                if await hints.wait(pause):
                    await asyncio.sleep(began + max(MIN_PERIOD_SECONDS, 4 * cost) - time.monotonic())

    async def message_since(self, revision: int) -> tuple[int, str] | None:
        """Return the message that leads from `revision` to now, and the revision it leads to.

        None when nothing changed. Clients that know the same revision share one message.
        """
        known = self._messages.get(revision)
        if known is None:
            async with self._turn:
                known = await self._run(self._message, revision)
            self._messages[revision] = known
        return known if known[0] != revision else None

    def _message(self, revision: int) -> tuple[int, str]:
        with self._index_lock:
            message = message_since(self._index, revision)
            return (revision, "") if message is None else (message["revision"], to_json(message))

    async def close(self) -> None:
        """Stop looking."""
        tasks = [task for task in (self._polling, self._attending, *self._ending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class WatcherPool:
    """The watchers of one event loop; unused ones are removed after a while."""

    def __init__(self, create: Callable[[WorkspaceFolder], Watcher]) -> None:
        self._create = create
        self._watchers: dict[Path, Watcher] = {}

    def get(self, workspace: WorkspaceFolder) -> Watcher:
        """Return the watcher of a workspace."""
        watcher = self._watchers.pop(workspace.folder, None)
        if watcher is None:
            watcher = self._create(workspace)
        watcher.used_at = time.monotonic()
        self._watchers[workspace.folder] = watcher  # the last in the dictionary is the last used
        if len(self._watchers) > MAX_INDEXES:
            idle = next(
                (key for key, kept in self._watchers.items() if not kept.busy and kept is not watcher), None
            )
            if idle is not None:
                del self._watchers[idle]
        return watcher

    def find(self, workspace: WorkspaceFolder) -> Watcher | None:
        """Return the watcher of a workspace if there is one; this does not count as use."""
        return self._watchers.get(workspace.folder)

    def drop_idle(self) -> None:
        """Forget the watchers that nobody used for a while and in whose workspaces nothing is queued or
        running.
        """
        oldest = time.monotonic() - IDLE_SECONDS
        for key, watcher in [*self._watchers.items()]:
            if watcher.used_at <= oldest and not watcher.busy and not watcher.active:
                del self._watchers[key]

    def in_use(self) -> list[Watcher]:
        """Return the watchers that are left after `drop_idle`."""
        self.drop_idle()
        return self.all()

    def all(self) -> list[Watcher]:
        """Return all watchers."""
        return [*self._watchers.values()]

    async def close(self) -> None:
        """Stop all watchers."""
        watchers = [*self._watchers.values()]
        self._watchers.clear()
        for watcher in watchers:
            await watcher.close()
