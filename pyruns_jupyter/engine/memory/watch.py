"""The memory of one run: its limit, and whether it ended for lack of memory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pyruns_jupyter.core.common.byte_sizes import share_text
from pyruns_jupyter.engine.queue.processes import descendants
from pyruns_jupyter.system.cgroup import oom_kills

from .group import MemoryGroup
from .usage import proportional_size, resident_size

_WATCH_SECONDS = 1.0
_SHARE = 50  # watching takes at most this part of a core
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # the latter as shells return it
LIMIT = "Killed: out of memory (%s)."
KERNEL = "Killed, probably because the machine or its container ran out of memory."
CHILD = (
    "The kernel killed a process for lack of memory during this run; it may have been a process of this run."
)


class MemoryWatch:
    """Watches the memory of the processes below this one.

    Where control groups are delegated the kernel keeps the limit as well, also between two looks.
    """

    def __init__(self, limit: int | None, attempt: str) -> None:
        self._limit = limit
        self._group = MemoryGroup.make(attempt, limit) if limit is not None else None
        self._kills = oom_kills()
        self._due = 0.0
        self._used: int | None = None  # when that was above the limit

    @contextmanager
    def around_start(self) -> Iterator[None]:
        """Start the run's first process in here."""
        if self._group is None:
            yield
        else:
            with self._group.entered():
                yield

    def is_over(self, now: float) -> bool:
        """Return whether the run uses more memory than its limit."""
        if self._limit is None or now < self._due or self._used is not None:
            return False
        begin = time.monotonic()
        pids = descendants(os.getpid())
        if resident_size(pids) > self._limit:
            used = proportional_size(pids)
            if used > self._limit:
                self._used = used
        self._due = now + max(_WATCH_SECONDS, _SHARE * (time.monotonic() - begin))
        return self._used is not None

    def limit_message(self) -> str:
        """Return the sentence about a run that ended because of its limit, else ''."""
        used = self._used
        if used is None and self._group is not None:
            used = self._group.peak_if_killed()
        return "" if used is None or self._limit is None else LIMIT % share_text(used, self._limit)

    def kernel_message(self, exit_code: int | None) -> tuple[str, str]:
        """Return the sentence about a run that the kernel probably killed for lack of memory, and a note for
        the log of one that may have lost a process; each is '' when it does not apply.
        """
        if exit_code == 0 or oom_kills() <= self._kills:
            return "", ""
        return (KERNEL, "") if exit_code in _KILLED else ("", CHILD)

    def close(self) -> None:
        """Let go of the run's group."""
        if self._group is not None:
            self._group.remove()
