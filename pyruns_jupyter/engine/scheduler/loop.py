"""The scheduler's loop: it starts what waits, learns what ended, and leaves when there is nothing left.

It keeps no state that is not on disk: killed at any moment, the next one finds all it needs.
"""

from __future__ import annotations

import os
import select
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.atomic import is_plain_file
from pyruns_jupyter.core.fs.inotify import PathWatch
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE, FileLock
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.provenance.git_state import SourceWatch
from pyruns_jupyter.core.provenance.snapshots import trees
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, is_passing
from pyruns_jupyter.core.trust.engine_key import EngineKey, check_folders
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.batches import Batches
from pyruns_jupyter.engine.queue.entries import (
    ActiveBatch,
    EntryState,
    QueueEntry,
    claim_again,
    ended_at,
    give_up,
    open_batch,
    read_state,
    stop_if_asked,
)
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import ExitAttempt, leave
from pyruns_jupyter.engine.queue.processes import SignalPipe, fork_detached
from pyruns_jupyter.engine.queue.status import QueueWriter
from pyruns_jupyter.engine.run.finalize import write_kept_ends

from .cancel_scan import LOOK_SECONDS, StopRequests, not_begun
from .dispatch import Dispatcher
from .router import EngineRouter
from .start_policy import Blocked, StartPolicy

_REST_SECONDS = 5.0
_UNWATCHED_SECONDS = 0.5
_MAX_DELAY = 60.0
_GIVEN_UP = 200  # waiting tasks of a batch that is given up, cancelled in one go
_MAX_DAMAGED = 5  # tries, within 15 s, of a task file that an editor or a copying tool may be writing
_HANDOFF_SECONDS = 0.05  # until the next attempt to leave, if another process holds the handoff lock


