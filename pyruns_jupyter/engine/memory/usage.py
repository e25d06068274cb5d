"""How much memory the processes of a run use."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import psutil


def resident_size(pids: Iterable[int]) -> int:
    """Return the bytes that processes have in memory; what several share counts for each."""
    return _total(pids, lambda process: int(process.memory_info().rss))


def proportional_size(pids: Iterable[int]) -> int:
    """Return the bytes that processes have in memory; what several share counts once. This takes long: the
    kernel looks at all of their pages.
    """
    return _total(pids, _proportional)


def _proportional(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _total(pids: Iterable[int], size: Callable[[psutil.Process], int]) -> int:
    total = 0
    for pid in pids:
        try:
            total += size(psutil.Process(pid))
        except psutil.Error:
            continue
    return total
