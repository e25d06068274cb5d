"""CPU and memory of the machine that runs the tests."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.system import host
from pyruns_jupyter.system.host import CpuMeter, DiskMeter, MemoryMeter, NetworkMeter
from tests.support import wait_until


def test_cpu_load_is_that_of_the_time_between_two_questions() -> None:
    meter = CpuMeter()
    first = meter.read()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    busy = meter.read()
    assert 0 <= first["percent"] <= 100
    assert 0 < busy["percent"] <= 100
    assert 0 < busy["cores"] <= (psutil.cpu_count() or 1)
    assert len(busy["per_core"]) >= busy["cores"]
    assert max(busy["per_core"]) > 0
    assert busy["load"] is not None
    assert len(busy["load"]) == 3


def test_two_meters_do_not_disturb_each_other() -> None:
    one, two = CpuMeter(), CpuMeter()
    one.read(), two.read()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    assert one.read()["percent"] > 0
    assert two.read()["percent"] > 0


def test_memory() -> None:
    found = MemoryMeter().read()
    assert 0 < found["used"] < found["total"] <= psutil.virtual_memory().total


def test_network() -> None:
    meter = NetworkMeter()
    assert meter.read() is None
    time.sleep(0.05)
    found = meter.read()
    assert found is None or (found["received"] >= 0 and found["sent"] >= 0)


HEADER = "Inter-|   Receive |  Transmit\n face |bytes packets |bytes packets\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_odd_network_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alias has a colon in its name; a line that cannot be understood costs that reading."""
    devices = tmp_path / "dev"
    monkeypatch.setattr(host, "_DEVICES", str(devices))
    counts = " 0 0 0 0 0 0 0"
    devices.write_text(f"{HEADER}    lo: 9000{counts} 9000{counts}\neth0:1:5000{counts} 7000{counts}\n")
    meter = NetworkMeter()
    assert meter.read() is None
    devices.write_text(f"{HEADER}    lo: 99000{counts} 99000{counts}\neth0:1:6000{counts} 9000{counts}\n")
    found = meter.read()
    assert found is not None
    assert found["sent"] == pytest.approx(2 * found["received"], rel=0.01)
    for odd in ("eth0: many\n", "eth0:\n", "\n", f"eth0: x{counts} 1{counts}\n"):
        devices.write_text(HEADER + odd)
        assert meter.read() is None


def test_disk(tmp_path: Path) -> None:
    found = DiskMeter(tmp_path).read()
    assert found is not None
    assert 0 < found["used"] <= found["total"] == shutil.disk_usage(tmp_path).total
    assert DiskMeter(tmp_path / "missing").read() is None


def test_a_disk_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a server of files that is gone: nobody waits for it, and one thread asks."""
    answer = threading.Event()

    def hang(path: str) -> object:
        answer.wait()
        raise OSError

    monkeypatch.setattr(psutil, "disk_usage", hang)
    meter = DiskMeter(tmp_path)
    assert [meter.read() for _ in range(3)] == [None] * 3
    assert sum(thread.name == "pyruns-disk" for thread in threading.enumerate()) == 1
    answer.set()
    wait_until(lambda: not any(thread.name == "pyruns-disk" for thread in threading.enumerate()))
