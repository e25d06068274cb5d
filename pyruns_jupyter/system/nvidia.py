"""NVIDIA GPUs through NVML."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, TypeVar

from .gpu_driver import NO_DRIVER, DriverReader, NoDriverError, text_of, unreadable_gpu
from .samples import Gpu, GpuProcess, MigDevice

T = TypeVar("T")

NO_BINDINGS = "GPUs cannot be shown because the Python package nvidia-ml-py is not installed."
NO_DEVICE = "The NVIDIA driver works but does not report any GPUs."


class NvidiaReader(DriverReader):
    """Reads NVIDIA GPUs."""

    vendor = "NVIDIA"
    no_device = NO_DEVICE
    _nvml: ModuleType

    def _connect(self) -> None:
        try:
            import pynvml

            pynvml.nvmlInit()
        except ImportError:
            raise NoDriverError(NO_BINDINGS) from None
        except Exception as error:
            if type(error).__name__ == "NVMLError_LibraryNotFound":
                raise NoDriverError(NO_DRIVER) from None
            raise
        self._nvml = pynvml

    def _disconnect(self) -> None:
        self._nvml.nvmlShutdown()

    def _version(self) -> str:
        return _text(self._nvml.nvmlSystemGetDriverVersion())

    def _read(self, indices: Sequence[int] | None) -> list[Gpu]:
        nvml = self._nvml
        chosen = range(nvml.nvmlDeviceGetCount()) if indices is None else indices
        return [self._gpu(nvml, index) for index in chosen]

    def _gpu(self, nvml: ModuleType, index: int) -> Gpu:
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError_Uninitialized:
            raise  # the whole driver is gone, not only this GPU
        except nvml.NVMLError as error:
            return unreadable_gpu(index, f"GPU {index} ({text_of(error)})")
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
        return [self.process(pid, used) for pid, used in sorted(memory.items())]


def _query(nvml: ModuleType, call: Callable[[], T]) -> T | None:
    """Return what a call returns, None if it fails for this value only."""
    try:
        return call()
    except nvml.NVMLError_Uninitialized:
        raise  # the whole driver is gone
    except nvml.NVMLError:
        return None


def _text(value: str | bytes | None) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
