"""AMD GPUs through AMD SMI, the Python package `amdsmi` of ROCm.

The functions and what they return are those of ROCm 6 and 7:
https://rocm.docs.amd.com/projects/amdsmi/en/latest/reference/amdsmi-py-api.html. A value that a GPU does not
have is the text `N/A`, or an `AmdSmiLibraryException`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from .gpu_driver import NO_DRIVER, DriverReader, NoDriverError, unreadable_gpu
from .samples import Gpu, GpuProcess

NO_BINDINGS = "GPUs cannot be shown because the Python package amdsmi is not installed."
NO_DEVICE = "The AMD driver works but does not report any GPUs."
_DEVICE = "/dev/kfd"  # of the driver, for programs that compute
_NOT_LOADED = ("DRIVER_NOT_LOADED", "NO_DRV")  # in the names of statuses
_MIB = 1 << 20
_MICROWATTS = 1e6
_MAX_DEGREES = 1000  # above, a temperature is in millidegrees, as the documentation says
_POWERS = ("socket_power", "current_socket_power", "average_socket_power")  # in releases or models
_UUID = re.compile(r"GPU-[0-9a-f]{16}")


class AmdReader(DriverReader):
    """Reads AMD GPUs."""

    vendor = "AMD"
    no_device = NO_DEVICE
    _smi: ModuleType

    def _connect(self) -> None:
        has_device = os.path.exists(_DEVICE)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints that its library is missing
                import amdsmi
        except ImportError:
            raise NoDriverError(NO_BINDINGS if has_device else NO_DRIVER) from None
        except Exception:
            if has_device:
                raise
            raise NoDriverError(NO_DRIVER) from None  # the package without ROCm
        try:
            amdsmi.amdsmi_init(amdsmi.AmdSmiInitFlags.INIT_AMD_GPUS)
        except amdsmi.AmdSmiLibraryException as error:
            if any(name in str(error) for name in _NOT_LOADED):
                raise NoDriverError(NO_DRIVER) from None
            raise
        self._smi = amdsmi

    def _disconnect(self) -> None:
        self._smi.amdsmi_shut_down()

    def _version(self) -> str:
        for handle in self._smi.amdsmi_get_processor_handles():
            found = self._query(self._smi.amdsmi_get_gpu_driver_info, handle)
            return str((found or {}).get("driver_version", ""))
        return ""

    def _read(self, indices: Sequence[int] | None) -> list[Gpu]:
        handles = self._smi.amdsmi_get_processor_handles()
        identities = [self._identity(handle) for handle in handles]
        counts = Counter(uuid for uuid, _ in identities)
        gpus = []
        for index in range(len(handles)) if indices is None else indices:
            if index >= len(handles):
                raise IndexError(f"GPU {index} is gone")
            uuid, name = identities[index]
            # The partitions of a GPU have its identity: they cannot be given to different tasks.
            gpus.append(self._gpu(index, handles[index], uuid if counts[uuid] == 1 else "", name))
        return gpus

    def _identity(self, handle: Any) -> tuple[str, str]:
        """Return the UUID by which `ROCR_VISIBLE_DEVICES` names a GPU, "" without one, and its model.

        It is `GPU-` and the 16 digits of its serial number; `amdsmi_get_gpu_device_uuid` returns another one.
        """
        asic = self._query(self._smi.amdsmi_get_gpu_asic_info, handle) or {}
        name = str(asic.get("market_name", ""))
        serial = str(asic.get("asic_serial", "")).lower().removeprefix("0x")
        uuid = f"GPU-{serial.zfill(16)}"
        is_known = serial.strip("0") and _UUID.fullmatch(uuid)
        return uuid if is_known else "", "AMD GPU" if name in ("", "N/A") else name

    def _gpu(self, index: int, handle: Any, uuid: str, name: str) -> Gpu:
        smi = self._smi
        memory = self._query(smi.amdsmi_get_gpu_vram_usage, handle) or {}
        activity = self._query(smi.amdsmi_get_gpu_activity, handle) or {}
        power = self._query(smi.amdsmi_get_power_info, handle) or {}
        limit = _number((self._query(smi.amdsmi_get_power_cap_info, handle) or {}).get("power_cap"))
        used, total = _number(memory.get("vram_used")), _number(memory.get("vram_total"))
        clocks, kinds = [], smi.AmdSmiClkType
        for kind in (kinds.GFX, kinds.MEM):
            clock = self._query(smi.amdsmi_get_clock_info, handle, kind) or {}
            clocks.append(_number(clock.get("clk", clock.get("cur_clk"))))
        return {
            **unreadable_gpu(index, name),
            "uuid": uuid,
            "load": _number(activity.get("gfx_activity")),
            "memory_used": None if used is None else int(used * _MIB),
            "memory_total": None if total is None else int(total * _MIB),
            "temperature": self._temperature(handle),
            "power": next(filter(None, (_number(power.get(key)) for key in _POWERS)), None),
            "power_limit": limit / _MICROWATTS if limit else None,
            "clock": None if clocks[0] is None else int(clocks[0]),
            "memory_clock": None if clocks[1] is None else int(clocks[1]),
            "processes": self._process_list(handle),
        }

    def _temperature(self, handle: Any) -> float | None:
        """Return the temperature of the hottest place, which is the only one that all models have."""
        smi = self._smi
        kind, metric = smi.AmdSmiTemperatureType.JUNCTION, smi.AmdSmiTemperatureMetric.CURRENT
        found = _number(self._query(smi.amdsmi_get_temp_metric, handle, kind, metric))
        return found / 1000 if found is not None and found > _MAX_DEGREES else found

    def _process_list(self, handle: Any) -> list[GpuProcess]:
        memory: dict[int, int | None] = {}
        for one in self._query(self._smi.amdsmi_get_gpu_process_list, handle) or ():
            # Releases before 6.1 return handles.
            if isinstance(one, dict) and isinstance(one.get("pid"), int):
                used = _number((one.get("memory_usage") or {}).get("vram_mem"))
                memory[one["pid"]] = None if used is None else int(used)
        return [self.process(pid, used) for pid, used in sorted(memory.items())]

    def _query(self, call: Callable[..., Any], *arguments: object) -> Any:
        """Return what a call returns, None if it fails for this value only."""
        try:
            return call(*arguments)
        except self._smi.AmdSmiLibraryException as error:
            if "NOT_INIT" in str(error):
                raise  # the whole driver is gone
            return None


def _number(value: object) -> float | None:
    """Return a number, None for the text `N/A`."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
