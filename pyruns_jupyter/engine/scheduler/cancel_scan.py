"""Stop requests for waiting tasks: another program can only write them to the task file."""

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

from .router import EngineRouter

LOOK_SECONDS = 1.0
_ROUND_SECONDS = 5.0  # for a look at all of them; the other program waits for 15 s
_MIN_LOOKS = 500  # per second
_MAX_SECONDS = 0.1  # per second, on a slow disk
_STEP = 100  # looks between two looks at the clock


def not_begun(opened: ActiveBatch, engine: EngineRouter) -> list[QueueEntry]:
    """Return what waits of a batch, here or where it was submitted to."""
    submitted = [] if opened.batch.options.is_local else opened.running.values()
    return [*opened.waiting, *(one for one in submitted if not engine.has_begun(one.job))]


class StopRequests:
    """Goes round the waiting tasks of the batches `opened`, by id, and stops those that were asked to."""

    def __init__(self, opened: Mapping[str, ActiveBatch], engine: EngineRouter) -> None:
        self._opened = opened
        self._engine = engine
        self._round: Iterator[QueueEntry] = iter(())
        self._per_look = _MIN_LOOKS
        self._next = 0.0

    def look(self) -> None:
        """Look at a part of them, nothing before a second is over."""
        touched: dict[str, list[QueueEntry]] = {}
        for entry in self._touched():
            touched.setdefault(entry.job.batch, []).append(entry)
        for batch, entries in touched.items():
            opened = self._opened.get(batch)
            if opened is not None:
                self._look_at(opened, entries)

    def _touched(self) -> Iterator[QueueEntry]:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LOOK_SECONDS
        left, is_new = self._per_look, False
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
        waiting = [entry for opened in self._opened.values() for entry in not_begun(opened, self._engine)]
        self._round = iter(waiting)
        self._per_look = max(_MIN_LOOKS, int(len(waiting) * LOOK_SECONDS / _ROUND_SECONDS))

    def _look_at(self, opened: ActiveBatch, entries: Iterable[QueueEntry]) -> None:
        waiting, over = set(opened.waiting), set()
        for entry in entries:
            submitted = opened.running.get(entry.job.task) is entry
            if (submitted or entry in waiting) and self._is_over(opened, entry):
                if submitted:
                    self._engine.cancel(entry.job)
                else:
                    over.add(entry)
        if over:
            opened.waiting = deque(entry for entry in opened.waiting if entry not in over)

    def _is_over(self, opened: ActiveBatch, entry: QueueEntry) -> bool:
        """Return whether an entry waits no more, which it may have been asked for."""
        try:
            state, info = read_state(entry, opened)
            return state is EntryState.DONE or (
                state is EntryState.WAITING and stop_if_asked(entry, info, opened)
            )
        except Unreadable:
            return False
        except (PyrunsError, OSError):  # a full disk, perhaps, or a lock that is held
            entry.seen = 0
            return False
