"""Which waiting tasks somebody may have asked to stop: a part of them is looked at each second."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator

from .queueing import Entry, was_touched

LOOK_SECONDS = 1.0
_LOOKS = 500  # waiting tasks looked at per second


class StopRequests:
    """Goes round all waiting tasks; `waiting` returns them."""

    def __init__(self, waiting: Callable[[], Iterable[Entry]]) -> None:
        self._waiting = waiting
        self._looks: Iterator[Entry] = iter(())
        self._next = 0.0

    def touched(self) -> list[Entry]:
        """Return those whose files changed, of the ones whose turn it is; nothing before a second is over."""
        now = time.monotonic()
        if now < self._next:
            return []
        self._next = now + LOOK_SECONDS
        part = list(itertools.islice(self._looks, _LOOKS))
        if len(part) < _LOOKS:
            self._looks = iter(list(self._waiting()))
            part += itertools.islice(self._looks, _LOOKS - len(part))
        return [entry for entry in part if was_touched(entry)]
