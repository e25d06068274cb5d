"""How much memory the processes of a run use."""

from __future__ import annotations

import os
from collections.abc import Iterable

import psutil


def descendants(pid: int) -> list[int]:
    """Return the pids of all children of a process, and of theirs."""
    try:
        found = _children(pid)
    except OSError:  # not Linux, or a kernel without CONFIG_PROC_CHILDREN
        try:
            return [one.pid for one in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []
    for child in found:  # it grows meanwhile
        try:
            found += _children(child)
        except OSError:  # it has ended
            continue
    return found


def _children(pid: int) -> list[int]:
    """Return the pids of the children of all threads of a process; to look for them among all processes of a
    host takes much longer.
    """
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def resident_size(pids: Iterable[int]) -> int:
    """Return the bytes that processes have in memory; what several share counts for each."""
    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_info().rss
        except psutil.Error:
            continue
    return total


def proportional_size(pids: Iterable[int]) -> int:
    """Return the bytes that processes have in memory; what several share counts once. This takes long: the
    kernel looks at all of their pages.
    """
    total = 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            try:
                full = process.memory_full_info()
                total += getattr(full, "pss", full.rss)
            except psutil.AccessDenied:
                total += process.memory_info().rss
        except psutil.Error:
            continue
    return total
