"""CPU and memory of the machine that runs the tests."""

from __future__ import annotations

import time

import psutil

from pyruns_jupyter.system.host import CpuMeter, memory


def test_cpu_load_is_that_of_the_time_between_two_questions() -> None:
    meter = CpuMeter()
    first = meter.read()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    busy = meter.read()
    assert 0 <= first["percent"] <= 100
    assert 0 < busy["percent"] <= 100
    assert busy["cores"] == psutil.cpu_count()
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
    found = memory()
    assert 0 < found["used"] < found["total"] == psutil.virtual_memory().total