class Scheduler:
    """Runs the batches of one project until none is left.

    `key` is that of its engine folder, `lock`, held, that of the scheduler.
    """

    def __init__(self, key: EngineKey, lock: FileLock, engine: EngineRouter) -> None:
        self._key = key
        self._batches = Batches(key)
        self._root = root = key.root
        self._paths = EnginePaths(root)
        self._lock = lock
        self._engine = engine
        self._open: dict[str, ActiveBatch] = {}
        self._policy = StartPolicy(root, self._open)
        self._dispatcher = Dispatcher(engine, self._policy)
        self._told = QueueWriter(self._paths)
        self._stop_requests = StopRequests(self._open, engine)
        self._wake_at = float("inf")  # monotonic: when the first of those that rest may start
        self._leave_at: float | None = None
        self._kept: set[str] = set()  # batches that are done, but whose files cannot be removed
        self._unread: dict[str, str] = {}  # batches that could not be taken up just now, and why
        self._has_ends = False  # whether ends of runs are kept that could not be written just now
        self._sources = SourceWatch(root.parent)
        self._marks: tuple[int, ...] = ()
        self._wakes = self._watch()
        self._linger = Settings.load(root).scheduler_linger_seconds

    def run(self) -> bool:
        """Work until nothing waits or runs; return False when the project was moved away before."""
        signals = SignalPipe(is_supervisor=False)
        poller = select.poll()
        poller.register(signals.descriptor, select.POLLIN)
        if self._wakes is not None:
            poller.register(self._wakes.descriptor, select.POLLIN)
        poller.register(self._engine.descriptor, select.POLLIN)
        paths = self._paths
        for folder in (paths.folder, paths.batches, paths.cluster, paths.studies, paths.ends):
            tidy(folder, is_temporary_file)  # of those that were killed while they wrote
        self._load(adopting=True)
        if trees.has_trees(self._key):
            self._tidy_code()
        while self._here():
            self._advance()
            if self._nothing_left() and self._leave():
                return True
            poller.poll(self._pause() * 1000)
            signals.read()
            woken = self._was_woken()
            if not self._here():
                break
            self._collect()
            if woken or self._unread or self._has_ends:
                self._load()
            self._stop_requests.look()
        return False

    def _here(self) -> bool:
        """Return whether the project is still where it was: all our paths lead there."""
        return self._lock.is_at(self._paths.scheduler_lock)

    def _watch(self) -> PathWatch | None:
        """Return what tells at once that a front end wakes us; without it we look every half second."""
        if not is_plain_file(self._paths.wake):
            with suppress(FileNotFoundError):
                self._paths.wake.unlink()  # the named pipe of an earlier release
        try:
            os.close(os.open(self._paths.wake, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_MODE))
            return PathWatch((self._paths.wake, self._paths.batches))
        except OSError:
            return None

    def _pause(self) -> float:
        now = time.monotonic()
        pause = _REST_SECONDS if self._wakes is not None else _UNWATCHED_SECONDS
        if self._leave_at is not None:
            pause = max(0.0, self._leave_at - now)
        if (
            self._engine.must_poll
            or self._dispatcher.is_watching
            or any(opened.waiting for opened in self._open.values())
        ):
            pause = min(pause, LOOK_SECONDS, max(0.0, self._wake_at - now))
        return pause

    # Batches

    def _load(self, *, adopting: bool = False) -> None:
        """Take up the batches that are new; a starting scheduler looks which of their tasks run already."""
        try:
            check_folders(self._key)
        except (Untrusted, OSError) as error:
            self._say(f"nothing new is taken up: {error}")
            return
        for claim in batches.dead_claims(self._root):
            try:
                batches.undo_claim(self._key, claim)
            except OSError as error:
                self._say(f"{claim} is kept: {error}")
        unread: dict[str, str] = {}
        for batch in self._batches.ids():
            if batch in self._open or batch in self._kept:
                continue
            try:
                if self._batches.is_foreign(batch):
                    continue
                opened = open_batch(self._root, self._batches.read(batch))
            except (FileNotFoundError, Untrusted):
                continue
            except Unreadable as error:
                self._say(f"set aside: {error}")
                with suppress(OSError):
                    self._batches.set_aside(batch)
                continue
            except Exception as error:  # noqa: BLE001 - no batch may stop the others, or get lost by our fault
                unread[batch] = f"It could not be taken up, and is tried again: {_text_of(error)}."
                if unread[batch] != self._unread.get(batch):
                    fault = "" if isinstance(error, OSError) else f"\n{traceback.format_exc()}"
                    self._say(f"the batch {batch}: {unread[batch]}{fault}")
                continue
            self._open[batch] = opened
            if adopting:
                self._adopt(opened)
        self._unread = unread
        self._has_ends = self._write_ends()

    def _write_ends(self) -> bool:
        """Write the kept ends of runs of which no batch is open; return whether one is to be tried again."""
        entries = (
            one for opened in self._open.values() for one in (*opened.waiting, *opened.running.values())
        )
        return write_kept_ends(self._root, (entry.job.attempt for entry in entries), self._say)

    def _was_woken(self) -> bool:
        """Return whether a front end woke us, or a batch came from another machine."""
        told = self._wakes is not None and self._wakes.read()
        try:
            marks = tuple(os.stat(path).st_mtime_ns for path in (self._paths.wake, self._paths.batches))
        except OSError:
            return told
        # Two changes within one tick of the clock leave the same time stamp, but each raises an event.
        changed, self._marks = marks != self._marks, marks
        return told or changed

    def _adopt(self, opened: ActiveBatch) -> None:
        entries, opened.waiting = list(opened.waiting), opened.waiting.__class__()
        ends: list[tuple[float, TaskInfo, str]] = []
        for entry in entries:
            try:
                state, info = read_state(entry, opened)
            except (Unreadable, OSError) as error:
                if self._put_off(entry, error):
                    opened.waiting.append(entry)
                continue
            if state in (EntryState.WAITING, EntryState.LOST):
                opened.waiting.append(entry)
            elif state is EntryState.RUNNING:
                self._settle(opened, entry)
            end = ended_at(info, entry.job.attempt)
            if end is not None:
                ends.append((end, info, entry.job.attempt))
        for _, info, attempt in sorted(ends, key=lambda one: one[0]):
            opened.count_end(info, attempt)

    def _dated(self, job: Job) -> Job:
        """Return a job with the state of the repository: that of its stored code, or the present one."""
        return job if job.code else replace(job, source=self._sources.state())

    # Starting

    def _advance(self) -> None:
        self._wake_at = float("inf")
        self._dispatcher.look(self._jobs())
        self._policy.count_running()
        for opened in sorted(self._open.values(), key=lambda one: one.rank):
            self._fill(opened)
            if opened.done:
                self._forget(opened.batch.id)
        self._engine.rest()
        self._told.write(self._open.values(), self._engine.pending, self._unread)

    def _jobs(self) -> Iterator[Job]:
        return (entry.job for opened in self._open.values() for entry in opened.running.values())

    def _forget(self, batch: str) -> None:
        self._engine.forget(batch)
        try:
            self._batches.remove(batch)
        except OSError as error:
            self._say(f"the batch {batch} is done, but its file stays: {error}")
            self._kept.add(batch)
        if self._open.pop(batch).batch.code:
            self._tidy_code()

    def _tidy_code(self) -> None:
        """Remove, in a process of its own, the trees of stored code that are not needed any more."""
        with suppress(OSError):  # no room for a process: the next one does it
            fork_detached(self._remove_trees)

    def _remove_trees(self) -> int:
        trees.tidy_trees(self._key, self._batches.stored_code, self._say)
        return 0

    def _fill(self, opened: ActiveBatch) -> None:
        """Start of a batch what may start now."""
        later: list[QueueEntry] = []
        held: Blocked | None = None
        opened.refused = ""
        while opened.waiting and not opened.given_up and not opened.refused:
            held = self._policy.hold_all() or self._policy.hold(opened)
            if held is not None or self._engine.is_full(opened.waiting[0].job):
                break
            entry = opened.waiting.popleft()
            if entry.not_before > time.monotonic() or not self._start(opened, entry):
                later.append(entry)
                if entry.not_before > time.monotonic():
                    self._wake_at = min(self._wake_at, entry.not_before)
        opened.waiting.extendleft(reversed(later))
        opened.why = held.why if held is not None else opened.refused
        if later and not opened.why:
            has_problem = any(entry.tries for entry in later)
            opened.why = opened.problem if has_problem else "What waits runs again after a pause."
        if held is not None and held.is_final:
            opened.given_up = held.why
        if opened.given_up:
            self._cancel(opened)

    def _cancel(self, opened: ActiveBatch) -> None:
        """Cancel what still waits of a batch that is given up, a part of it at a time."""
        now = time.monotonic()
        for entry in not_begun(opened, self._engine)[len(opened.waiting) :]:
            self._engine.cancel(entry.job)  # it comes back to what waits
        for count in range(len(opened.waiting)):
            if count == _GIVEN_UP:
                self._wake_at = now
                break
            entry = opened.waiting.popleft()
            if entry.not_before > now and entry.tries:  # its file could not be written a moment ago
                self._wake_at = min(self._wake_at, entry.not_before)
                opened.waiting.append(entry)
                continue
            if not self._give_up(opened, entry, opened.given_up):
                opened.waiting.append(entry)

    def _give_up(self, opened: ActiveBatch, entry: QueueEntry, why: str) -> bool:
        """End the wait of an entry; return whether that is done, else it is to be tried again."""
        try:
            give_up(entry, opened, why)
        except (PyrunsError, OSError) as error:
            return not self._put_off(entry, error)
        return True

    def _start(self, opened: ActiveBatch, entry: QueueEntry) -> bool:
        """Start an entry whose turn it is, or find that it needs none; return whether it stopped waiting."""
        try:
            state, info = read_state(entry, opened)
            if entry.not_before > time.monotonic():
                return False  # its retry was queued by an earlier scheduler
            if state is EntryState.LOST and not claim_again(entry):
                state = EntryState.DONE
            if state is EntryState.RUNNING:
                self._settle(opened, entry)
            elif state is not EntryState.DONE and not stop_if_asked(entry, info, opened):
                if not self._here():
                    return False
                look_at = self._dispatcher.start(opened, entry, self._dated(entry.job))
                self._wake_at = min(self._wake_at, look_at or float("inf"))
                return look_at is None
        except (OSError, PyrunsError) as error:
            return not self._put_off(entry, error)
        return True

    def _put_off(self, entry: QueueEntry, reason: str | Exception) -> bool:
        """Let an entry rest and say why; return whether it is tried again, not when its file is damaged."""
        name, text = f"{entry.job.workspace}/{entry.job.task}", _text_of(reason)
        if entry.tries >= _MAX_DAMAGED and isinstance(reason, Unreadable) and not is_passing(reason):
            self._say(f"{name} is left out: {text}")
            return False
        pause = self._delay(entry)
        self._say(f"{name} is tried again in {pause:g} s: {text}")
        opened = self._open.get(entry.job.batch)
        if opened is not None:
            opened.problem = f"{name} is tried again after a pause: {text}."
        return True

    def _delay(self, entry: QueueEntry) -> float:
        """Let an entry rest, longer each time; return how many seconds."""
        entry.tries += 1
        pause = min(_MAX_DELAY, 0.25 * 2.0 ** min(entry.tries, 16))
        entry.not_before = time.monotonic() + pause
        return pause

    # Ends

    def _collect(self) -> None:
        for job in self._engine.poll():
            opened = self._open.get(job.batch)
            entry = opened.running.pop(job.task, None) if opened else None
            if opened is not None and entry is not None:
                self._policy.look_again()
                self._dispatcher.forget(entry.job)
                self._settle(opened, entry)

    def _settle(self, opened: ActiveBatch, entry: QueueEntry) -> None:
        """Decide by its task file what becomes of an entry that no process here works on."""
        try:
            attempt = entry.job.attempt
            state, info = read_state(entry, opened)
            lives = state is EntryState.RUNNING and self._engine.owner_lives(entry.job, info)
        except (Unreadable, OSError) as error:
            if self._put_off(entry, error):
                opened.waiting.appendleft(entry)
            return
        opened.count_end(info, attempt)
        if state is EntryState.RUNNING:
            if lives:
                entry.elsewhere = info.get("runner_host") != host_name()
                opened.running[entry.job.task] = entry
                self._engine.adopt(entry.job)
            elif entry.not_before > time.monotonic():  # cleanup failed recently: back off
                opened.waiting.appendleft(entry)
            else:
                self._finalize_orphan(opened, entry)
        elif state is EntryState.WAITING and entry.job.attempt != attempt:  # a retry
            opened.waiting.append(entry)
        elif state is EntryState.WAITING:
            obstacle = self._engine.obstacle(entry.job)
            if not obstacle:
                self._put_off(entry, "its supervisor ended before it could start")
            if not obstacle or not self._give_up(opened, entry, obstacle):
                opened.waiting.appendleft(entry)

    def _finalize_orphan(self, opened: ActiveBatch, entry: QueueEntry) -> None:
        self._say(f"{entry.job.workspace}/{entry.job.task} lost its supervisor")
        self._delay(entry)
        try:
            self._engine.finalize_orphan(entry.job)
            opened.running[entry.job.task] = entry
        except OSError as error:
            self._say(str(error))
            opened.waiting.appendleft(entry)

    # Leaving

    def _nothing_left(self) -> bool:
        now = time.monotonic()
        if self._open or self._unread or self._has_ends:
            self._leave_at = None
            return False
        if self._leave_at is None:
            self._leave_at = now + self._linger
        return now >= self._leave_at

    def _leave(self) -> bool:
        """Give the lock up unless there is work after all; return whether it is given up."""
        self._told.remove()
        left = leave(self._paths, self._lock, self._finds_work)
        if left is ExitAttempt.WAIT:
            self._leave_at = time.monotonic() + _HANDOFF_SECONDS
            self._load()
        return left is ExitAttempt.GONE

    def _finds_work(self) -> bool:
        self._load()
        return bool(self._open or self._unread or self._has_ends)

    def _say(self, text: str) -> None:
        with suppress(OSError):  # a full disk; nothing depends on what is said here
            os.write(sys.stderr.fileno(), f"{stamp()} {printable(text)}\n".encode("utf-8", "replace"))


def _text_of(reason: str | Exception) -> str:
    text = reason if isinstance(reason, str) else str(reason) or type(reason).__name__
    if isinstance(reason, Exception) and not isinstance(reason, (OSError, PyrunsError)):
        text = f"{type(reason).__name__}: {text}"
    return text.rstrip(".")
