"""The system metrics of runs: real processes that use CPU, memory and disk, and GPUs of a fake driver."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.metrics.system_metrics import (
    MAX_LINES,
    gpu_hours,
    read_system,
    stored_summary,
    summary_of,
)
from pyruns_jupyter.core.taskfile.runs import latest
from pyruns_jupyter.engine.gpus import reservations
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import ensure_running
from pyruns_jupyter.engine.run import system_sampling
from pyruns_jupyter.engine.run.system_sampling import SystemSampling
from tests.conftest import FakeGpu, FakeNvml
from tests.support import ROOT, wait_until

from .support import Project

SAMPLING_TIMEOUT = 150.0  # s: after a sample that took 0.1 s, there is none for 20 s
MEBIBYTES = 200
# Two processes, one of which uses a core and writes; both exist until `go` exists.
WORK = f"""
import os, sys, time
block = bytearray(os.urandom(1024)) * 1024 * {MEBIBYTES}
if os.fork() == 0:
    with open("data", "wb") as stream:
        while not os.path.exists("go"):
            stream.write(block[: 1 << 20])
            stream.seek(0)
            os.fsync(stream.fileno())
    os._exit(0)
while not os.path.exists("go"):
    sum(range(1000))
os.wait()
"""


def lines(project: Project, name: str) -> list[dict[str, Any]]:
    path = project.paths(name).system(1)
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def samples(project: Project, name: str) -> list[dict[str, Any]]:
    return [line for line in lines(project, name) if "t" in line]


def peaks(project: Project, name: str) -> dict[str, float]:
    values = read_system(project.paths(name).system(1)).values
    return {key: max(one for one in column if one is not None) for key, column in values.items()}


def test_cpu_memory_and_disk_of_all_processes(shell: Project) -> None:
    (shell.folder / "work.py").write_text(WORK)
    name = shell.task("t", f"{sys.executable} work.py\n")
    shell.submit(name)

    def is_at_work() -> bool:
        peak = peaks(shell, name)
        return peak.get("memory_gib", 0) > MEBIBYTES / 1024 and peak["cpu_percent"] > 1

    wait_until(
        lambda: len(samples(shell, name)) > 2 and is_at_work(),
        SAMPLING_TIMEOUT,
        lambda: str(lines(shell, name)),
    )
    (shell.folder / "go").touch()
    assert shell.wait(name) == ["completed"]
    found = read_system(shell.paths(name).system(1))
    assert found.began is not None
    assert abs(found.began - (latest(shell.info(name)).started_at or 0)) < 30  # type: ignore[union-attr]
    peak = peaks(shell, name)
    assert peak["cpu_percent"] > 1
    assert peak["memory_gib"] > MEBIBYTES / 1024
    assert peak["processes"] >= 2
    assert set(peak) >= {"disk_read_mib_per_second", "disk_write_mib_per_second"}
    assert not any(key.startswith("gpu") for key in peak)
    summary = stored_summary(shell.info(name), 1)
    assert summary["memory_gib_max"] == peak["memory_gib"]
    assert 0 < summary["cpu_percent"] <= summary["cpu_percent_max"]
    assert "energy_kwh" not in summary


def test_a_short_run_is_not_sampled(shell: Project) -> None:
    name = shell.task("t", "true\n")
    shell.submit(name)
    assert shell.wait(name) == ["completed"]
    run = latest(shell.info(name))
    assert run is not None and run.duration is not None
    if run.duration < 1:  # else the machine stood still, and it was no short run
        assert not shell.paths(name).system(1).exists()
        assert "system" not in shell.info(name).get("pyruns_jupyter", {})


def test_the_setting_switches_it_off(shell: Project) -> None:
    shell.settings("system_metrics: false\n")
    name = shell.task("t", "sleep 2.2\n")
    shell.submit(name)
    assert shell.wait(name) == ["completed"]
    assert not shell.paths(name).system(1).exists()


def test_the_summary_of_a_run_whose_supervisor_was_killed(shell: Project) -> None:
    name = shell.task("t", "while [ ! -e go ]; do sleep 0.1; done\n")
    shell.submit(name)
    wait_until(lambda: len(samples(shell, name)) > 1, SAMPLING_TIMEOUT)
    os.kill(shell.supervisor_pid(name), signal.SIGKILL)
    ensure_running(shell.root)
    assert shell.wait(name) == ["failed"]
    assert stored_summary(shell.info(name), 1)["seconds"] > 0.5


@pytest.fixture
def nvml(fake_nvml: FakeNvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "ledger").mkdir()
    monkeypatch.setenv(reservations.VARIABLE, str(tmp_path / "ledger"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake_nvml


@pytest.mark.usefixtures("nvml")
def test_the_gpus_of_a_run_also_without_a_scheduler(shell: Project, nvml: FakeNvml) -> None:
    idle = FakeGpu(name="Fake", total=10240, used=0, power=50_000)
    nvml.write([idle, idle])
    shell.settings("gpu_scheduler_stable_seconds: 0\n")
    name = shell.task("t", "while [ ! -e go ]; do sleep 0.1; done\n")
    shell.submit(name, gpus=1)
    mine = wait_until(lambda: shell.info(name).get("run_environments", [{}])[0].get("assigned_gpu_ids"))
    shell.kill_scheduler()
    pid = shell.pid(name)
    busy = FakeGpu(
        name="Fake",
        total=10240,
        used=4096,
        load=80,
        power=300_000,
        temperature=70,
        processes=((pid, 2048),),
    )
    nvml.write([busy if number == mine[0] else idle for number in range(2)])
    wait_until(
        lambda: sum(one.get("gpu0_power_watts") == 300 for one in samples(shell, name)) > 1,
        SAMPLING_TIMEOUT,
        lambda: str(lines(shell, name)),
    )
    last = samples(shell, name)[-1]
    assert last["gpu0_utilization_percent"] == 80
    assert last["gpu0_temperature_celsius"] == 70
    assert last["gpu0_memory_gib"] == 2  # of the process, not of the whole GPU
    assert not any(key.startswith("gpu1") for key in last)
    (shell.folder / "go").touch()
    ensure_running(shell.root)
    assert shell.wait(name) == ["completed"]
    summary = stored_summary(shell.info(name), 1)
    assert summary["gpu_count"] == 1
    assert summary["energy_kwh"] > 0
    run = latest(shell.info(name))
    assert run is not None
    assert run.duration is not None
    assert gpu_hours(run) == pytest.approx(run.duration / 3600, rel=1e-3)


# Samples this process, as the supervisor of a job on a cluster, until its file has a text that many times.
PROBE = """
import sys, time
from pathlib import Path
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.run.system_sampling import SystemSampling

