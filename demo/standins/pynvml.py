"""The part of NVML that Pyruns uses, for the simulated GPUs of the demo. A handle is the index of a GPU."""

from __future__ import annotations

import time
from typing import NamedTuple

from pyruns_demo import machine

NVML_TEMPERATURE_GPU = NVML_CLOCK_SM = 0
NVML_CLOCK_MEM = 2
NVML_DEVICE_MIG_ENABLE = 1
nvmlMemory_v2 = 2


class NVMLError(Exception):
    """The base of all errors."""


class NVMLError_Uninitialized(NVMLError):
    """Nothing raises it here."""


class NVMLError_NotFound(NVMLError):
    """Nothing raises it here."""


class Utilization(NamedTuple):
    """Percent."""

    gpu: int


class Memory(NamedTuple):
    """Bytes."""

    used: int
    total: int


class ProcessInfo(NamedTuple):
    """A process on a GPU."""

    pid: int
    usedGpuMemory: int


def _load(index: int) -> float:
    return machine.gpu_load(machine.GPUS[index], time.time())


def nvmlInit() -> None: ...


def nvmlShutdown() -> None: ...


def nvmlSystemGetDriverVersion() -> str:
    return "570.86.15"


def nvmlDeviceGetCount() -> int:
    return len(machine.GPUS)


def nvmlDeviceGetHandleByIndex(index: int) -> int:
    return index


def nvmlDeviceGetUtilizationRates(index: int) -> Utilization:
    return Utilization(round(_load(index)))


def nvmlDeviceGetTemperature(index: int, sensor: int) -> int:
    return round(31 + 0.34 * _load(index) + 1.5 * machine.wave(f"heat {index}", time.time()))


def nvmlDeviceGetPowerUsage(index: int) -> int:
    return 1000 * round(72 + 5.4 * _load(index) + 6 * machine.wave(f"heat {index}", time.time()))


def nvmlDeviceGetEnforcedPowerLimit(index: int) -> int:
    return 700_000


def nvmlDeviceGetClockInfo(index: int, clock: int) -> int:
    return 2619 if clock == NVML_CLOCK_MEM else 1935 if _load(index) else 345


def nvmlDeviceGetMigMode(index: int) -> list[int]:
    raise NVMLError("MIG is not supported")


def nvmlDeviceGetMemoryInfo(index: int, version: int = 0) -> Memory:
    used = sum(process.gpu_memory for process in machine.on_gpu(machine.GPUS[index]))
    return Memory(machine.GIB // 2 + used, machine.GPU_MEMORY)


def nvmlDeviceGetUUID(index: int) -> str:
    return machine.GPUS[index]


def nvmlDeviceGetName(index: int) -> str:
    return machine.GPU_NAME


def nvmlDeviceGetComputeRunningProcesses(index: int) -> list[ProcessInfo]:
    return [ProcessInfo(one.pid, one.gpu_memory) for one in machine.on_gpu(machine.GPUS[index])]


def nvmlDeviceGetGraphicsRunningProcesses(index: int) -> list[ProcessInfo]:
    return []
