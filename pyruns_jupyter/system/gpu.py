"""NVIDIA GPUs through NVML, robust against a missing or broken driver.

The library is loaded at the first reading, never at import. If a call fails, only its value is missing; if
the whole driver fails, it is closed and opened again later, with increasing delays.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from .processes import ProcessTable
from .samples import Gpu, GpuProcess, GpuState, MigDevice

T = TypeVar("T")

RETRY_SECONDS = 5.0  # until a failed driver is opened again; doubles each time
MAX_RETRY_SECONDS = 300.0

NO_LIBRARY = "There is no NVIDIA driver on this machine."
NO_BINDINGS = "GPUs cannot be shown because the Python package nvidia-ml-py is not installed."
NO_DEVICE = "The NVIDIA driver works but does not report any GPUs."


@dataclass(frozen=True)
class GpuReading:
    """The GPUs, or why there are none (a sentence)."""

    state: GpuState
    message: str | None
    gpus: list[Gpu]


@dataclass(frozen=True)
class Inventory(GpuReading):
    """The GPUs and the version of the driver, None if it is unknown."""

    driver: str | None = None


def inventory() -> Inventory:
    """Return the GPUs and the driver of this machine; never raises."""
    reader = GpuReader()
    try:
        found = reader.read()
        return Inventory(found.state, found.message, found.gpus, reader.driver())
    finally:
        reader.close()


class GpuReader:
    """Reads all GPUs. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._nvml: ModuleType | None = None
        self._failure: GpuReading | None = None
        self._retry_at = 0.0
        self._pause = RETRY_SECONDS
        self.processes = ProcessTable()

    def read(self, indices: Sequence[int] | None = None) -> GpuReading:
        """Return the GPUs at this moment, all or those with these `indices`; never raises."""
        if self._nvml is None and not self._open():
            assert self._failure is not None
            return self._failure
        nvml = self._nvml
        assert nvml is not None
        try:
            chosen = range(nvml.nvmlDeviceGetCount()) if indices is None else indices
            gpus = [self._gpu(nvml, index) for index in chosen]
        except Exception as error:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            self.close()
            return self._fail("error", f"The NVIDIA driver stopped responding: {_text_of(error)}.")
        self._pause = RETRY_SECONDS
        return GpuReading("ok", None, gpus) if gpus else GpuReading("none", NO_DEVICE, [])

    def driver(self) -> str | None:
        """Return the version of the driver, None if it is not open."""
        if self._nvml is None:
            return None
        try:
            return _text(self._nvml.nvmlSystemGetDriverVersion()) or None
        except Exception:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            return None

    def close(self) -> None:
        """Close the driver; the next reading opens it again."""
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            with contextlib.suppress(Exception):  # closed already
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
                self._fail("error", f"The NVIDIA driver cannot be used: {_text_of(error)}.")
            return False
        self._nvml, self._failure = pynvml, None
        return True

    def _fail(self, state: GpuState, message: str) -> GpuReading:
        self._failure = GpuReading(state, message, [])
        self._retry_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, MAX_RETRY_SECONDS)
        return self._failure

    def _gpu(self, nvml: ModuleType, index: int) -> Gpu:
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError_Uninitialized:
            raise  # the whole driver is gone, not only this GPU
        except nvml.NVMLError as error:
            return _unreadable_gpu(index, f"GPU {index} ({_text_of(error)})")
        load = _query(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        temperature = _query(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        power = _query(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        limit = _query(nvml, lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle))
        return {
            **self._device(nvml, index, handle),
            "load": None if load is None else float(load.gpu),
            "temperature": None if temperature is None else float(temperature),
            "power": None if power is None else power / 1000.0,
            "power_limit": None if limit is None else limit / 1000.0,
            "clock": _query(nvml, lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))),
            "memory_clock": _query(
                nvml, lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM))
            ),
            "mig": self._mig(nvml, handle),
        }

    def _mig(self, nvml: ModuleType, whole: Any) -> list[MigDevice]:
        """Return the MIG devices of a GPU, which have no utilization of their own; empty without any."""
        found: list[MigDevice] = []
        with contextlib.suppress(nvml.NVMLError):  # a GPU or a driver without MIG
            if nvml.nvmlDeviceGetMigMode(whole)[0] != nvml.NVML_DEVICE_MIG_ENABLE:
                return []
            for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(whole)):
                try:
                    handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(whole, number)
                except nvml.NVMLError_NotFound:
                    continue  # there may be fewer, with gaps
                found.append(self._device(nvml, number, handle))
        return found

    def _device(self, nvml: ModuleType, index: int, handle: Any) -> MigDevice:
        """Return what a GPU has in common with a MIG device."""
        memory = _query(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2))
        if memory is None:  # drivers before 510
            memory = _query(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        lists = [
            _query(nvml, lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)),
            _query(nvml, lambda: nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)),
        ]
        return MigDevice(
            index=index,
            uuid=_text(_query(nvml, lambda: nvml.nvmlDeviceGetUUID(handle))),
            name=_text(_query(nvml, lambda: nvml.nvmlDeviceGetName(handle))) or f"GPU {index}",
            memory_used=None if memory is None else int(memory.used),
            memory_total=None if memory is None else int(memory.total),
            processes=self._process_list([process for found in lists for process in found or ()]),
        )

    def _process_list(self, found: list[Any]) -> list[GpuProcess]:
        memory: dict[int, int | None] = {}
        for process in found:  # one for both compute and graphics is in both lists
            used = process.usedGpuMemory
            before = memory.get(process.pid)
            memory[process.pid] = before if used is None else max(int(used), before or 0)
        return [
            # Only a server knows for how long its kernels have been idle.
            {**self.processes.facts_of(pid), "pid": pid, "memory": used, "idle": None}
            for pid, used in sorted(memory.items())
        ]


def _query(nvml: ModuleType, call: Callable[[], T]) -> T | None:
    """Return what a call returns, None if it fails for this value only."""
    try:
        return call()
    except nvml.NVMLError_Uninitialized:
        raise  # the whole driver is gone
    except nvml.NVMLError:
        return None


def _unreadable_gpu(index: int, name: str) -> Gpu:
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


def _text_of(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
