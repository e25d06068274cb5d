"""A stand-in for AMD's package `amdsmi`, which answers with what a test recorded in a file.

Functions, enumerations, keys and errors are those of the documentation of ROCm 6.3 to 7.2
(https://rocm.docs.amd.com/projects/amdsmi/en/docs-7.2.3/reference/amdsmi-py-api.html) and of
`py-interface/amdsmi_interface.py` in https://github.com/ROCm/amdsmi. `tests/system/test_amd.py` compares them
with the real package where it is installed.

`FAKE_AMDSMI_STATE` names a JSON file: a list of GPUs, each a mapping of the names of functions to what they
return, or to `{"error": NAME_OF_A_STATUS}`; or the name of a status with which `amdsmi_init` fails.
"""

from __future__ import annotations

import json
import os
from enum import IntEnum
from pathlib import Path
from typing import Any


class AmdSmiInitFlags(IntEnum):
    INIT_AMD_GPUS = 2


class AmdSmiClkType(IntEnum):
    SYS = 0
    GFX = 0  # the same
    MEM = 4


class AmdSmiTemperatureType(IntEnum):
    EDGE = 0
    HOTSPOT = 1
    JUNCTION = 1
    VRAM = 2


class AmdSmiTemperatureMetric(IntEnum):
    CURRENT = 0


class AmdSmiException(Exception):
    pass


class AmdSmiLibraryException(AmdSmiException):
    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.err_info = f"AMDSMI_STATUS_{status} - Recorded"

    def __str__(self) -> str:
        return f"Error code:\n\t1 | {self.err_info}"


class _Handle(int):
    pass


_is_open = False


def _state() -> Any:
    return json.loads(Path(os.environ["FAKE_AMDSMI_STATE"]).read_text())


def amdsmi_init(flag: AmdSmiInitFlags = AmdSmiInitFlags.INIT_AMD_GPUS) -> None:
    global _is_open
    assert isinstance(flag, AmdSmiInitFlags)
    if isinstance(state := _state(), str):
        raise AmdSmiLibraryException(state)
    _is_open = True


def amdsmi_shut_down() -> None:
    global _is_open
    _check()
    _is_open = False


def amdsmi_get_processor_handles() -> list[_Handle]:
    return [_Handle(index) for index in range(len(_check()))]


def amdsmi_get_gpu_asic_info(handle: _Handle) -> Any:
    return _answer("amdsmi_get_gpu_asic_info", handle)


def amdsmi_get_gpu_driver_info(handle: _Handle) -> Any:
    return _answer("amdsmi_get_gpu_driver_info", handle)


def amdsmi_get_gpu_vram_usage(handle: _Handle) -> Any:
    return _answer("amdsmi_get_gpu_vram_usage", handle)


def amdsmi_get_gpu_activity(handle: _Handle) -> Any:
    return _answer("amdsmi_get_gpu_activity", handle)


def amdsmi_get_power_info(handle: _Handle) -> Any:
    return _answer("amdsmi_get_power_info", handle)


def amdsmi_get_power_cap_info(handle: _Handle) -> Any:
    return _answer("amdsmi_get_power_cap_info", handle)


def amdsmi_get_clock_info(handle: _Handle, clock: AmdSmiClkType) -> Any:
    assert isinstance(clock, AmdSmiClkType)
    found = _answer("amdsmi_get_clock_info", handle)
    return found[clock.name] if "MEM" in found else found


def amdsmi_get_temp_metric(
    handle: _Handle, sensor: AmdSmiTemperatureType, metric: AmdSmiTemperatureMetric
) -> Any:
    assert isinstance(sensor, AmdSmiTemperatureType)
    assert isinstance(metric, AmdSmiTemperatureMetric)
    return _answer("amdsmi_get_temp_metric", handle)


def amdsmi_get_gpu_process_list(handle: _Handle) -> Any:
    return _answer("amdsmi_get_gpu_process_list", handle)


def _check() -> Any:
    state = _state()
    if not _is_open or isinstance(state, str):
        raise AmdSmiLibraryException("NOT_INIT")
    return state


def _answer(function: str, handle: _Handle) -> Any:
    assert isinstance(handle, _Handle)
    found = _check()[handle][function]
    if isinstance(found, dict) and "error" in found:
        raise AmdSmiLibraryException(found["error"])
    return found
