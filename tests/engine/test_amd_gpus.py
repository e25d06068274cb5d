"""Tasks on AMD GPUs: recorded answers of the driver's package, real processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyruns_jupyter.engine.gpus import reservations
from pyruns_jupyter.engine.gpus.visibility import VARIABLES
from tests.amd_gpus import FakeAmdSmi, process, recorded
from tests.support import wait_until

from .support import Project
from .test_gpus import NOW, know_gpus, up, why

SHOW = "echo gpu:$ROCR_VISIBLE_DEVICES:$PYRUNS_ASSIGNED_GPUS:${CUDA_VISIBLE_DEVICES-unset}"
HOLD = f"{SHOW}; while [ ! -e go ]; do sleep 0.1; done\n"


@pytest.fixture(autouse=True)
def amd(fake_amdsmi: FakeAmdSmi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAmdSmi:
    """Two idle AMD GPUs that every scheduler of the test sees, and reservations of its own."""
    for name, value in fake_amdsmi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nonexistent")
    (tmp_path / "ledger").mkdir()
    monkeypatch.setenv(reservations.VARIABLE, str(tmp_path / "ledger"))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return fake_amdsmi


def test_each_task_sees_only_its_own_gpu(shell: Project, amd: FakeAmdSmi) -> None:
    shell.settings(NOW)
    know_gpus(shell)
    names = [shell.task(f"t{number}", HOLD) for number in range(3)]
    shell.submit(*names, jobs=3, gpus=1)
    up(shell, *names[:2])
    seen = sorted(shell.output(name).split(b"\n")[0] for name in names[:2])
    assert seen == [b"gpu:GPU-a1b2c3d4e5f60001:0:unset", b"gpu:GPU-a1b2c3d4e5f60002:1:unset"]
    wait_until(lambda: "GPU 1: reserved by" in why(shell))
    environment = shell.info("t0")["run_environments"][0]
    assert [gpu["name"] for gpu in environment["gpus"]] == ["AMD Instinct MI210"]
    assert environment["driver"] == "6.10.5"
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}


def test_what_others_use_is_respected(shell: Project, amd: FakeAmdSmi) -> None:
    amd.write([recorded(1, used=60_000, gpu_process_list=[process(os.getpid(), 59_000 << 20)])])
    shell.settings(NOW)
    shell.task("T", HOLD)
    shell.submit("T", gpus=1)
    wait_until(lambda: "GPU 0: 5.4 GiB of 8.0 GiB free; 57.6 GiB held by process" in why(shell))
    amd.write([recorded(1)])
    up(shell, "T")
    (shell.folder / "go").touch()
    assert shell.wait("T") == ["completed"]


def test_hidden_gpus_are_not_assigned(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0")
    shell.settings(NOW)
    shell.task("T", SHOW + "\n")
    shell.submit("T", gpus=1)
    assert shell.wait("T") == ["completed"]
    assert shell.output("T") == b"gpu:GPU-a1b2c3d4e5f60002:1:unset\n"
    shell.task("none", SHOW + "\n")
    shell.submit("none", gpus=0)
    assert shell.wait("none") == ["completed"]
    assert shell.output("none") == b"gpu:::\n"
