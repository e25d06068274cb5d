"""AMD GPUs through recorded answers of the package `amdsmi`, and through the real one where it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.system import amd
from pyruns_jupyter.system.gpu_driver import NO_DRIVER
from pyruns_jupyter.system.processes import ProcessTable
from tests.amd_gpus import FakeAmdSmi, process, recorded
from tests.conftest import FakeGpu, FakeNvml

READ = """
import json, sys
from pyruns_jupyter.system.gpu import GpuReader
reader = GpuReader()
readings = [reader.read(indices) for indices in json.loads(sys.argv[1])]
found = [{"state": one.state, "message": one.message, "gpus": one.gpus} for one in readings]
print(json.dumps([reader.driver(), *found]))
reader.close()
"""
WITHOUT_NVIDIA = {"LD_LIBRARY_PATH": "/nonexistent"}
UNSUPPORTED = {"error": "NOT_SUPPORTED"}


def python(code: str, environment: Mapping[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, **WITHOUT_NVIDIA, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read(fake: FakeAmdSmi, **more: str) -> dict[str, Any]:
    """Return the first reading of all GPUs."""
    found: dict[str, Any] = python(READ, {**fake.environment, **more}, "[null]")[1]
    return found


def test_all_values_of_a_gpu(fake_amdsmi: FakeAmdSmi) -> None:
    me, nobody = os.getpid(), 4194304 + 1
    busy = recorded(
        0x1F,
        used=1000,
        gpu_activity={"gfx_activity": 97, "umc_activity": 60, "mm_activity": "N/A"},
        gpu_process_list=[process(me, 700 << 20), process(nobody, 0)],
    )
    fake_amdsmi.write([recorded(0xA1B2C3D4E5F60001), busy])
    driver, found = python(READ, fake_amdsmi.environment, "[null]")
    assert driver == "6.10.5"
    assert (found["state"], found["message"]) == ("ok", None)
    idle, second = found["gpus"]
    assert idle == {
        "index": 0,
        "uuid": "GPU-a1b2c3d4e5f60001",
        "name": "AMD Instinct MI210",
        "load": 0.0,
        "memory_used": 300 << 20,
        "memory_total": 65520 << 20,
        "temperature": 38.0,
        "power": 41.0,
        "power_limit": 300.0,
        "clock": 800,
        "memory_clock": 1600,
        "processes": [],
        "mig": [],
    }
    assert (second["index"], second["uuid"], second["load"]) == (1, "GPU-000000000000001f", 97.0)
    ours, other = second["processes"]
    assert (ours["pid"], ours["memory"]) == (me, 700 << 20)
    assert ours["user"] and ours["command"]
    assert (other["pid"], other["memory"], other["user"]) == (nobody, 0, None)


def test_values_that_a_gpu_does_not_have_are_null(fake_amdsmi: FakeAmdSmi) -> None:
    missing: dict[str, Any] = dict.fromkeys(
        ("gpu_vram_usage", "power_cap_info", "clock_info", "temp_metric", "gpu_process_list"), UNSUPPORTED
    )
    nothing = {"current_socket_power": "N/A", "average_socket_power": "N/A", "power_limit": "N/A"}
    activity = {"gfx_activity": "N/A", "umc_activity": "N/A", "mm_activity": "N/A"}
    fake_amdsmi.write([recorded(1, power_info=nothing, gpu_activity=activity, **missing)])
    (gpu,) = read(fake_amdsmi)["gpus"]
    known = {"index", "uuid", "name", "processes", "mig"}
    assert {key for key, value in gpu.items() if value is not None} == known
    assert gpu["processes"] == []


@pytest.mark.parametrize(
    ("changed", "key", "value"),
    [
        ({"temp_metric": 38000}, "temperature", 38.0),  # the documented unit, which 6.3 does not return
        ({"power_info": {"current_socket_power": 140, "average_socket_power": "N/A"}}, "power", 140.0),
        ({"power_info": {"socket_power": 150, "average_socket_power": 0}}, "power", 150.0),
        ({"clock_info": {"cur_clk": 1200}}, "clock", 1200),  # releases before 6.0
    ],
)
def test_other_releases(fake_amdsmi: FakeAmdSmi, changed: dict[str, Any], key: str, value: float) -> None:
    fake_amdsmi.write([recorded(1, **changed)])
    (gpu,) = read(fake_amdsmi)["gpus"]
    assert gpu[key] == value


@pytest.mark.parametrize("serial", ["N/A", "", "0x0000000000000000", "not a number"])
def test_a_gpu_without_a_serial_number_has_no_uuid(fake_amdsmi: FakeAmdSmi, serial: str) -> None:
    info = {"market_name": "N/A", "asic_serial": serial}
    fake_amdsmi.write([recorded(1, gpu_asic_info=info), recorded(2, gpu_asic_info=UNSUPPORTED)])
    assert [(gpu["uuid"], gpu["name"]) for gpu in read(fake_amdsmi)["gpus"]] == [("", "AMD GPU")] * 2


def test_the_partitions_of_a_gpu_have_no_uuid_of_their_own(fake_amdsmi: FakeAmdSmi) -> None:
    fake_amdsmi.write([recorded(7), recorded(7), recorded(8)])
    assert [gpu["uuid"] for gpu in read(fake_amdsmi)["gpus"]] == ["", "", "GPU-0000000000000008"]


def test_gpus_of_both_vendors_are_counted_together(fake_amdsmi: FakeAmdSmi, fake_nvml: FakeNvml) -> None:
    fake_nvml.write([FakeGpu(name="Green"), FakeGpu(name="Greener")])
    both = {**fake_amdsmi.environment, **fake_nvml.environment}
    _, every, last, first, mixed, gone = python(READ, both, "[null, [3], [0], [1, 2], [9]]")
    assert [(gpu["index"], gpu["name"]) for gpu in every["gpus"]] == [
        (0, "Green"),
        (1, "Greener"),
        (2, "AMD Instinct MI210"),
        (3, "AMD Instinct MI210"),
    ]
    assert [gpu["uuid"] for gpu in last["gpus"]] == ["GPU-a1b2c3d4e5f60002"]
    assert [gpu["name"] for gpu in first["gpus"]] == ["Green"]
    assert [gpu["index"] for gpu in mixed["gpus"]] == [1, 2]
    assert gone == {
        "state": "error",
        "message": "The AMD driver stopped responding: GPU 7 is gone.",
        "gpus": [],
    }


def test_one_driver_that_fails_does_not_hide_the_gpus_of_the_other(
    fake_amdsmi: FakeAmdSmi, fake_nvml: FakeNvml
) -> None:
    both = {**fake_amdsmi.environment, **fake_nvml.environment}
    fake_amdsmi.write("BUSY")
    assert [gpu["name"] for gpu in python(READ, both, "[null]")[1]["gpus"]] == ["Fake GPU 0", "Fake GPU 1"]
    found = python(READ, {**fake_amdsmi.environment}, "[null]")[1]
    assert found["state"] == "error"
    assert found["message"] == (
        "The AMD driver cannot be used: Error code: 1 | AMDSMI_STATUS_BUSY - Recorded."
    )


def test_the_package_without_the_driver(fake_amdsmi: FakeAmdSmi) -> None:
    fake_amdsmi.write("DRIVER_NOT_LOADED")
    assert read(fake_amdsmi) == {"state": "none", "message": NO_DRIVER, "gpus": []}
    fake_amdsmi.write([])
    assert read(fake_amdsmi) == {"state": "none", "message": amd.NO_DEVICE, "gpus": []}


def test_the_driver_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "amdsmi", None)
    reader = amd.AmdReader(ProcessTable())
    monkeypatch.setattr(amd, "_DEVICE", str(tmp_path / "no device"))
    assert reader.read().message == NO_DRIVER
    monkeypatch.setattr(amd, "_DEVICE", str(tmp_path))
    assert amd.AmdReader(ProcessTable()).read().message == amd.NO_BINDINGS


@pytest.mark.parametrize("has_device", [False, True])
def test_the_package_without_its_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], has_device: bool
) -> None:
    """The package prints something and raises a KeyError then."""
    (tmp_path / "amdsmi.py").write_text("print('Unable to find it')\n{}['libamd_smi.so']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "amdsmi", raising=False)
    monkeypatch.setattr(amd, "_DEVICE", str(tmp_path if has_device else tmp_path / "no device"))
    found = amd.AmdReader(ProcessTable()).read()
    problem = ("error", "The AMD driver cannot be used: 'libamd_smi.so'.")
    assert (found.state, found.message) == (problem if has_device else ("none", NO_DRIVER))
    assert capfd.readouterr() == ("", "")


def test_a_driver_that_stops_is_opened_again(fake_amdsmi: FakeAmdSmi) -> None:
    code = """
