"""The shape of a sample of the machine, the same as on the wire (`SystemSample` of the REST description).

Times are epoch seconds, sizes bytes, loads percent, powers watts, temperatures degrees Celsius, clocks MHz.
What a device does not tell is None.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Cpu(TypedDict):
    """Load of all cores together (0 to 100) and of each, their number, and the host's load averages over 1, 5
    and 15 minutes.

    When a control group or its cores are `limited`, all but the averages are about the share that we have,
    which may be a part of a core; `per_core` has the cores that it may be taken from.
    """

    percent: float
    cores: float
    limited: bool
    per_core: list[float]
    load: list[float] | None


class Memory(TypedDict):
    """Memory that programs occupy and all there is; of our control group when that is `limited`."""

    used: int
    total: int
    limited: bool


class Disk(TypedDict):
    """Room on the disk of the server's folder."""

    used: int
    total: int


class Network(TypedDict):
    """Bytes a second that came and went."""

    received: float
    sent: float


class GpuProcess(TypedDict):
    """A process on a GPU; `task` is the name of the task it belongs to, `notebook` the path of the notebook
    whose kernel started it; `kernel` is the id of the kernel that it is, `idle` for how long (s) that has
    been idle, None when it is busy or of another server.
    """

    pid: int
    memory: int | None
    user: str | None
    command: str | None
    task: str | None
    notebook: str | None
    kernel: str | None
    idle: float | None


class MigDevice(TypedDict):
    """A part of a divided GPU; `index` counts within the GPU."""

    index: int
    uuid: str
    name: str
    memory_used: int | None
    memory_total: int | None
    processes: list[GpuProcess]


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
    clock: int | None
    memory_clock: int | None
    processes: list[GpuProcess]
    mig: list[MigDevice]


GpuState = Literal["ok", "none", "error"]


class Sample(TypedDict):
    """One look at the machine."""

    time: float
    cpu: Cpu
    memory: Memory
    disk: Disk | None
    network: Network | None
    gpu_state: GpuState
    gpu_message: str | None
    gpus: list[Gpu]
