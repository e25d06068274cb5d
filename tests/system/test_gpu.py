"""GPUs through the real bindings and a fake driver library, in a process that starts with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.system import nvidia
from pyruns_jupyter.system.gpu import GpuReader
from pyruns_jupyter.system.gpu_driver import NO_DRIVER
from tests.conftest import FakeGpu, FakeNvml

READ = """
import json
from pyruns_jupyter.system.gpu import GpuReader
reader = GpuReader()
reading = reader.read()
reader.close()
reader.close()
print(json.dumps({"state": reading.state, "message": reading.message, "gpus": reading.gpus}))
"""


def python(code: str, environment: Mapping[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_gpus_with_processes(fake_nvml: FakeNvml, tmp_path: Path) -> None:
    task = tmp_path / "_pyruns_" / "train" / "tasks" / "lr=0.1"
    worker = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYRUNS_TASK_DIR": str(task)},
    )
    try:
        nobody = 4194304 + 1  # above the largest pid Linux gives
        fake_nvml.write(
            [
                FakeGpu(
                    name="Big",
                    total=1000,
                    used=400,
                    load=73,
                    temperature=55,
                    power=250_500,
                    processes=((worker.pid, 300), (nobody, 7)),
                ),
                FakeGpu(name="Idle"),
            ]
        )
        seen = python(READ, fake_nvml.environment)
    finally:
        worker.communicate(b"\n")
    assert seen["state"] == "ok"
    assert seen["message"] is None
    big, idle = seen["gpus"]
    mib = 1 << 20
    assert big == {
        "index": 0,
        "uuid": "GPU-fa4e0000-0000-0000-0000-000000000000",
        "name": "Big",
        "load": 73.0,
        "memory_used": 400 * mib,
        "memory_total": 1000 * mib,
        "temperature": 55.0,
        "power": 250.5,
        "power_limit": 300.0,
        "clock": 345 + 16 * 73,
        "memory_clock": 2619,
        "mig": [],
        "processes": big["processes"],
    }
    known, unknown = big["processes"]
    assert known["pid"] == worker.pid
    assert known["memory"] == 300 * mib
    assert known["user"]
    assert known["command"].endswith("-c input()")
    assert known["task"] == "lr=0.1"
    assert (unknown.pop("pid"), unknown.pop("memory")) == (nobody, 7 * mib)
    assert set(unknown.values()) == {None}
    assert idle["name"] == "Idle"
    assert idle["processes"] == []


def test_a_divided_gpu(fake_nvml: FakeNvml) -> None:
    part = FakeGpu(name="MIG 2g.20gb", total=20480, used=100, processes=((os.getpid(), 90),))
    fake_nvml.write([FakeGpu(name="A100"), part, FakeGpu(name="Plain")])
    divided, plain = python(READ, fake_nvml.environment)["gpus"]
    assert plain["mig"] == []
    (found,) = divided["mig"]
    assert (found["index"], found["name"]) == (0, "MIG 2g.20gb")
    assert found["uuid"].startswith("MIG-")
    assert (found["memory_used"], found["memory_total"]) == (100 << 20, 20480 << 20)
    assert [process["pid"] for process in found["processes"]] == [os.getpid()]


def test_the_notebook_of_a_process(fake_nvml: FakeNvml) -> None:
    """Jupyter servers name the notebook in a kernel's environment, which what it starts inherits."""
    kernel = "0f8fad5b-d9cb-469f-a165-70867728950e"
    environment = {**os.environ, "JPY_SESSION_NAME": "/home/me/train.ipynb"}
    words = [sys.executable, "-c", "input()", "-f", f"/run/kernel-{kernel}.json"]
    processes = [
        subprocess.Popen(words, stdin=subprocess.PIPE, env=environment),
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment),
    ]
    try:
        fake_nvml.write([FakeGpu(processes=tuple((one.pid, 5) for one in processes))])
        (gpu,) = python(READ, fake_nvml.environment)["gpus"]
    finally:
        for one in processes:
            one.communicate(b"\n")
    told = {process["pid"]: (process["notebook"], process["kernel"]) for process in gpu["processes"]}
    assert told == {
        processes[0].pid: ("/home/me/train.ipynb", kernel),
        processes[1].pid: ("/home/me/train.ipynb", None),
    }


