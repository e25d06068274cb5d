"""Requests while the GPUs of one driver are unknown: they wait, since more GPUs may exist than are seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.engine.gpus import reservations
from pyruns_jupyter.engine.gpus.admission import choose
from pyruns_jupyter.engine.gpus.request import GpuRequest
from pyruns_jupyter.engine.gpus.reservations import Refusal
from pyruns_jupyter.engine.queue.batches import Batch
from pyruns_jupyter.engine.queue.entries import ActiveBatch
from pyruns_jupyter.engine.queue.options import QueueOptions
from tests.amd_gpus import FakeAmdSmi
from tests.conftest import FakeNvml

from .test_visibility import NVIDIA, device

AMD = "GPU-a1b2c3d4e5f60001"
OUTAGE = "The NVIDIA driver cannot be used: Driver Not Loaded. Retrying."
NOT_LOADED = {"FAKE_NVML_INIT_ERROR": "9"}
REQUEST = """
import json, sys, time
from pathlib import Path
from pyruns_jupyter.engine.gpus.allocator import GpuAllocator
from pyruns_jupyter.engine.gpus.request import GpuRequest
from pyruns_jupyter.engine.queue.jobs import Job
job = Job(Path("project"), "w", "task", "attempt", "batch", {}, sys.executable)
count, *devices = json.loads(sys.argv[1])
request = GpuRequest(count=count, devices=tuple(devices), stable_seconds=0.0)
allocator = GpuAllocator()
while str(found := allocator.grant(job, request, 1)) == "Checking the GPUs.":
    time.sleep(0.02)
print(json.dumps([getattr(found, "is_final", None), str(found), getattr(found, "uuids", ())]))
allocator.close()
"""


@pytest.fixture
def environment(
    fake_nvml: FakeNvml, fake_amdsmi: FakeAmdSmi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Two GPUs of each vendor, for a process that starts with this environment."""
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    found = {**os.environ, **fake_amdsmi.environment, **fake_nvml.environment}
    return {**found, reservations.VARIABLE: str(ledger)}


def ask(environment: dict[str, str], count: int, *devices: str) -> tuple[bool | None, str, list[str]]:
    """Return for a request of GPUs whether it is refused for good, why, and which GPUs it gets."""
    words = [sys.executable, "-c", REQUEST, json.dumps([count, *devices])]
    output = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE).stdout
    is_final, why, uuids = json.loads(output)
    return is_final, why, uuids


def test_a_host_may_have_more_gpus_than_it_shows_during_an_outage(environment: dict[str, str]) -> None:
    is_final, why, _ = ask(environment, 5)
    assert (is_final, why) == (True, "A task needs 5 GPUs, but only 4 can be used here.")
    broken = {**environment, **NOT_LOADED}
    is_final, why, _ = ask(broken, 3)
    assert (is_final, why) == (False, f"{OUTAGE} A task needs 3 GPUs, but only 2 can be used here.")
    is_final, why, _ = ask(broken, 1, NVIDIA[0])
    assert is_final is False and why.startswith(OUTAGE)


def test_the_gpus_of_the_other_vendor_are_assigned_during_an_outage(environment: dict[str, str]) -> None:
    broken = {**environment, **NOT_LOADED}
    for words in ((), (AMD,)):
        _, why, uuids = ask(broken, 1, *words)
        assert uuids == [AMD], why
    # With the GPUs of NVIDIA it would be one of these.
    assert ask(broken, 1, "0")[:2] == (False, OUTAGE)


@pytest.mark.parametrize("count", [1, 2])
def test_a_gpu_that_does_not_respond_may_be_enough_later(count: int) -> None:
    lost: dict[str, Any] = {**device(1, ""), "memory_total": None, "memory_used": None}
    for devices in ("1", NVIDIA[1]), ():
        request = GpuRequest(count=count, devices=devices, memory=100 << 30)
        found = choose(request, [device(0, NVIDIA[0]), lost], [], {})
        assert isinstance(found, Refusal) and not found.is_final
        assert "GPU 1: the driver is not responding" in str(found)
    for word in NVIDIA[0], "0":  # the other one is not meant
        request = GpuRequest(count=count, devices=(word,), memory=100 << 30)
        found = choose(request, [device(0, NVIDIA[0]), {**lost, "uuid": NVIDIA[1]}], [], {})
        assert isinstance(found, Refusal) and found.is_final
    for word in "1:0", "MIG-0123":  # a slice of it
        found = choose(GpuRequest(devices=(word,)), [{**lost, "uuid": NVIDIA[1]}], [], {})
        assert isinstance(found, Refusal) and not found.is_final
    found = choose(GpuRequest(count=2), [device(0, NVIDIA[0])], [], {})
    assert isinstance(found, Refusal) and found.is_final


def test_a_batch_that_has_waited_for_long_is_not_cancelled_by_a_short_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    opened = ActiveBatch(Batch("b", "w", QueueOptions(), {}, "", ()))

    def refuse(after: float, *, is_final: bool, patience: float = 10_000.0) -> str:
        clock[0] += after
        opened.refuse("GPUs", "Why.", is_final=is_final, patience=patience, missing=0, holders={})
        return opened.given_up

    assert not refuse(0, is_final=False)
    assert not refuse(5000, is_final=True)
    assert not refuse(50, is_final=True)
    assert not refuse(50, is_final=False)
    assert not refuse(50, is_final=True)
    assert refuse(61, is_final=True).startswith("Cancelled after waiting")
    opened.given_up = ""
    assert refuse(0, is_final=False, patience=100.0)
