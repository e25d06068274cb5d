"""The CPU, memory and disk usage of the processes of a run, and the network usage of the host."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .host import NetworkMeter

_GIB, _MIB = 1 << 30, 1 << 20
_FILE_BYTES = 4096  # more than the files of a process in `/proc` have, see proc(5)
_TICKS, _PAGE = (os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")) if hasattr(os, "sysconf") else (1, 1)


class _Usage(NamedTuple):
    cpu: float  # seconds, with those of children that were waited for
    memory: int
    read: int
    written: int


class ProcessTreeMeter:
    """Measures the descendants of this process together. It must exist before the first of them starts."""

    def __init__(self) -> None:
        self._cpu = _reaped_cpu()
        self._read = self._written = 0
        self._network: NetworkMeter | None = None

    def read(self, pids: Iterable[int], elapsed: float) -> dict[str, float]:
        """Return the usage by the processes `pids` in the `elapsed` seconds since the last call.

        The CPU usage is 100 for one core. It includes processes that have ended meanwhile: their CPU time is
        added to that of their parent. The resident memory counts shared pages for each process. Linux counts
        network traffic by host, not by process.
        """
        import psutil  # slow to import, and a short run is not measured

        from .host import NetworkMeter

        usages = []
        for pid in pids:
            with suppress(psutil.Error, OSError, ValueError, IndexError):
                usages.append(_usage_of(pid))
        cpu = _reaped_cpu() + sum(one.cpu for one in usages)
        read, written = sum(one.read for one in usages), sum(one.written for one in usages)
        found = {
            "cpu_percent": 100 * max(0.0, cpu - self._cpu) / elapsed,
            "memory_gib": sum(one.memory for one in usages) / _GIB,
            "processes": float(len(usages)),
            # A process that has ended takes its counts with it, unless its parent waited for it.
            "disk_read_mib_per_second": max(0, read - self._read) / _MIB / elapsed,
            "disk_write_mib_per_second": max(0, written - self._written) / _MIB / elapsed,
        }
        self._cpu, self._read, self._written = cpu, read, written
        self._network = self._network or NetworkMeter()
        network = self._network.read()
        if network is not None:
            found["host_network_received_mib_per_second"] = network["received"] / _MIB
            found["host_network_sent_mib_per_second"] = network["sent"] / _MIB
        return found


def _usage_of(pid: int) -> _Usage:
    """Return the usage by a process until now, without disk usage if that is hidden or unknown.

    Raises:
        psutil.Error, OSError, ValueError, IndexError: if the process has ended, or its files are odd.
    """
    read = written = 0
    if sys.platform == "linux":  # several times as fast as psutil
        fields = _kernel_words(f"/proc/{pid}/stat")
        cpu = sum(map(int, fields[11:15])) / _TICKS
        with suppress(OSError, ValueError, IndexError):
            io = _kernel_words(f"/proc/{pid}/io")
            read, written = int(io[9]), int(io[11])
        memory = int(fields[21]) * _PAGE
    else:
        import psutil

        process = psutil.Process(pid)
        times = process.cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        if hasattr(process, "io_counters"):  # not on macOS
            counters = process.io_counters()
            read, written = counters.read_bytes, counters.write_bytes
        memory = process.memory_info().rss
    return _Usage(cpu, memory, read, written)


def _kernel_words(path: str) -> list[bytes]:
    """Return the words of a file in `/proc`, only those after the program's name, which can have spaces."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _FILE_BYTES).rpartition(b")")[2].split()
    finally:
        os.close(descriptor)


def _reaped_cpu() -> float:
    """Return the CPU seconds of the children of this process that have ended, and of those of theirs."""
    times = os.times()
    return times.children_user + times.children_system
