"""The type of a sample of the machine, as in the REST API (`SystemSample`).

Times are epoch seconds, sizes bytes, utilization percent, power watts, temperatures degrees Celsius, clocks
MHz. Values that a device does not report are None.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Cpu(TypedDict):
    """Utilization of all cores together (0 to 100) and of each, their number, and the load averages of the
    host over 1, 5 and 15 minutes.

    If a control group or its cores are `limited`, all but the averages refer to our share, which may be a
    fraction of a core; `per_core` are the cores that can be used for it.
    """

    percent: float
    cores: float
    limited: bool
    per_core: list[float]
    load: list[float] | None


class Memory(TypedDict):
    """Used and total memory; those of our control group if that is `limited`."""

    used: int
    total: int
    limited: bool


class Disk(TypedDict):
    """Used and total space on the disk of the server's folder."""

    used: int
    total: int


class Network(TypedDict):
    """Received and sent bytes per second."""

    received: float
    sent: float


class ProcessFacts(TypedDict):
    """Facts of a process that do not change: the name of the task to which it belongs, the path of the
    notebook whose kernel started it, and the id of the `kernel` if it is one.
    """

    user: str | None
    command: str | None
    task: str | None
    notebook: str | None
    kernel: str | None


class GpuProcess(ProcessFacts):
    """A process on a GPU; `idle` is for how long (s) its kernel has been idle, None if it is busy or belongs
    to another server.
    """

    pid: int
    memory: int | None
    idle: float | None


class MigDevice(TypedDict):
    """A MIG device; `index` counts within its GPU."""

    index: int
    uuid: str
    name: str
    memory_used: int | None
    memory_total: int | None
    processes: list[GpuProcess]


class Gpu(MigDevice):
    """A GPU as its driver reports it."""

    load: float | None
    temperature: float | None
    power: float | None
    power_limit: float | None
    clock: int | None
    memory_clock: int | None
    mig: list[MigDevice]


GpuState = Literal["ok", "none", "error"]


class Sample(TypedDict):
    """The state of the machine at one moment."""

    time: float
    cpu: Cpu
    memory: Memory
    disk: Disk | None
    network: Network | None
    gpu_state: GpuState
    gpu_message: str | None
    gpus: list[Gpu]