folder, visible, text, count = Path(sys.argv[1]), *sys.argv[2:]
job = Job(folder, "w", "t", "a" * 32, "b", {}, sys.executable, cluster_job="7")
paths = TaskPaths(folder)
paths.run_logs.mkdir()
sampling = SystemSampling(job, lambda: paths, 1, visible)
while not paths.system(1).exists() or paths.system(1).read_text().count(text) < int(count):
    sampling.beat(time.monotonic())
    time.sleep(0.02)
sampling.finish()
"""


def sampled_in_a_job(folder: Path, visible: str, text: str, count: int) -> dict[str, list[float | None]]:
    words = [sys.executable, "-c", PROBE, str(folder), visible, text, str(count)]
    subprocess.run(words, cwd=ROOT, check=True, timeout=SAMPLING_TIMEOUT)
    return read_system(folder / "run_logs" / "run1.system.jsonl").values


def test_the_gpus_of_a_job_on_a_cluster(tmp_path: Path, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(name="A", load=number, power=1000 * number) for number in range(3)])
    found = sampled_in_a_job(tmp_path, "2,1", "gpu0_power", 1)
    assert (found["gpu0_utilization_percent"][-1], found["gpu1_utilization_percent"][-1]) == (2, 1)
    assert (found["gpu0_power_watts"][-1], found["gpu1_power_watts"][-1]) == (2, 1)
    assert "gpu2_power_watts" not in found


def test_a_driver_that_hangs_delays_nothing(tmp_path: Path, nvml: FakeNvml) -> None:
    nvml.state.unlink()
    os.mkfifo(nvml.state)  # the driver waits for a writer
    found = sampled_in_a_job(tmp_path, "0", "cpu_percent", 3)
    assert not any(name.startswith("gpu") for name in found)


def test_no_gpus_are_visible_in_a_job(tmp_path: Path, nvml: FakeNvml) -> None:
    found = sampled_in_a_job(tmp_path, "", "cpu_percent", 2)
    assert not any(name.startswith("gpu") for name in found)


def sampled(project: Project, name: str, seconds: float, step: float = 1.0) -> SystemSampling:
    """Sample a task for `seconds` of an injected clock."""
    job = Job(project.root, "_shell_", name, "a" * 32, "b", {}, sys.executable)
    project.paths(name).run_logs.mkdir(exist_ok=True)
    sampling = SystemSampling(job, lambda: project.paths(name), 1, now=0.0)
    now = 0.0
    while now < seconds:
        now = max(now + step, sampling.due)
        sampling.beat(now)
    sampling.finish()
    return sampling


def test_a_long_run_has_a_bounded_file(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # Here a sample that the machine made slow does not put the next one off.
    monkeypatch.setattr(system_sampling, "_SHARE", 0)
    name = shell.task("t")
    sampled(shell, name, 40_000.0)
    path = shell.paths(name).system(1)
    found = read_system(path)
    assert MAX_LINES / 2 - 1 <= len(found.times) < MAX_LINES
    assert path.stat().st_size < 200_000
    assert found.times[-1] - (found.began or 0) == pytest.approx(40_000, rel=0.01)
    assert sum(found.spans()) == pytest.approx(40_000, rel=0.01)
    assert max(found.spans()) <= 4 * min(found.spans()[:-1])
    assert summary_of(found)["seconds"] == pytest.approx(40_000, rel=0.01)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_in_the_place_of_the_file_is_not_followed(shell: Project, tmp_path: Path, kind: str) -> None:
    name = shell.task("t")
    path = shell.paths(name).system(1)
    path.parent.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    sampled(shell, name, 5.0)
    assert victim.read_text() == "mine"
    assert path.is_dir() or read_system(path).times  # as many as the machine had time for


def test_the_cost_of_a_sample(shell: Project) -> None:
    """Sampling at the shortest interval takes less than 1 % of a core, here with few processes."""
    name = shell.task("t")
    before = psutil.Process().cpu_times()
    sampled(shell, name, 200.0)
    after = psutil.Process().cpu_times()
    assert after.user + after.system - before.user - before.system < 200 * 0.01