import json, os, amdsmi
from pyruns_jupyter.system.gpu import GpuReader
now = [0.0]
reader = GpuReader(clock=lambda: now[0])
found = [reader.read()]
amdsmi.amdsmi_shut_down()
for now[0] in (1.0, 2.0, 100.0):
    found.append(reader.read())
print(json.dumps([[one.state, one.message, len(one.gpus)] for one in found]))
"""
    failed = [
        "error",
        "The AMD driver stopped responding: Error code: 1 | AMDSMI_STATUS_NOT_INIT - Recorded.",
        0,
    ]
    assert python(code, fake_amdsmi.environment) == [["ok", None, 2], failed, failed, ["ok", None, 2]]


def test_a_host_with_amd_gpus_has_gpus(fake_amdsmi: FakeAmdSmi) -> None:
    code = (
        "import json; from pyruns_jupyter.system.gpu_detection import has_gpus; print(json.dumps(has_gpus()))"
    )
    assert python(code, fake_amdsmi.environment) is True
    fake_amdsmi.write([])
    assert python(code, fake_amdsmi.environment) is False


def test_the_real_package() -> None:
    """The real package has what the reader calls and the stand-in has, and reads the GPUs of this host."""
    try:
        import amdsmi as real
    except Exception as error:  # noqa: BLE001 - without ROCm it raises a KeyError
        pytest.skip(f"the package amdsmi cannot be used here: {error}")
    answers = recorded(1)
    for name in ("amdsmi_init", "amdsmi_shut_down", "amdsmi_get_processor_handles", *answers):
        assert callable(getattr(real, name))
    for names, kind in {
        ("INIT_AMD_GPUS",): real.AmdSmiInitFlags,
        ("GFX", "MEM"): real.AmdSmiClkType,
        ("JUNCTION",): real.AmdSmiTemperatureType,
        ("CURRENT",): real.AmdSmiTemperatureMetric,
    }.items():
        assert all(hasattr(kind, name) for name in names)
    reader = amd.AmdReader(ProcessTable())
    found = reader.read()
    if found.state != "ok":
        pytest.skip(f"no AMD GPU here: {found.message}")
    try:
        for handle, gpu in zip(real.amdsmi_get_processor_handles(), found.gpus, strict=True):
            assert set(answers["amdsmi_get_gpu_vram_usage"]) <= set(real.amdsmi_get_gpu_vram_usage(handle))
            assert "asic_serial" in real.amdsmi_get_gpu_asic_info(handle)
            assert 0 <= (gpu["memory_used"] or 0) <= (gpu["memory_total"] or 0)
            assert gpu["temperature"] is None or 0 < gpu["temperature"] < 150
            assert gpu["power"] is None or 0 < gpu["power"] < 2000
    finally:
        reader.close()
