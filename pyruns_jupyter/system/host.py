"""CPU, memory, network and disk that this process may use. All calls may block: make them in a thread."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from .cgroup import cpu_share, memory_share
from .kernel_files import read_kernel_file
from .samples import Cpu, Disk, Memory, Network

_FIRST_SECONDS = 0.1  # between the two readings that the first call needs
_DISK_SECONDS = 10.0  # between two readings of a disk
_LIMIT_SECONDS = 10.0  # between two searches for a limit of a control group that has none
_MAX_DISK_AGE = 60.0  # seconds after which the data of a disk that does not respond is dropped
_LOOPBACK = ("lo", "lo0")
_DEVICES = "/proc/net/dev"


class CpuMeter:
    """The CPU utilization since the last reading.

    psutil's own meter has one state for the whole process, so two users of it would disturb each other.
    """

    def __init__(self) -> None:
        self._before: list[tuple[float, float]] = []  # busy and total seconds, by core
        self._used = 0.0  # of our control group
        self._limit_at = 0.0  # when to search for its limit
        self._at = 0.0

    def read(self) -> Cpu:
        """Return the utilization since the last call; the first call takes 0.1 s."""
        if not self._before:
            self._measure()
            time.sleep(_FIRST_SECONDS)
        cores, share, elapsed = self._measure()
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

    def _measure(self) -> tuple[list[float], tuple[float, float] | None, float]:
        """Return the utilization of each core that this process may use, the cores that its control group may
        use and the seconds that it used, and the seconds since the last call.
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
        now = time.monotonic()
        share = None
        if now >= self._limit_at and (share := cpu_share()) is None:
            self._limit_at = now + _LIMIT_SECONDS
        elapsed, self._at = now - self._at, now
        used, self._used = self._used, share.used if share else 0.0
        return cores, (share.cores, share.used - used) if share else None, elapsed


class MemoryMeter:
    """The used memory."""

    def __init__(self) -> None:
        self._limit_at = 0.0  # when to search for the limit of our control group

    def read(self) -> Memory:
        """Return the used memory: what is not available to a new program without swapping."""
        now = time.monotonic()
        share = None
        if now >= self._limit_at and (share := memory_share()) is None:
            self._limit_at = now + _LIMIT_SECONDS
        found = psutil.virtual_memory()
        if share is not None and share.total < found.total:
            return Memory(used=min(share.used, share.total), total=share.total, limited=True)
        return Memory(used=int(found.total - found.available), total=int(found.total), limited=False)


class NetworkMeter:
    """Bytes per second since the last reading, over all devices except the loopback device."""

    def __init__(self) -> None:
        self._before: tuple[float, int, int] | None = None

    def read(self) -> Network | None:
        """Return the rates; None at the first call, and if the system does not report them."""
        try:
            counted = [counts for name, *counts in _device_counts() if name not in _LOOPBACK]
        except (OSError, RuntimeError, ValueError, IndexError):
            return None
        now = time.monotonic()
        received, sent = sum(counts[0] for counts in counted), sum(counts[1] for counts in counted)
        before, self._before = self._before, (now, received, sent)
        if before is None or now <= before[0]:
            return None
        elapsed = now - before[0]
        return Network(
            received=max(0.0, round((received - before[1]) / elapsed, 1)),  # devices come and go
            sent=max(0.0, round((sent - before[2]) / elapsed, 1)),
        )


def _device_counts() -> Iterator[tuple[str, int, int]]:
    """Yield the name of each network device, and the bytes that it has received and sent."""
    if sys.platform == "linux":  # faster than psutil, see proc(5)
        for line in read_kernel_file(_DEVICES).decode("ascii", "replace").splitlines()[2:]:
            name, _, counts = line.rpartition(":")  # an alias of a device has a colon in its name
            words = counts.split()
            yield name.strip(), int(words[0]), int(words[8])
    else:
        for name, counts in psutil.net_io_counters(pernic=True).items():
            yield name, counts.bytes_recv, counts.bytes_sent


class DiskMeter:
    """The space on the disk of a folder. A thread reads it, since a network file system may hang."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: Disk | None = None
        self._known_at = float("-inf")
        self._reading: threading.Thread | None = None

    def read(self) -> Disk | None:
        """Return the last reading, at most some seconds old; None if the disk does not respond."""
        now = time.monotonic()
        if self._reading is not None and not self._reading.is_alive():
            self._reading = None
        if self._reading is None and now - self._known_at > _DISK_SECONDS:
            self._reading = threading.Thread(target=self._read_usage, name="pyruns-disk", daemon=True)
            self._reading.start()
            self._reading.join(0.2)
        return self._known if now - self._known_at < _MAX_DISK_AGE else None

    def _read_usage(self) -> None:
        try:
            usage = psutil.disk_usage(str(self._folder))
        except OSError:
            self._known = None
        else:
            self._known = Disk(used=int(usage.total - usage.free), total=int(usage.total))
        self._known_at = time.monotonic()


def _busy_and_total(times: dict[str, float]) -> tuple[float, float]:
    """Return the busy and the total seconds since the host started."""
    # On Linux, user and nice include the time of guests.
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total - times.get("idle", 0.0) - times.get("iowait", 0.0), total


def _own_cores() -> set[int]:
    """Return the numbers of the cores that this process may run on; empty if they are unknown."""
    if sys.platform != "linux":
        return set()
    try:
        return os.sched_getaffinity(0)
    except OSError:
        return set()


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)


def _load_averages() -> list[float] | None:
    if sys.platform == "win32":  # it has none
        return None
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except OSError:
        return None
