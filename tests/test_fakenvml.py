"""The fake NVML library answers the real Python bindings, so that what the other tests see can be trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.conftest import FakeGpu, FakeNvml

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBE = """
import json
import pynvml as nvml

try:
    nvml.nvmlInit()
except nvml.NVMLError as error:
    print(json.dumps({"error": type(error).__name__}))
    raise SystemExit
devices = []
for index in range(nvml.nvmlDeviceGetCount()):
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    processes = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    devices.append({
        "name": nvml.nvmlDeviceGetName(handle),
        "used": nvml.nvmlDeviceGetMemoryInfo(handle).used >> 20,
        "total": nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2).total >> 20,
        "load": nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "temperature": nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "power": nvml.nvmlDeviceGetPowerUsage(handle),
        "processes": [[one.pid, one.usedGpuMemory >> 20] for one in processes],
    })
print(json.dumps(devices))
"""


def probe(environment: Mapping[str, str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_devices_are_what_was_written(fake_nvml: FakeNvml) -> None:
    fake_nvml.write([FakeGpu(name="One", used=7, load=33, processes=((12, 5), (13, 2))), FakeGpu(name="Two")])
    one, two = probe(fake_nvml.environment)
    assert one == {
        "name": "One",
        "used": 7,
        "total": 81920,
        "load": 33,
        "temperature": 40,
        "power": 100_000,
        "processes": [[12, 5], [13, 2]],
    }
    assert two["name"] == "Two"
    assert two["processes"] == []


def test_a_driver_that_is_not_loaded(fake_nvml: FakeNvml) -> None:
    assert probe({**fake_nvml.environment, "FAKE_NVML_INIT_ERROR": "9"}) == {
        "error": "NVMLError_DriverNotLoaded"
    }
