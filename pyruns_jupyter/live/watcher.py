"""Watching workspaces: one index each, shared by all requests and streams, refreshed in worker threads."""

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
from pyruns_jupyter.core.taskfile.runs import QUEUED, RUNNING
from pyruns_jupyter.core.tasks.index import Changes, TaskIndex
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.http_errors import to_json

from .background import Background
from .event_emitter import EventDetector
from .events import message_since
from .fs_hints import Hints
from .threads import Runner

T = TypeVar("T")

MAX_AGE_SECONDS = 0.3  # how long an index is used without reading the disk again
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.3, 2.0  # between two reads while there are listeners
LIVE_PERIOD_SECONDS = 1.0  # the same at least with file system notifications, which metrics do not cause
IDLE_PERIOD_SECONDS = 10.0  # the same with file system notifications and without active tasks
SLOW_SECONDS = 1.0  # requests do not wait for a look of the watch that takes longer
MAX_SHARE = 0.01  # of the time, to look at all tasks although there are notifications
CHECK_SECONDS = 3.0  # between two checks that a scheduler is alive
IDLE_CHECK_SECONDS = 30.0  # the same without active tasks: the driver of a study may have died
MAX_ANSWERS = 100  # cached at once
MAX_ANSWERS_SIZE = 16 * 1024 * 1024  # characters of all cached answers
IDLE_SECONDS = 600.0  # an unused index is removed from memory after this time

_log = logging.getLogger(__name__)


Answers = dict[Hashable, asyncio.Future[str]]
EnsureScheduler = Callable[[Path], object]
Notify = Callable[[WorkspaceFolder, str, dict[str, Any]], None]


@dataclass(frozen=True)
class _Look(Generic[T]):
    """The result of a look: an answer, the revision and counts of the index, the number of running tasks,
    events, and the message to clients that know the revision before.
    """

    answer: T
    revision: int
    counts: Mapping[str, int]
    running: int
    events: list[tuple[str, dict[str, Any]]]
    message: tuple[int, str] | None


