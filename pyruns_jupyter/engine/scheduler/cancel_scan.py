"""Stop requests for queued tasks, which another program can only write to the task file."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.engine.queue.entries import (
    ActiveBatch,
    EntryState,
    QueueEntry,
    read_state,
    stop_if_asked,
    was_touched,
)

from .executors import Executors

SCAN_SECONDS = 1.0
_ROUND_SECONDS = 5.0  # for a scan of all tasks; the other program waits for 15 s
_MIN_CHECKS = 500  # per second
_MAX_SECONDS = 0.1  # per second, on a slow disk
_STEP = 100  # checks after which the time is checked


def not_begun(opened: ActiveBatch, executors: Executors) -> list[QueueEntry]:
    """Return the entries of a batch that are queued, here or in the cluster."""
    submitted = [] if opened.batch.options.is_local else opened.running.values()
    return [*opened.waiting, *(one for one in submitted if not executors.has_begun(one.job))]


class StopRequests:
    """Scans the queued tasks of the batches `opened`, by id, and stops those with a stop request."""

    def __init__(self, opened: Mapping[str, ActiveBatch], executors: Executors) -> None:
        self._opened = opened
        self._executors = executors
        self._round: Iterator[QueueEntry] = iter(())
        self._per_scan = _MIN_CHECKS
        self._next = 0.0

    def scan(self) -> None:
        """Check some of the tasks, at most once a second."""
        touched: dict[str, list[QueueEntry]] = {}
        for entry in self._touched():
            touched.setdefault(entry.job.batch, []).append(entry)
        for batch, entries in touched.items():
            opened = self._opened.get(batch)
            if opened is not None:
                self._stop_in(opened, entries)

    def _touched(self) -> Iterator[QueueEntry]:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + SCAN_SECONDS
        left, is_new = self._per_scan, False
        while left > 0 and time.monotonic() < now + _MAX_SECONDS:
            part = list(itertools.islice(self._round, min(_STEP, left)))
            left -= len(part)
            yield from (entry for entry in part if was_touched(entry))
            if not part:
                if is_new:
                    return
                is_new = True
                self._begin_round()

    def _begin_round(self) -> None:
        waiting = [entry for opened in self._opened.values() for entry in not_begun(opened, self._executors)]
        self._round = iter(waiting)
        self._per_scan = max(_MIN_CHECKS, int(len(waiting) * SCAN_SECONDS / _ROUND_SECONDS))

    def _stop_in(self, opened: ActiveBatch, entries: Iterable[QueueEntry]) -> None:
        waiting, over = set(opened.waiting), set()
        for entry in entries:
            submitted = opened.running.get(entry.job.task) is entry
            if (submitted or entry in waiting) and self._is_over(opened, entry):
                if submitted:
                    self._executors.cancel(entry.job)
                else:
                    over.add(entry)
        if over:
            opened.waiting = deque(entry for entry in opened.waiting if entry not in over)

    def _is_over(self, opened: ActiveBatch, entry: QueueEntry) -> bool:
        """Return whether an entry is no longer queued, after a stop request is fulfilled."""
        try:
            state, info = read_state(entry, opened)
            return state is EntryState.DONE or (
                state is EntryState.WAITING and stop_if_asked(entry, info, opened)
            )
        except Unreadable:
            return False
        except (PyrunsError, OSError):  # such as a full disk, or a held lock: check it again
            entry.seen = 0
            return False
