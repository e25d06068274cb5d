"""CPU and memory of this host, through psutil. All of it may block for a moment: call it from a thread."""

from __future__ import annotations

import os
import time

import psutil

from .samples import Cpu, Memory

FIRST_LOOK = 0.1  # seconds between the two readings that the very first load needs


class CpuMeter:
    """The CPU's load since the last question.

    psutil's own meter keeps one state for the whole process, so that two users of it disturb each other.
    """

    def __init__(self) -> None:
        self._busy = 0.0
        self._total = 0.0

    def read(self) -> Cpu:
        """Return the load since the last call; the first call takes 0.1 s."""
        if not self._total:
            self._busy, self._total = _cpu_seconds()
            time.sleep(FIRST_LOOK)
        busy, total = _cpu_seconds()
        elapsed = total - self._total
        percent = 100.0 * (busy - self._busy) / elapsed if elapsed > 0 else 0.0
        self._busy, self._total = busy, total
        return Cpu(
            percent=round(min(100.0, max(0.0, percent)), 1),
            cores=psutil.cpu_count() or os.cpu_count() or 1,
            load=_load_averages(),
        )


def memory() -> Memory:
    """Return how much memory programs occupy: what could not be given to a new program without swapping."""
    found = psutil.virtual_memory()
    return Memory(used=int(found.total - found.available), total=int(found.total))


def _cpu_seconds() -> tuple[float, float]:
    """Return seconds busy and seconds in all, over all cores, since the host started."""
    times = psutil.cpu_times()._asdict()
    # Linux counts the time of guests in user and nice already.
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total - times.get("idle", 0.0) - times.get("iowait", 0.0), total


def _load_averages() -> list[float] | None:
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (AttributeError, OSError):  # Windows has none
        return None
