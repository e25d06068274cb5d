"""The simulated machine: its utilization and its processes, which the stand-ins report."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HOST = "demo"
CORES = 32
GIB = 1 << 30
MEMORY = 256 * GIB
GPU_NAME = "NVIDIA H100 80GB HBM3"
GPU_MEMORY = 80 * GIB
_LOADING_SECONDS = 3.0  # for which a run does not use its GPU
BOOTED = time.time() - 12 * 86400


def gpu_uuid(index: int) -> str:
    """Return the UUID of a GPU."""
    return f"GPU-{str(index) * 8}-d3e0-4c1a-9b7f-6a5b4c3d2e1f"


GPUS = [gpu_uuid(index) for index in range(4)]


@dataclass(frozen=True)
class Simulated:
    """A simulated process. `load` (percent) and `memory` (bytes) are those of each of its `gpus` (UUIDs)."""

    pid: int
    argv: Sequence[str]
    environment: Mapping[str, str]
    gpus: Sequence[str] = ()
    load: float = 0.0
    memory: int = 0
    cores: float = 1.0
    resident: int = 1 * GIB
    started: float = field(default_factory=time.time)

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.time() - self.started

    @property
    def gpu_memory(self) -> int:
        """Bytes that it uses of each GPU now."""
        return int(self.memory * min(1.0, max(0.1, self.age / (2 * _LOADING_SECONDS))))


processes: dict[int, Simulated] = {}
attended: list[int] = []  # the processes of the run whose supervisor is simulated at this moment
_last_pid = 4000


def start(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    gpus: Sequence[str] = (),
    load: float = 0.0,
    memory: int = 0,
) -> Simulated:
    """Start a simulated process."""
    global _last_pid
    _last_pid += 1 + _last_pid % 7
    process = Simulated(_last_pid, argv, environment, gpus, load, memory, 2.6 if gpus else 0.8)
    processes[process.pid] = process
    return process


def end(pid: int) -> None:
    """End a simulated process."""
    processes.pop(pid, None)


def wave(seed: str, at: float) -> float:
    """Return a smooth course between -1 and 1 over time (seconds), different for each seed."""
    source = random.Random(seed)
    phases = [source.uniform(0, 2 * math.pi) for _ in range(3)]
    turns = (2 * math.pi * at / period + phase for period, phase in zip((7, 23, 61), phases, strict=True))
    return sum(map(math.sin, turns)) / 3


def core_loads(at: float) -> list[float]:
    """Return the utilization of each core in percent."""
    busy = round(sum(process.cores for process in processes.values()))
    loads = []
    for core in range(CORES):
        base, swing = (62.0, 26.0) if core < busy else (5.0, 5.0)
        loads.append(min(100.0, max(0.0, base + swing * wave(f"core {core}", at))))
    return loads


def used_memory(at: float) -> int:
    """Return the used memory in bytes."""
    own = sum(process.resident for process in processes.values())
    return int((19 + 0.7 * wave("memory", at)) * GIB) + own


def on_gpu(uuid: str) -> list[Simulated]:
    """Return the processes that use a GPU."""
    return [process for process in processes.values() if uuid in process.gpus]


def gpu_load(uuid: str, at: float) -> float:
    """Return the utilization of a GPU in percent."""
    wanted = sum(process.load for process in on_gpu(uuid) if process.age > _LOADING_SECONDS)
    return min(100.0, max(1.0, wanted + 9 * wave(uuid, at))) if wanted else 0.0


def own_pid() -> int:
    """Return the pid of this process."""
    return os.getpid()
