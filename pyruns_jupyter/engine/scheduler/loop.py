"""The loop of the scheduler: it starts queued tasks, handles ended ones, and exits when nothing is left.

All its state is on disk: after a kill at any moment, the next scheduler continues.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable, Untrusted, problem_text
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.filesystem import write_problem
from pyruns_jupyter.core.fs.inotify import PathWatch
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE, SAFE_FLAGS, FileLock
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.provenance.git_state import SourceWatch
from pyruns_jupyter.core.provenance.snapshots.tree_folders import has_trees
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, is_passing
from pyruns_jupyter.core.trust.engine_key import EngineKey, check_folders
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.processes.native import SignalPipe, wait_readable
from pyruns_jupyter.engine.processes.start_method import start_process
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
from pyruns_jupyter.engine.queue.status import QueueWriter
from pyruns_jupyter.engine.run.finalize import KeptEndWriter

from .cancel_scan import SCAN_SECONDS, StopRequests, not_begun
from .dispatch import Dispatcher
from .executors import Executors
from .preemption import Preemption
from .start_policy import Blocked, StartPolicy

_MAX_PAUSE_SECONDS = 5.0
_UNWATCHED_SECONDS = 0.5
_MAX_DELAY = 60.0
_MAX_CANCELLED = 200  # queued tasks of a batch that is given up, per pass
_MAX_DAMAGED = 5  # attempts, within 15 s, to read a damaged task file, which may be being written
_RETRY_SECONDS = 0.05  # until the next attempt to exit, if a process must end or holds the handoff lock


class Scheduler:
    """Runs the batches of one project until none is left.

    `key` is that of its engine folder, `lock`, held, that of the scheduler; `executors` starts its jobs.
    """

    def __init__(self, key: EngineKey, lock: FileLock, executors: type[Executors] = Executors) -> None:
        self._key = key
        self._batches = Batches(key)
        self._root = root = key.root
        self._paths = EnginePaths(root)
        self._lock = lock
        self._place = lock.identity()
        self._executors = executors(key)
        self._open: dict[str, ActiveBatch] = {}
        self._policy = StartPolicy(root, self._open)
        self._dispatcher = Dispatcher(self._executors, self._policy)
        self._preemption = Preemption(self._open)
        self._queue_file = QueueWriter(self._paths)
        self._stop_requests = StopRequests(self._open, self._executors)
        self._wake_at = float("inf")  # monotonic: when the first delayed entry may start
        self._leave_at: float | None = None
        self._has_left = False
        self._kept: set[str] = set()  # batches that are done, but whose files cannot be removed
        self._foreign: set[str] = set()  # batches that were foreign when they were last read
        self._unread: dict[str, str] = {}  # batches that cannot be loaded now, and why
        self._ends = KeptEndWriter(root, _log)
        self._has_ends = False  # whether there are kept ends of runs that cannot be written now
        self._sources = SourceWatch(root.parent)
        self._marks: tuple[int, ...] = ()
        self._wakes = self._watch()
        self._linger = Settings.load(root).scheduler_linger_seconds

    def run(self) -> bool:
        """Work until nothing is queued or running; return False if the project was moved before that."""
        signals = SignalPipe(is_supervisor=False)
        watched = [signals.descriptor, self._executors.descriptor]
        if self._wakes is not None:
            watched.append(self._wakes.descriptor)
        for pause in self.steps():
            wait_readable(watched, pause)
            signals.read()
        return self._has_left

    def steps(self) -> Iterator[float]:
        """Do the work of `run` step by step; yield how many seconds the next step can wait."""
        paths = self._paths
        for folder in (paths.folder, paths.batches, paths.cluster, paths.studies, paths.ends):
            tidy(folder, is_temporary_file)  # left by processes that were killed
        self._load(adopting=True)
        if has_trees(self._key):
            self._tidy_code()
        while self._here():
            self._advance()
            if self._nothing_left() and self._leave():
                self._has_left = True
                return
            yield self._pause()
            woken = self._was_woken()
            if not self._here():
                break
            self._collect()
            if woken or self._unread or self._has_ends:
                self._load()
            self._stop_requests.scan()

    def _here(self) -> bool:
        """Return whether the project is still at the path that this process knows, as far as is known."""
        try:
            status = os.lstat(self._paths.scheduler_lock)
        except OSError as error:
            return not isinstance(error, (FileNotFoundError, NotADirectoryError))
        return (status.st_dev, status.st_ino) == (self._place.dev, self._place.ino)

    def _watch(self) -> PathWatch | None:
        """Return the watch by which front ends wake this process; without it, it polls twice a second."""
        try:
            os.close(os.open(self._paths.wake, os.O_WRONLY | os.O_CREAT | SAFE_FLAGS, PRIVATE_MODE))
            return PathWatch((self._paths.wake, self._paths.batches))
        except OSError:
            return None

    def _pause(self) -> float:
        now = time.monotonic()
        pause = _MAX_PAUSE_SECONDS if self._wakes is not None else _UNWATCHED_SECONDS
        if self._leave_at is not None:
            pause = max(0.0 if self._open else _RETRY_SECONDS, self._leave_at - now)
        if (
            self._executors.must_poll
            or self._dispatcher.gpus.is_watching
            or any(opened.waiting for opened in self._open.values())
        ):
            pause = min(pause, SCAN_SECONDS, max(0.0, self._wake_at - now))
        return pause

    # Batches

    def _load(self, *, adopting: bool = False) -> None:
        """Load new batches; with `adopting`, find out which of their tasks run already."""
        try:
            check_folders(self._key)
        except (Untrusted, OSError) as error:
            _log(f"Could not load new batches: {error}")
            return
        for claim in batches.dead_claims(self._root):
            try:
                batches.undo_claim(self._key, claim)
            except OSError as error:
                _log(f"Could not release the batch file {claim}: {error}")
        unread: dict[str, str] = {}
        for batch in self._batches.names():
            if batch in self._open or batch in self._kept:
                continue
            try:
                if batch in self._foreign and self._batches.is_foreign(batch):
                    continue
                opened = open_batch(self._root, self._batches.read_batch(batch))
            except FileNotFoundError:
                continue
            except Untrusted:
                self._foreign.add(batch)
                continue
            except Unreadable as error:
                _log(f"Renamed a damaged batch file: {error}")
                with suppress(OSError):
                    self._batches.set_aside(batch)
                continue
            except Exception as error:  # noqa: BLE001 - no batch may stop the others, or get lost
                unread[batch] = f"Could not load this batch. Retrying after an error: {problem_text(error)}."
                if unread[batch] != self._unread.get(batch):
                    trace = "" if isinstance(error, OSError) else f"\n{traceback.format_exc()}"
                    _log(f"Batch {batch}: {unread[batch]}{trace}")
                continue
            self._open[batch] = opened
            if adopting:
                self._adopt(opened)
        self._unread = unread
        self._has_ends = self._write_ends()

    def _write_ends(self) -> bool:
        """Write the kept ends of runs without an open batch; return whether one is to be retried."""
        entries = (
            one for opened in self._open.values() for one in (*opened.waiting, *opened.running.values())
        )
        return self._ends.write(entry.job.attempt for entry in entries)

    def _was_woken(self) -> bool:
        """Return whether a front end woke this process, or another machine wrote a batch."""
        is_woken = self._wakes is not None and self._wakes.read()
        try:
            marks = tuple(os.stat(path).st_mtime_ns for path in (self._paths.wake, self._paths.batches))
        except OSError:
            return is_woken
        # Two changes within one tick of the clock leave the same time stamp, but each raises an event.
        has_changed, self._marks = marks != self._marks, marks
        return is_woken or has_changed

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
        """Return a job with the state of the repository: that of its stored code, or the current one."""
        return job if job.code else replace(job, source=self._sources.state())

    # Starting

    def _advance(self) -> None:
        self._wake_at = float("inf")
        self._dispatcher.gpus.look(self._jobs())
        self._policy.count_running()
        for opened in sorted(self._open.values(), key=lambda one: one.rank):
            self._fill(opened)
            if opened.done and self._here():  # a task of a project that was moved meanwhile seems to be gone
                self._forget(opened.batch.id)
        self._executors.rest()
        self._queue_file.write(self._open.values(), self._executors.pending, self._unread)

    def _jobs(self) -> Iterator[Job]:
        return (entry.job for opened in self._open.values() for entry in opened.running.values())

    def _forget(self, batch: str) -> None:
        self._executors.forget(batch)
        try:
            self._batches.remove(batch)
        except OSError as error:
            _log(f"Batch {batch} is done, but its file could not be removed: {error}")
            self._kept.add(batch)
        if self._open.pop(batch).batch.code:
            self._tidy_code()

    def _tidy_code(self) -> None:
        """Remove, in another process, the trees of stored code that are not needed any more."""
        with suppress(OSError):  # no room for a process; done another time
            start_process(batches.remove_trees, self._key, _log)

    def _fill(self, opened: ActiveBatch) -> None:
        """Start the entries of a batch that may start now."""
        later: list[QueueEntry] = []
        held: Blocked | None = None
        opened.refused = ""
        while opened.waiting and not opened.given_up and not opened.refused:
            held = self._policy.hold_all() or self._preemption.hold(opened) or self._policy.hold(opened)
            if held is not None or self._executors.is_full(opened.waiting[0].job):
                break
            entry = opened.waiting.popleft()
            if entry.not_before > time.monotonic() or not self._start(opened, entry):
                later.append(entry)
                if entry.not_before > time.monotonic():
                    self._wake_at = min(self._wake_at, entry.not_before)
        opened.waiting.extendleft(reversed(later))
        if held is not None and not opened.refused:  # it does not wait for GPUs or memory now
            opened.refused_since = opened.final_since = None
        opened.why = held.why if held is not None else opened.refused
        if opened.batch.options.preempt and not opened.given_up:
            is_limited = held is not None and held.is_shared
            if is_limited or (opened.refused and opened.missing):
                room = self._preemption.make_room(opened, self._policy.counts if is_limited else None)
                opened.why = " ".join(filter(None, (room, opened.why)))
        if later and not opened.why:
            has_problem = any(entry.tries for entry in later)
            opened.why = opened.problem if has_problem else "Waiting for the retry delay."
        if held is not None and held.is_final:
            opened.given_up = held.why
        if opened.given_up:
            self._cancel(opened)

    def _cancel(self, opened: ActiveBatch) -> None:
        """Cancel the queued entries of a batch that is given up, some at a time."""
        now = time.monotonic()
        for entry in not_begun(opened, self._executors)[len(opened.waiting) :]:
            self._executors.cancel(entry.job)  # it returns to `waiting`
        for count in range(len(opened.waiting)):
            if count == _MAX_CANCELLED:
                self._wake_at = now
                break
            entry = opened.waiting.popleft()
            if entry.not_before > now and entry.tries:  # its file could not be written recently
                self._wake_at = min(self._wake_at, entry.not_before)
                opened.waiting.append(entry)
                continue
            if not self._give_up(opened, entry, opened.given_up):
                opened.waiting.append(entry)

    def _give_up(self, opened: ActiveBatch, entry: QueueEntry, why: str) -> bool:
        """Take an entry out of the queue; return False if that is to be retried."""
        try:
            give_up(entry, opened, why)
        except (PyrunsError, OSError) as error:
            return not self._put_off(entry, error)
        return True

    def _start(self, opened: ActiveBatch, entry: QueueEntry) -> bool:
        """Start an entry unless its task file shows that it must not; return whether it left the queue."""
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
                retry_at = self._dispatcher.start(opened, entry, self._dated(entry.job))
                if retry_at is None:
                    self._preemption.started(opened)
                self._wake_at = min(self._wake_at, retry_at or float("inf"))
                return retry_at is None
        except (OSError, PyrunsError) as error:
            return not self._put_off(entry, error)
        return True

    def _put_off(self, entry: QueueEntry, reason: str | Exception) -> bool:
        """Delay an entry and log why; return False if it is given up because its file is damaged."""
        name, text = f"{entry.job.workspace}/{entry.job.task}", problem_text(reason)
        if entry.tries >= _MAX_DAMAGED and isinstance(reason, Unreadable) and not is_passing(reason):
            _log(f"{name} is skipped: {text}")
            return False
        pause = self._delay(entry)
        _log(f"Retrying {name} in {pause:g} s after an error: {text}")
        opened = self._open.get(entry.job.batch)
        if opened is not None:
            opened.problem = f"Retrying {name} after an error: {text}."
        return True

    def _delay(self, entry: QueueEntry) -> float:
        """Delay an entry, longer each time; return the seconds."""
        entry.tries += 1
        pause = min(_MAX_DELAY, 0.25 * 2.0 ** min(entry.tries, 16))
        entry.not_before = time.monotonic() + pause
        return pause

    # Ends

    def _collect(self) -> None:
        for job in self._executors.poll():
            opened = self._open.get(job.batch)
            entry = opened.running.pop(job.task, None) if opened else None
            if opened is not None and entry is not None:
                self._policy.check_dependencies()
                self._dispatcher.gpus.forget(entry.job)
                self._settle(opened, entry)

    def _settle(self, opened: ActiveBatch, entry: QueueEntry) -> None:
        """Decide by the task file what happens to an entry that no process of this scheduler handles."""
        try:
            attempt, requeues = entry.job.attempt, entry.job.requeues
            state, info = read_state(entry, opened)
            lives = state is EntryState.RUNNING and self._executors.owner_lives(entry.job, info)
        except (Unreadable, OSError) as error:
            if self._put_off(entry, error):
                opened.waiting.appendleft(entry)
            return
        is_requeued = entry.job.requeues > requeues
        if not is_requeued:  # the task did not cause that
            opened.count_end(info, attempt)
        if state is EntryState.RUNNING:
            if lives:
                entry.elsewhere = info.get("runner_host") != host_name()
                opened.running[entry.job.task] = entry
                entry.job = self._dispatcher.adopted(entry.job, info)
                self._executors.adopt(entry.job)
            elif entry.not_before > time.monotonic():  # cleanup failed recently: back off
                opened.waiting.appendleft(entry)
            else:
                self._finalize_orphan(opened, entry)
        elif is_requeued and state is EntryState.WAITING:
            opened.waiting.appendleft(entry)  # to be completed before others begin
        elif state is EntryState.WAITING and entry.job.attempt != attempt:  # a retry
            opened.waiting.append(entry)
        elif state is EntryState.WAITING:
            obstacle = self._executors.obstacle(entry.job)
            if not obstacle:
                problem = write_problem(entry.job.paths.folder)
                self._put_off(entry, problem or "its supervisor ended before the task could start")
            if not obstacle or not self._give_up(opened, entry, obstacle):
                opened.waiting.appendleft(entry)

    def _finalize_orphan(self, opened: ActiveBatch, entry: QueueEntry) -> None:
        _log(f"{entry.job.workspace}/{entry.job.task} lost its supervisor")
        self._delay(entry)
        try:
            self._executors.finalize_orphan(entry.job)
            opened.running[entry.job.task] = entry
        except OSError as error:
            _log(str(error))
            opened.waiting.appendleft(entry)

    # Leaving

    def _nothing_left(self) -> bool:
        now = time.monotonic()
        if self._open or self._unread or self._has_ends:
            self._leave_at = None
            return False
        if self._leave_at is None:
            self._leave_at = now + self._linger
        return now >= self._leave_at and self._executors.close(self._leave_at)

    def _leave(self) -> bool:
        """Release the lock unless there is new work; return whether it is released."""
        self._queue_file.remove()
        self._dispatcher.gpus.close()
        left = leave(self._paths, self._lock, self._finds_work)
        if left is ExitAttempt.WAIT:
            self._leave_at = time.monotonic() + _RETRY_SECONDS
            self._load()
        return left is ExitAttempt.GONE

    def _finds_work(self) -> bool:
        self._load()
        return bool(self._open or self._unread or self._has_ends)


def _log(text: str) -> None:
    with suppress(OSError):  # a full disk
        os.write(sys.stderr.fileno(), f"{stamp()} {printable(text)}\n".encode("utf-8", "replace"))
