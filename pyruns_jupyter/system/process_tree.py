"""The CPU, memory and disk usage of the processes of a run, and the network usage of the host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import psutil

from .host import NetworkMeter

_GIB, _MIB = 1 << 30, 1 << 20


class ProcessTreeMeter:
    """Measures the descendants of this process together. It must exist before the first of them starts."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._cpu = _reaped_cpu()
        self._read = self._written = 0
        self._network: NetworkMeter | None = None

    def read(self, pids: Iterable[int], elapsed: float) -> dict[str, float]:
        """Return the usage by the processes `pids` in the `elapsed` seconds since the last call.

        The CPU usage is 100 for one core. It includes processes that have ended meanwhile: their CPU time is
        added to that of their parent. The resident memory counts shared pages for each process. Linux counts
        network traffic by host, not by process.
        """
        processes: dict[int, psutil.Process] = {}
        cpu, memory, read, written = _reaped_cpu(), 0, 0, 0
        for pid in pids:
            with suppress(psutil.Error, OSError):
                process = processes[pid] = self._processes.get(pid) or psutil.Process(pid)
                with process.oneshot():
                    times = process.cpu_times()
                    cpu += times.user + times.system + times.children_user + times.children_system
                    memory += process.memory_info().rss
                    if hasattr(process, "io_counters"):  # not on macOS
                        io = process.io_counters()
                        read, written = read + io.read_bytes, written + io.write_bytes
        found = {
            "cpu_percent": 100 * max(0.0, cpu - self._cpu) / elapsed,
            "memory_gib": memory / _GIB,
            "processes": float(len(processes)),
            # A process that has ended takes its counts with it, unless its parent waited for it.
            "disk_read_mib_per_second": max(0, read - self._read) / _MIB / elapsed,
            "disk_write_mib_per_second": max(0, written - self._written) / _MIB / elapsed,
        }
        self._processes, self._cpu, self._read, self._written = processes, cpu, read, written
        self._network = self._network or NetworkMeter()
        network = self._network.read()
        if network is not None:
            found["host_network_received_mib_per_second"] = network["received"] / _MIB
            found["host_network_sent_mib_per_second"] = network["sent"] / _MIB
        return found


def _reaped_cpu() -> float:
    """Return the CPU seconds of the children of this process that have ended, and of those of theirs."""
    times = os.times()
    return times.children_user + times.children_system
