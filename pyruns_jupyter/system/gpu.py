"""NVIDIA GPUs through NVML: a state machine that a missing or broken driver cannot bring down.

The library is loaded at the first reading, never at import. A call that fails costs its one value; a driver
that fails as a whole is given up and tried again later, with growing pauses.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from .processes import ProcessBook
from .samples import Gpu, GpuProcess, GpuState, MigDevice

T = TypeVar("T")

RETRY_FIRST = 5.0  # seconds until a failed driver is tried again; doubles each time
RETRY_LONGEST = 300.0

NO_LIBRARY = "There is no NVIDIA driver on this machine."
NO_BINDINGS = "GPUs are not shown, because the Python package nvidia-ml-py is not installed."
NO_DEVICE = "The NVIDIA driver works, but it shows no GPU."


@dataclass(frozen=True)
class GpuReading:
    """The GPUs, or a sentence why there are none."""

    state: GpuState
    message: str | None
    gpus: list[Gpu]


@dataclass(frozen=True)
class Inventory(GpuReading):
    """The GPUs and the version of the driver, None when it does not say."""

    driver: str | None = None


def inventory() -> Inventory:
    """Return the GPUs of this machine and its driver once; never raises."""
    reader = GpuReader()
    try:
        found = reader.read()
        return Inventory(found.state, found.message, found.gpus, reader.driver())
    finally:
        reader.close()


class GpuReader:
    """Reads all GPUs. Not for two threads at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._nvml: ModuleType | None = None
        self._failure: GpuReading | None = None
        self._retry_at = 0.0
        self._pause = RETRY_FIRST
        self._processes = ProcessBook()

    def read(self) -> GpuReading:
        """Return the GPUs at this moment; never raises."""
        if self._nvml is None and not self._open():
            assert self._failure is not None
            return self._failure
        nvml = self._nvml
        assert nvml is not None
        try:
            gpus = [self._gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
        except Exception as error:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            self.close()
            return self._fail("error", f"The NVIDIA driver stopped answering: {_words(error)}.")
        self._pause = RETRY_FIRST
        return GpuReading("ok", None, gpus) if gpus else GpuReading("none", NO_DEVICE, [])

    def driver(self) -> str | None:
        """Return the version of the driver that was read last; None without one."""
        if self._nvml is None:
            return None
        try:
            return _text(self._nvml.nvmlSystemGetDriverVersion()) or None
        except Exception:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            return None

    def close(self) -> None:
        """Let go of the driver; the next reading takes it again."""
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            with contextlib.suppress(Exception):  # gone already, that is all we want
                nvml.nvmlShutdown()

    def _open(self) -> bool:
        if self._failure is not None and self._clock() < self._retry_at:
            return False
        try:
            import pynvml

            pynvml.nvmlInit()
        except ImportError:
            self._fail("none", NO_BINDINGS)
            return False
        except Exception as error:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            if type(error).__name__ == "NVMLError_LibraryNotFound":
                self._fail("none", NO_LIBRARY)
            else:
                self._fail("error", f"The NVIDIA driver cannot be used: {_words(error)}.")
            return False
        self._nvml, self._failure = pynvml, None
        return True

    def _fail(self, state: GpuState, message: str) -> GpuReading:
        self._failure = GpuReading(state, message, [])
        self._retry_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, RETRY_LONGEST)
        return self._failure

    def _gpu(self, nvml: ModuleType, index: int) -> Gpu:
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError_Uninitialized:
            raise  # not this GPU but the whole driver is gone
        except nvml.NVMLError as error:
            return _silent_gpu(index, f"GPU {index} ({_words(error)})")
        return {**self._device(nvml, index, handle), "mig": self._mig(nvml, handle)}

    def _mig(self, nvml: ModuleType, whole: Any) -> list[MigDevice]:
        """Return the parts of a GPU, empty when it is not divided; they have no load of their own."""
        found: list[MigDevice] = []
        with contextlib.suppress(nvml.NVMLError):  # a GPU or a driver that knows no parts
            if nvml.nvmlDeviceGetMigMode(whole)[0] != nvml.NVML_DEVICE_MIG_ENABLE:
                return []
            for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(whole)):
                try:
                    handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(whole, number)
                except nvml.NVMLError_NotFound:
                    continue  # there may be fewer, and gaps
                part = self._device(nvml, number, handle)
                found.append(
                    MigDevice(
                        index=number,
                        uuid=part["uuid"],
                        name=part["name"],
                        memory_used=part["memory_used"],
                        memory_total=part["memory_total"],
                        processes=part["processes"],
                    )
                )
        return found

    def _device(self, nvml: ModuleType, index: int, handle: Any) -> Gpu:
        def ask(question: Callable[[], T]) -> T | None:
            try:
                return question()
            except nvml.NVMLError_Uninitialized:
                raise  # not this value but the whole driver is gone
            except nvml.NVMLError:
                return None

        memory = ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2))
        if memory is None:  # drivers before 510
            memory = ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        load = ask(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        temperature = ask(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        power = ask(lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        limit = ask(lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle))
        lists = [
            ask(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)),
            ask(lambda: nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)),
        ]
        return Gpu(
            index=index,
            uuid=_text(ask(lambda: nvml.nvmlDeviceGetUUID(handle))),
            name=_text(ask(lambda: nvml.nvmlDeviceGetName(handle))) or f"GPU {index}",
            load=None if load is None else float(load.gpu),
            memory_used=None if memory is None else int(memory.used),
            memory_total=None if memory is None else int(memory.total),
            temperature=None if temperature is None else float(temperature),
            power=None if power is None else power / 1000.0,
            power_limit=None if limit is None else limit / 1000.0,
            clock=ask(lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))),
            memory_clock=ask(lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM))),
            processes=self._process_list([process for found in lists for process in found or ()]),
            mig=[],
        )

    def _process_list(self, found: list[Any]) -> list[GpuProcess]:
        memory: dict[int, int | None] = {}
        for process in found:  # one that computes and draws is in both lists
            used = process.usedGpuMemory
            before = memory.get(process.pid)
            memory[process.pid] = before if used is None else max(int(used), before or 0)
        answer = []
        for pid, used in sorted(memory.items()):
            known = self._processes.look_up(pid)
            answer.append(
                GpuProcess(
                    pid=pid,
                    memory=used,
                    user=known.user,
                    command=known.command,
                    task=known.task,
                    notebook=known.notebook,
                    kernel=known.kernel,
                    idle=None,  # what only a server knows of its kernels
                )
            )
        return answer


def _silent_gpu(index: int, name: str) -> Gpu:
    return Gpu(
        index=index,
        uuid="",
        name=name,
        load=None,
        memory_used=None,
        memory_total=None,
        temperature=None,
        power=None,
        power_limit=None,
        clock=None,
        memory_clock=None,
        processes=[],
        mig=[],
    )


def _text(value: str | bytes | None) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