def test_a_query_the_driver_lacks_is_null(fake_nvml: FakeNvml) -> None:
    """As on a GPU cut into slices, which has no load of its own."""
    code = """
import pynvml
def refuse(handle):
    raise pynvml.NVMLError_NotSupported
pynvml.nvmlDeviceGetUtilizationRates = refuse
pynvml.nvmlDeviceGetPowerUsage = refuse
"""
    seen = python(code + READ, fake_nvml.environment)
    assert seen["state"] == "ok"
    assert [one["load"] for one in seen["gpus"]] == [None, None]
    assert seen["gpus"][0]["power"] is None
    assert seen["gpus"][0]["memory_total"] == 81920 << 20


def test_no_driver() -> None:
    seen = python(READ, {"LD_LIBRARY_PATH": "/nonexistent"})
    if seen["state"] == "ok":
        pytest.skip("this machine has a real GPU")
    assert seen == {"state": "none", "message": NO_DRIVER, "gpus": []}


def test_a_driver_without_gpus(fake_nvml: FakeNvml) -> None:
    fake_nvml.write([])
    assert python(READ, fake_nvml.environment) == {"state": "none", "message": nvidia.NO_DEVICE, "gpus": []}


def test_a_driver_that_cannot_start(fake_nvml: FakeNvml) -> None:
    seen = python(READ, {**fake_nvml.environment, "FAKE_NVML_INIT_ERROR": "9"})
    assert seen == {
        "state": "error",
        "message": "The NVIDIA driver cannot be used: Driver Not Loaded.",
        "gpus": [],
    }


def test_a_driver_that_fails_is_tried_again_with_growing_pauses(fake_nvml: FakeNvml) -> None:
    code = """
import ctypes, json, pynvml
from pyruns_jupyter.system.gpu import GpuReader
now, tries = [0.0], []
reader = GpuReader(clock=lambda: now[0])
start = pynvml.nvmlInit
libc = ctypes.CDLL(None)
def counted():
    tries.append(now[0])
    start()
pynvml.nvmlInit = counted
states = [reader.read().state]
pynvml.nvmlShutdown()                                  # somebody pulls the driver away below us
libc.setenv(b"FAKE_NVML_INIT_ERROR", b"15", 1)
broken = reader.read()
states.append(broken.state)
for second in range(1, 40):
    now[0] = float(second)
    states.append(reader.read().state)
libc.unsetenv(b"FAKE_NVML_INIT_ERROR")
now[0] = 100.0
back = reader.read()
print(json.dumps({"states": states, "tries": tries, "broken": broken.message,
                  "back": [back.state, len(back.gpus)]}))
"""
    seen = python(code, fake_nvml.environment)
    assert seen["states"][0] == "ok"
    assert set(seen["states"][1:]) == {"error"}
    assert seen["broken"] == "The NVIDIA driver stopped responding: Uninitialized."
    assert seen["tries"] == [0.0, 5.0, 15.0, 35.0, 100.0]
    assert seen["back"] == ["ok", 2]


def test_nothing_is_loaded_at_import() -> None:
    code = """
import json, sys
import pyruns_jupyter.system.sampler
from pyruns_jupyter.system.gpu import GpuReader
GpuReader()
print(json.dumps("pynvml" in sys.modules or "amdsmi" in sys.modules))
"""
    assert python(code, {}) is False


def test_the_reader_of_this_machine_never_raises() -> None:
    reader = GpuReader()
    reading = reader.read()
    reader.close()
    assert reading.state in ("ok", "none", "error")
    assert (reading.message is None) == (reading.state == "ok")
