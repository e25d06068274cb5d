"""The usage of the processes of a run has to be that which other programs find."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.system import process_tree
from pyruns_jupyter.system.process_tree import ProcessTreeMeter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is measured with psutil")

# Uses CPU, itself and in a child that it waits for; its name looks like a part of `/proc/PID/stat`.
BUSY = """
import os, subprocess, sys, time

def burn():
    while time.process_time() < 0.3:
        pass

if sys.argv[1:]:
    burn()
else:
    with open("/proc/self/comm", "w") as stream:
        stream.write("a) R 1 (b")
    subprocess.run([sys.executable, *sys.orig_argv[1:], "child"], check=True)
    kept = b"x" * (64 << 20)
    with open("written", "wb") as stream:
        stream.write(kept[: 1 << 20])
        os.fsync(stream.fileno())
    burn()
    print("ready", flush=True)
    input()
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[tuple[ProcessTreeMeter, int]]:
    """A child that has used CPU and waits, and a meter that existed before it."""
    meter = ProcessTreeMeter()
    child = subprocess.Popen(
        [sys.executable, "-c", BUSY], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline().split() == [b"ready"]
    yield meter, child.pid
    child.communicate(b"\n")


def test_the_usage_is_that_of_psutil(busy: tuple[ProcessTreeMeter, int]) -> None:
    meter, pid = busy
    process = psutil.Process(pid)
    used, memory = process.cpu_times(), process.memory_info().rss
    found = meter.read([pid], 1.0)
    assert found["cpu_percent"] / 100 == pytest.approx(sum(used[:4]), abs=0.05)
    assert min(used.user + used.system, used.children_user + used.children_system) > 0.25
    assert found["memory_gib"] * 2**30 == pytest.approx(memory, rel=0.05)
    assert found["processes"] == 1
    counters = process.io_counters()
    assert found["disk_read_mib_per_second"] * 2**20 == pytest.approx(counters.read_bytes)
    assert found["disk_write_mib_per_second"] * 2**20 == pytest.approx(counters.write_bytes)


@pytest.mark.parametrize("words", [[b"S", *[b"odd"] * 40], [b"S"], []])
def test_an_odd_file_costs_one_process(
    busy: tuple[ProcessTreeMeter, int], monkeypatch: pytest.MonkeyPatch, words: list[bytes]
) -> None:
    meter, pid = busy
    actual = process_tree._kernel_words

    def odd(path: str) -> list[bytes]:
        return words if path == f"/proc/{os.getpid()}/stat" else actual(path)

    monkeypatch.setattr(process_tree, "_kernel_words", odd)
    found = meter.read([os.getpid(), pid], 1.0)
    assert found["processes"] == 1
    assert found["cpu_percent"] > 50
