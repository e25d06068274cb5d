"""The shape of a sample of the machine, the same as on the wire (`SystemSample` of the REST description).

Times are epoch seconds, sizes bytes, loads percent, powers watts, temperatures degrees Celsius. What a device
does not tell is None.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Cpu(TypedDict):
    """Load of all cores together (0 to 100), their number, and load averages over 1, 5 and 15 minutes."""

    percent: float
    cores: int
    load: list[float] | None


class Memory(TypedDict):
    """Memory that programs occupy and all there is."""

    used: int
    total: int


class GpuProcess(TypedDict):
    """A process on a GPU; `task` is the name of the task it belongs to."""

    pid: int
    memory: int | None
    user: str | None
    command: str | None
    task: str | None


class Gpu(TypedDict):
    """One GPU as its driver shows it."""

    index: int
    uuid: str
    name: str
    load: float | None
    memory_used: int | None
    memory_total: int | None
    temperature: float | None
    power: float | None
    power_limit: float | None
    processes: list[GpuProcess]


GpuState = Literal["ok", "none", "error"]


class Sample(TypedDict):
    """One look at the machine."""

    time: float
    cpu: Cpu
    memory: Memory
    gpu_state: GpuState
    gpu_message: str | None
    gpus: list[Gpu]