class Watcher:
    """The state of one workspace on disk. Used on the event loop; threads read the disk."""

    def __init__(
        self,
        workspace: WorkspaceFolder,
        run: Runner,
        compute: Runner,
        ensure_scheduler: EnsureScheduler,
        notify: Notify,
        background: Background,
    ) -> None:
        """`ensure_scheduler` starts a scheduler if needed; `notify` gets each event (see `event_emitter`)."""
        self.workspace = workspace
        self.counts: Mapping[str, int] = dict.fromkeys(SHOWN_STATUSES, 0)  # at the last look
        self.running = 0
        self.used_at = time.monotonic()  # when this watcher was last requested
        self._run = run
        self._compute = compute
        self._ensure_scheduler = ensure_scheduler
        self._notify = notify
        self._background = background
        self._index = TaskIndex(workspace)
        self._events_of = EventDetector(workspace)
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._hints: Hints | None = None
        self._all_at = float("-inf")  # when to look at all tasks again, whatever the notifications say
        self._turn = asyncio.Lock()  # one look at a time; waiting for it occupies no thread
        self._index_lock = threading.Lock()  # also held by a look whose request was cancelled
        self._has_looked = False
        self._announced = 0  # the last revision that listeners were notified of
        self._looked_at = float("-inf")  # when the last look at the disk began
        self._looking_since = float("inf")  # when the present look at the disk began
        self._look_seconds = 0.0  # of the last look at the disk, 0 if it failed
        self._watched_since = float("inf")
        self._changed_at = float("-inf")  # when a request of this server changed the disk
        self._checked_at = float("-inf")
        self._answers: Answers = {}  # of the revision `_answers_of`
        self._answers_of = -1
        self._listeners: set[asyncio.Event] = set()
        self._messages: dict[int, tuple[int, str]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()  # that were cancelled
        self._checking: asyncio.Task[None] | None = None
        self._period = MIN_PERIOD_SECONDS
        self._problem: str | None = None
        self._scheduler_problem: str | None = None

    @property
    def busy(self) -> bool:
        """Whether there are listeners or a look is in progress."""
        return bool(self._listeners) or self._turn.locked()

    @property
    def active(self) -> bool:
        """Whether tasks were queued or running at the last look."""
        return self.counts[QUEUED] + self.counts[RUNNING] > 0

    @property
    def has_studies(self) -> bool:
        """Whether studies were active at the last look."""
        return self._events_of.has_studies

    @property
    def known_counts(self) -> Mapping[str, int] | None:
        """The number of tasks by status at the last look, None before the first one."""
        return self.counts if self._has_looked else None

    @property
    def watching(self) -> bool:
        """Whether the workspace is watched for listeners."""
        return self._polling is not None

    def touch(self) -> None:
        """Note that the disk was changed, so the next look reads it again."""
        self._changed_at = time.monotonic()

    def known(self, question: Hashable) -> str | None:
        """Return the cached answer if the disk was read a moment ago, else None."""
        if time.monotonic() - self._looked_at > MAX_AGE_SECONDS or self._looked_at < self._changed_at:
            return None
        answer = self._answers.get(question) if self._answers_of == self._announced else None
        return None if answer is None or not _is_ready(answer) else answer.result()

    async def answer(self, question: Hashable, read: Callable[[TaskIndex], Callable[[], object]]) -> str:
        """Return the answer to a question as JSON, cached until the workspace changes. `read` gets the index
        and returns a function that makes the answer.
        """
        make, revision = await self.look(lambda index: (read(index), index.revision))
        if self._answers_of != revision:
            self._answers, self._answers_of = {}, revision
        answers = self._answers
        answer = answers.get(question)
        if answer is None:
            answer = answers[question] = asyncio.ensure_future(self._compute(lambda: to_json(make())))
            answer.add_done_callback(lambda done: _keep_answer(answers, question, done))
        return await asyncio.shield(answer)

    async def look(self, read: Callable[[TaskIndex], T], *, max_age: float = MAX_AGE_SECONDS) -> T:
        """Return what `read` returns for an index at most `max_age` seconds old. `read` runs in a thread.

        While looks of the watch take long, the index is that of the last one, unless `max_age` is 0.
        Listeners receive the changes when the present look ends.
        """
        if max_age > 0 and self._is_slow():
            return await self._run(self._read_known, read)
        async with self._turn:
            known = self._announced
            look: Callable[[], _Look[T]] = partial(self._look, read, max_age, known)
            seen = await self._run(look)
        if seen.revision != self._announced:  # even if the look that found it was cancelled
            self._announced = seen.revision
            self._period = MIN_PERIOD_SECONDS
            self._messages = {} if seen.message is None else {known: seen.message}
            for listener in self._listeners:
                listener.set()
        self.counts, self.running, self._has_looked = seen.counts, seen.running, True
        for name, facts in seen.events:
            self._notify(self.workspace, name, facts)
        self._check_scheduler_if_due(self.active)
        return seen.answer

    def _is_slow(self) -> bool:
        """Return whether looks of the watch take long, and no request changed the disk since the last one."""
        if self._looked_at < max(self._watched_since, self._changed_at):
            return False
        return max(self._look_seconds, time.monotonic() - self._looking_since) > SLOW_SECONDS

    def _read_known(self, read: Callable[[TaskIndex], T]) -> T:
        """Read the index while a look may change it."""
        while True:
            revision = self._index.revision
            answer = read(self._index)
            if self._index.revision == revision:
                return answer

    def _look(self, read: Callable[[TaskIndex], T], max_age: float, known: int) -> _Look[T]:
        with self._index_lock:
            now = time.monotonic()
            if self._looked_at < max(now - max_age, self._changed_at):
                self._looking_since, seconds = now, 0.0
                try:
                    self._events += self._events_of.take(self._refresh(now))
                    self._looked_at, seconds = now, time.monotonic() - now
                finally:
                    self._looking_since, self._look_seconds = float("inf"), seconds
            answer = read(self._index)
            has_news = known > 0 and self._index.revision != known and bool(self._listeners)
            message = self._message(known) if has_news else None
            events, self._events = self._events, []  # also those of a look that was cancelled
            return _Look(
                answer=answer,
                revision=self._index.revision,
                counts=self._index.counts,
                running=self._events_of.running,
                events=events,
                message=message,
            )

    def _refresh(self, now: float) -> Changes:
        """Look at the tasks that the system told of, and at all of them now and then."""
        index, hints = self._index, self._hints
        names = None if hints is None else hints.take(index.rows, index.names_revision)
        until, self._all_at = self._all_at, float("-inf")  # if this one fails
        if names is not None and now < until:
            changes, self._all_at = index.refresh(names), until
            return changes
        changes = index.refresh()
        ended = time.monotonic()
        self._all_at = ended + max(IDLE_PERIOD_SECONDS, (ended - now) / MAX_SHARE)
        return changes

    def _check_scheduler_if_due(self, active: bool) -> None:
        """Make sure now and then that queued tasks have a scheduler. Without active tasks this is rarer: a
        scheduler or driver that died may have left work behind.
        """
        now = time.monotonic()
        due = now - self._checked_at >= (CHECK_SECONDS if active else IDLE_CHECK_SECONDS)
        if not due or self._checking is not None:
            return
        self._checked_at = now
        self._checking = asyncio.ensure_future(self._check_scheduler())

    async def _check_scheduler(self) -> None:
        try:
            await self._run(self._ensure_scheduler, self.workspace.root)
            self._scheduler_problem = None
        except (PyrunsError, OSError) as error:
            if self._scheduler_problem != str(error):
                self._scheduler_problem = str(error)
                _log.warning("Cannot start the scheduler of %s: %s", self.workspace.root, error)
        except Exception as error:  # noqa: BLE001 - no caller awaits this task
            self._background.report(f"Starting the scheduler of {self.workspace.root}", error)
        finally:
            self._checking = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Event]:
        """Watch the workspace inside the block; the event is set after each change."""
        event = asyncio.Event()
        self._listeners.add(event)
        if self._polling is None:
            self._watched_since = time.monotonic()
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
                self._polling, self._watched_since = None, float("inf")

    async def _poll(self) -> None:
        self._period = MIN_PERIOD_SECONDS
        max_age = MAX_PERIOD_SECONDS  # at first, as most clients have just asked for a page
        async with Hints.of(self.workspace, self._run) as hints:
            self._hints = hints
            while True:
                began = time.monotonic()
                hints.forget()
                is_complete = False
                try:
                    names_revision, rows, is_settled = await self.look(
                        lambda index: (index.names_revision, index.rows, index.is_settled), max_age=max_age
                    )
                    is_covered = await hints.cover(rows, names_revision, self._give_way)
                    is_complete = is_covered and is_settled and not max_age  # it was after the watch began
                    max_age = 0.0
                    self._problem = None
                except (PyrunsError, OSError) as error:
                    if self._problem != str(error):
                        self._problem = str(error)
                        _log.warning("Cannot watch %s: %s", self.workspace.folder, error)
                cost = time.monotonic() - began
                # A large workspace on a slow disk is read less often.
                pause = min(max(self._period, 4 * cost), max(MAX_PERIOD_SECONDS, cost))
                self._period = min(self._period * 1.25, MAX_PERIOD_SECONDS)
                if is_complete:
                    pause = max(pause, LIVE_PERIOD_SECONDS) if self.active else IDLE_PERIOD_SECONDS
                if await hints.wait(pause):
                    pause = min(max(MIN_PERIOD_SECONDS, 4 * cost), max(MAX_PERIOD_SECONDS, 2 * cost))
                    await asyncio.sleep(began + pause - time.monotonic())

    def _give_way(self) -> None:
        """Wait while a look is in progress: both would take many times as long side by side."""
        with self._index_lock:
            pass

    async def message_since(self, revision: int) -> tuple[int, str] | None:
        """Return the message with the changes after `revision`, and the revision after it; None if nothing
        changed. Clients at the same revision share one message.
        """
        if revision == self._announced:
            return None
        known = self._messages.get(revision)
        if known is None:
            async with self._turn:
                known = await self._run(self._locked_message, revision)
            self._messages[revision] = known
        return known if known[0] != revision else None

    def _locked_message(self, revision: int) -> tuple[int, str]:
        with self._index_lock:
            return self._message(revision)

    def _message(self, revision: int) -> tuple[int, str]:
        message = message_since(self._index, revision)
        return (revision, "") if message is None else (message["revision"], to_json(message))

    async def close(self) -> None:
        """Stop watching."""
        tasks = [task for task in (self._polling, self._checking, *self._ending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_ready(answer: asyncio.Future[str]) -> bool:
    """Return whether an answer has been computed, without an error."""
    return answer.done() and not answer.cancelled() and answer.exception() is None


def _keep_answer(answers: Answers, question: Hashable, answer: asyncio.Future[str]) -> None:
    """Cache an answer that is ready, unless it failed or is too large; clear the cache if it is full."""
    if not _is_ready(answer) or len(answer.result()) > MAX_ANSWERS_SIZE:
        answers.pop(question, None)
        return
    ready = [key for key, one in answers.items() if _is_ready(one)]
    if len(ready) > MAX_ANSWERS or sum(len(answers[key].result()) for key in ready) > MAX_ANSWERS_SIZE:
        for key in ready:
            if key != question:
                del answers[key]


class WatcherPool:
    """The watchers of one event loop. Unused watchers are removed after a while."""

    def __init__(self, create: Callable[[WorkspaceFolder], Watcher]) -> None:
        self._create = create
        self._watchers: dict[Path, Watcher] = {}

    def get(self, workspace: WorkspaceFolder) -> Watcher:
        """Return the watcher of a workspace."""
        watcher = self._watchers.get(workspace.folder)
        if watcher is None:
            watcher = self._watchers[workspace.folder] = self._create(workspace)
        watcher.used_at = time.monotonic()
        return watcher

    def find(self, workspace: WorkspaceFolder) -> Watcher | None:
        """Return the watcher of a workspace if there is one. This does not count as use."""
        return self._watchers.get(workspace.folder)

    def drop_idle(self) -> None:
        """Remove watchers that were unused for a while and whose workspaces have no active tasks."""
        oldest = time.monotonic() - IDLE_SECONDS
        for key, watcher in [*self._watchers.items()]:
            if watcher.used_at <= oldest and not watcher.busy and not watcher.active:
                del self._watchers[key]

    def in_use(self) -> list[Watcher]:
        """Return all watchers after `drop_idle`."""
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
