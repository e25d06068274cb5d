"""The memory of one run: its limit, and whether the run ended because memory ran out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from pyruns_jupyter.core.common.byte_sizes import share_text
from pyruns_jupyter.engine.processes.descendants import descendants
from pyruns_jupyter.system.cgroup import oom_kills

from .group import MemoryGroup

_WATCH_SECONDS = 1.0
_SHARE = 50  # watching takes at most this fraction (1/50) of a core
_KILLED = (-9, 128 + 9)  # by SIGKILL; the latter as shells return it
LIMIT = "Killed: out of memory (%s)."
KERNEL = "Killed, probably because the machine or the container ran out of memory."
CHILD = "The kernel killed a process, possibly one of this run, because the machine ran out of memory."


class MemoryWatch:
    """Watches the memory of the descendants of this process.

    If control groups are delegated, the kernel enforces the limit as well, also between two checks.
    """

    def __init__(self, limit: int | None, attempt: str) -> None:
        self._limit = limit
        self._group = MemoryGroup.make(attempt, limit) if limit is not None else None
        self._kills = oom_kills()
        self._due = 0.0
        self._used: int | None = None  # set when it exceeded the limit

    @contextmanager
    def around_start(self) -> Iterator[None]:
        """A `with` block in which the first process of the run is to be started."""
        if self._group is None:
            yield
        else:
            with self._group.entered():
                yield

    def is_over(self, now: float) -> bool:
        """Return whether the run exceeds its memory limit."""
        if self._limit is None or now < self._due or self._used is not None:
            return False
        begin = time.thread_time()
        pids = descendants(os.getpid())
        if resident_size(pids) > self._limit:
            used = proportional_size(pids)
            if used > self._limit:
                self._used = used
        self._due = now + max(_WATCH_SECONDS, _SHARE * (time.thread_time() - begin))
        return self._used is not None

    def limit_message(self) -> str:
        """Return the message for a run that ended because of its limit, else ""."""
        used = self._used
        if used is None and self._group is not None:
            used = self._group.peak_if_killed()
        return "" if used is None or self._limit is None else LIMIT % share_text(used, self._limit)

    def kernel_message(self, exit_code: int | None) -> tuple[str, str]:
        """Return the message for a run that the kernel probably killed because memory ran out, and a note for
        the log of one that may have lost a process; each is "" if it does not apply.
        """
        if exit_code == 0 or oom_kills() <= self._kills:
            return "", ""
        return (KERNEL, "") if exit_code in _KILLED else ("", CHILD)

    def close(self) -> None:
        """Remove the group of the run."""
        if self._group is not None:
            self._group.remove()


def resident_size(pids: Iterable[int]) -> int:
    """Return the resident memory of processes (bytes); memory that several share counts for each."""
    import psutil  # slow to import, and few runs have a limit

    total = 0
    for pid in pids:
        with suppress(psutil.Error):
            total += int(psutil.Process(pid).memory_info().rss)
    return total


def proportional_size(pids: Iterable[int]) -> int:
    """Return the memory of processes (bytes); memory that several share counts once. This is slow, because
    the kernel examines all of their pages.
    """
    import psutil

    total = 0
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            try:
                full = process.memory_full_info()
                total += int(getattr(full, "pss", full.rss))
            except psutil.AccessDenied:
                total += int(process.memory_info().rss)
    return total
