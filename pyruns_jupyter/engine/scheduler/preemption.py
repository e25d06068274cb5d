"""Preemption: a batch with `preempt` stops running tasks of a lower priority that will be requeued."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue.entries import ActiveBatch
from pyruns_jupyter.engine.queue.jobs import Job

from .start_policy import Blocked

_SETTLE_SECONDS = 60.0  # after which resources that became free, but were not taken, do not count any more
_MAX_NAMES = 3  # of stopped tasks in a sentence


class _Request:
    """The tasks that are asked to stop, so that `expected` tasks of a batch can start."""

    def __init__(self, jobs: list[Job], expected: int, priority: int) -> None:
        self.expected, self.priority = expected, priority
        self.attempts = set[str]()  # of those that were asked
        self.unasked = jobs
        more = len(jobs) - _MAX_NAMES
        names = ", ".join(f"{job.workspace}/{job.task}" for job in jobs[:_MAX_NAMES])
        self.names = f"{names} and {more} more" if more > 0 else names
        self.ended_at: float | None = None  # monotonic

    def ask(self, opened: ActiveBatch) -> bool:
        """Ask the tasks to stop whose files another process held so far; return whether any was asked."""
        asked = {job.attempt for job in self.unasked if _ask_to_stop(job, opened)}
        if asked:
            self.attempts |= asked
            self.ended_at = None
        self.unasked = [job for job in self.unasked if job.attempt not in asked]
        return bool(self.attempts)


class Preemption:
    """Stops running tasks for batches of a higher priority; `opened` are the batches, by id."""

    def __init__(self, opened: Mapping[str, ActiveBatch]) -> None:
        self._opened = opened
        self._requests: dict[str, _Request] = {}

    def started(self, opened: ActiveBatch) -> None:
        """Note that a task of a batch has started."""
        request = self._requests.get(opened.batch.id)
        if request is not None:
            request.expected -= 1
            if request.expected <= 0:
                del self._requests[opened.batch.id]

    def hold(self, opened: ActiveBatch) -> Blocked | None:
        """Return why a batch must not take what becomes free, None if it may."""
        options = opened.batch.options
        for batch in [*self._requests] if options.is_local else ():
            request = self._requests[batch]
            if batch not in self._opened or not self._is_pending(request):
                del self._requests[batch]
            elif options.priority < request.priority:
                why = f"Waiting for higher-priority tasks, for which {request.names} had to stop."
                return Blocked(why)
        return None

    def make_room(self, opened: ActiveBatch, counts: Callable[[ActiveBatch], bool] | None) -> str:
        """Ask running tasks to stop, for a batch that cannot start a task now.

        `counts` returns whether tasks of a batch count towards the limit that prevents the start, None if
        GPUs or memory are missing. Return what is being done (a sentence), empty for nothing.
        """
        batch = opened.batch.id
        request = self._requests.get(batch)
        if request is None or not self._is_pending(request):
            self._requests.pop(batch, None)
            now = time.monotonic()
            room = min(sum(entry.not_before <= now for entry in opened.waiting), self._room(opened))
            if room <= 0:
                return ""
            if counts is None:
                expected, chosen = 1, self._release(opened)
            else:
                chosen = [job for other, job in self._stoppable(opened) if counts(other)][:room]
                expected = len(chosen)
            request = _Request(chosen, expected, opened.batch.options.priority)
        elif request.unasked:
            running = {job.attempt for other, job in self._running() if not other.given_up}
            request.unasked = [job for job in request.unasked if job.attempt in running]
        if not request.ask(opened):
            return ""
        self._requests[batch] = request
        return f"Stopping {request.names} to make room."

    def _room(self, opened: ActiveBatch) -> int:
        """Return how many more tasks the limit of a batch, or of its group, allows: without those for which
        others of the group make room already.
        """
        group = opened.batch.group
        others = [
            one for one in self._opened.values() if one is not opened and group and one.batch.group == group
        ]
        asked = [self._requests.get(one.batch.id) for one in others]
        running = sum(len(one.running) for one in [opened, *others])
        return opened.batch.options.jobs - running - sum(one.expected for one in asked if one)

    def _is_pending(self, request: _Request) -> bool:
        if any(job.attempt in request.attempts for _, job in self._running()):
            return True
        now = time.monotonic()
        if request.ended_at is None:
            request.ended_at = now
        return now - request.ended_at < _SETTLE_SECONDS

    def _running(self) -> Iterator[tuple[ActiveBatch, Job]]:
        """Yield the running tasks of this host: first those of the lowest priority that started last."""
        for other in sorted(self._opened.values(), key=lambda one: one.rank, reverse=True):
            for entry in reversed(other.running.values()):
                if not entry.elsewhere:
                    yield other, entry.job

    def _stoppable(self, opened: ActiveBatch) -> Iterator[tuple[ActiveBatch, Job]]:
        """Yield the running tasks that a batch may have stopped."""
        pending = {attempt for request in self._requests.values() for attempt in request.attempts}
        pending |= {job.attempt for request in self._requests.values() for job in request.unasked}
        for other, job in self._running():
            if (
                other.batch.options.priority < opened.batch.options.priority
                and not other.given_up  # its tasks would be cancelled instead of requeued
                and job.options.is_local
                and job.resume
                and job.requeues < job.options.max_requeues
                and job.attempt not in pending
            ):
                yield other, job

    def _release(self, opened: ActiveBatch) -> list[Job]:
        """Return the tasks that release the GPUs or the memory that a batch misses, none if they cannot."""
        stoppable = [job for _, job in self._stoppable(opened)]
        missing, chosen = opened.missing, list[Job]()
        if opened.refused_for == "memory":
            for job in stoppable:
                size = job.options.local_memory or 0
                if size and missing > 0:
                    chosen.append(job)
                    missing -= size
            return chosen if missing <= 0 else []
        attempts: set[str] = set()
        for job in stoppable:
            attempts.add(job.attempt)
            chosen.append(job)
            freed = [uuid for uuid, held in opened.holders.items() if held <= attempts][:missing]
            if len(freed) == missing:
                ending = {attempt for uuid in freed for attempt in opened.holders[uuid]}
                return [job for job in chosen if job.attempt in ending]
        return []


def _ask_to_stop(job: Job, opened: ActiveBatch) -> bool:
    """Store in the task file of a running job that it is to stop, and for which task. Its supervisor reads
    that. Return whether it was possible.
    """
    other = f"{opened.batch.workspace}/{opened.waiting[0].job.task}"
    with suppress(PyrunsError, OSError), edit_task(job.paths.folder, timeout=0.0) as info:
        return runs.request_preemption(info, job.attempt, other)
    return False
