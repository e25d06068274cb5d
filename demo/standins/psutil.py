"""The part of psutil that Pyruns uses, for the simulated machine of the demo."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from pyruns_demo import machine

STATUS_ZOMBIE, STATUS_RUNNING = "zombie", "running"


class Error(Exception):
    """The base of all errors."""


class NoSuchProcess(Error):
    """There is no such process."""


class AccessDenied(Error):
    """Nothing raises it here."""


class CpuTimes(NamedTuple):
    """Seconds since the start of the machine."""

    user: float
    idle: float


class ProcessTimes(NamedTuple):
    """CPU seconds of a process."""

    user: float
    system: float
    children_user: float
    children_system: float


class Memory(NamedTuple):
    """Bytes."""

    total: int
    available: int


class ResidentMemory(NamedTuple):
    """Bytes."""

    rss: int


class Io(NamedTuple):
    """Bytes since the start of a process."""

    read_bytes: int
    write_bytes: int


class Network(NamedTuple):
    """Bytes since the start of the machine."""

    bytes_sent: int
    bytes_recv: int


class Usage(NamedTuple):
    """Bytes of a disk."""

    total: int
    free: int


_busy = [0.0] * machine.CORES
_busy_at = time.time()


def cpu_times(percpu: bool = True) -> list[CpuTimes]:
    """Return the times of each core."""
    global _busy_at
    now = time.time()
    for core, load in enumerate(machine.core_loads(now)):
        _busy[core] += load / 100 * max(0.0, now - _busy_at)
    _busy_at = now
    return [CpuTimes(busy, now - machine.BOOTED - busy) for busy in _busy]


def virtual_memory() -> Memory:
    """Return the memory of the machine."""
    return Memory(machine.MEMORY, machine.MEMORY - machine.used_memory(time.time()))


def net_io_counters(pernic: bool = True) -> dict[str, Network]:
    """Return the traffic of the only device."""
    up = int(time.time() - machine.BOOTED)
    return {"eth0": Network(60_000 * up, 90_000 * up)}


def disk_usage(path: str) -> Usage:
    """Return the space of the only disk."""
    return Usage(3500 * machine.GIB, 2688 * machine.GIB)


class Process:
    """A simulated process, or this one."""

    def __init__(self, pid: int | None = None) -> None:
        self.pid = machine.own_pid() if pid is None else pid
        found = machine.processes.get(self.pid)
        if found is None and self.pid != machine.own_pid():
            raise NoSuchProcess(f"process {pid} does not exist")
        self._found = found or machine.Simulated(self.pid, ["python"], {}, started=machine.BOOTED)

    def create_time(self) -> float:
        return self._found.started

    def status(self) -> str:
        return STATUS_RUNNING

    def username(self) -> str:
        return machine.HOST

    def cmdline(self) -> list[str]:
        return [*self._found.argv]

    def exe(self) -> str:
        return self._found.argv[0]

    def name(self) -> str:
        return self._found.argv[0].rpartition("/")[2]

    def environ(self) -> Mapping[str, str]:
        return self._found.environment

    def parents(self) -> list[Process]:
        return []

    def children(self, recursive: bool = False) -> list[Process]:
        return [Process(pid) for pid in machine.attended if pid in machine.processes]

    @contextmanager
    def oneshot(self) -> Iterator[None]:
        yield

    def cpu_times(self) -> ProcessTimes:
        return ProcessTimes(self._found.cores * max(0.0, self._found.age), 0.0, 0.0, 0.0)

    def memory_info(self) -> ResidentMemory:
        return ResidentMemory(self._found.resident)

    def io_counters(self) -> Io:
        return Io(int(2e6 * max(0.0, self._found.age)), int(3e4 * max(0.0, self._found.age)))

    def terminate(self) -> None:
        machine.end(self.pid)

    def kill(self) -> None:
        machine.end(self.pid)


def pid_exists(pid: int) -> bool:
    """Return whether a process exists."""
    return pid in machine.processes or pid == machine.own_pid()


def process_iter() -> list[Process]:
    """Return all processes."""
    return [Process(pid) for pid in machine.processes]


def wait_procs(processes: Iterable[Process], timeout: float | None = None) -> tuple[list[Any], list[Any]]:
    """Return which processes have ended: all."""
    return list(processes), []
