"""CPU, memory, network and disk as this process may use them. All of it may block: call it from a thread."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil

from .cgroup import cpu_share, memory_share
from .samples import Cpu, Disk, Memory, Network

FIRST_LOOK = 0.1  # seconds between the two readings that the very first load needs
_DISK_SECONDS = 10.0  # between two looks at a disk
_DISK_SILENT = 60.0  # after which a disk that does not answer is not told of any more
_LOOPBACK = ("lo", "lo0")


class CpuMeter:
    """The CPU's load since the last question.

    psutil's own meter keeps one state for the whole process, so that two users of it disturb each other.
    """

    def __init__(self) -> None:
        self._before: list[tuple[float, float]] = []  # seconds busy and in all, by core
        self._used = 0.0  # of our control group
        self._at = 0.0

    def read(self) -> Cpu:
        """Return the load since the last call; the first call takes 0.1 s."""
        if not self._before:
            self._look()
            time.sleep(FIRST_LOOK)
        cores, share, elapsed = self._look()
        percent = sum(cores) / len(cores) if cores else 0.0
        limited = share is not None and share[0] < len(cores)
        if share is not None and limited:
            percent = 100.0 * share[1] / (share[0] * elapsed) if elapsed > 0 else 0.0
        return Cpu(
            percent=_percent(percent),
            cores=round(share[0], 2) if share is not None and limited else len(cores),
            limited=limited or len(cores) < (os.cpu_count() or 1),
            per_core=[_percent(core) for core in cores],
            load=_load_averages(),
        )

    def _look(self) -> tuple[list[float], tuple[float, float] | None, float]:
        """Return the load of each core that we may use, the cores that our control group may use and the
        seconds that it used, and the seconds since the last look.
        """
        times = [_busy_and_total(one._asdict()) for one in psutil.cpu_times(percpu=True)]
        before, self._before = self._before, times
        mine = _own_cores()
        cores = [
            100.0 * (busy - busy_before) / (total - total_before) if total > total_before else 0.0
            for number, ((busy, total), (busy_before, total_before)) in enumerate(
                zip(times, before, strict=False)
            )
            if not mine or number in mine
        ]
        now, share = time.monotonic(), cpu_share()
        elapsed, self._at = now - self._at, now
        used, self._used = self._used, share.used if share else 0.0
        return cores, (share.cores, share.used - used) if share else None, elapsed


def memory() -> Memory:
    """Return how much memory programs occupy: what could not be given to a new program without swapping."""
    found = psutil.virtual_memory()
    share = memory_share()
    if share is not None and share.total < found.total:
        return Memory(used=min(share.used, share.total), total=share.total, limited=True)
    return Memory(used=int(found.total - found.available), total=int(found.total), limited=False)


class NetworkMeter:
    """Bytes a second since the last question, over all devices that lead out of this host."""

    def __init__(self) -> None:
        self._before: tuple[float, int, int] | None = None

    def read(self) -> Network | None:
        """Return the rates; None at the first call, and where the system does not tell."""
        try:
            devices = psutil.net_io_counters(pernic=True)
        except (OSError, RuntimeError):
            return None
        counted = [one for name, one in devices.items() if name not in _LOOPBACK]
        now = time.monotonic()
        received, sent = sum(one.bytes_recv for one in counted), sum(one.bytes_sent for one in counted)
        before, self._before = self._before, (now, received, sent)
        if before is None or now <= before[0]:
            return None
        elapsed = now - before[0]
        return Network(
            received=max(0.0, round((received - before[1]) / elapsed, 1)),  # devices come and go
            sent=max(0.0, round((sent - before[2]) / elapsed, 1)),
        )


class DiskMeter:
    """The room on the disk of a folder. A server of files that hangs must not hang us: a thread asks it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: Disk | None = None
        self._known_at = float("-inf")
        self._asking: threading.Thread | None = None

    def read(self) -> Disk | None:
        """Return what is known, which is some seconds old; None when the disk does not answer."""
        now = time.monotonic()
        if self._asking is not None and not self._asking.is_alive():
            self._asking = None
        if self._asking is None and now - self._known_at > _DISK_SECONDS:
            self._asking = threading.Thread(target=self._ask, name="pyruns-disk", daemon=True)
            self._asking.start()
            self._asking.join(0.2)
        return self._known if now - self._known_at < _DISK_SILENT else None

    def _ask(self) -> None:
        try:
            usage = psutil.disk_usage(str(self._folder))
        except OSError:
            self._known = None
        else:
            self._known = Disk(used=int(usage.total - usage.free), total=int(usage.total))
        self._known_at = time.monotonic()


def _busy_and_total(times: dict[str, float]) -> tuple[float, float]:
    """Return seconds busy and seconds in all since the host started."""
    # Linux counts the time of guests in user and nice already.
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total - times.get("idle", 0.0) - times.get("iowait", 0.0), total


def _own_cores() -> set[int]:
    """Return the numbers of the cores that we may run on; empty where the system does not say."""
    try:
        return os.sched_getaffinity(0)
    except (AttributeError, OSError):
        return set()


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)


def _load_averages() -> list[float] | None:
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (AttributeError, OSError):  # Windows has none
        return None
