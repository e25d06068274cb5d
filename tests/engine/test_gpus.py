"""Tasks that wait for GPUs: the real bindings, a fake driver library, real processes."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import Busy, InvalidInput, PyrunsError
from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE, runtime_folder
from pyruns_jupyter.core.tasks.row import read_row
from pyruns_jupyter.engine.client.batch_options import parse_options
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.engine.gpus import reservations
from pyruns_jupyter.engine.gpus.reservations import Reservation, Reservations
from pyruns_jupyter.engine.queue.launch import ensure_running, pause, resume, scheduler_alive
from pyruns_jupyter.engine.queue.status import read_queue
from tests.conftest import FakeGpu, FakeNvml
from tests.support import wait_until

from .conftest import MakeProject
from .support import Project

NOW = "gpu_scheduler_stable_seconds: 0\n"
HOLD = "echo gpu:$CUDA_VISIBLE_DEVICES:$PYRUNS_ASSIGNED_GPUS; while [ ! -e go ]; do sleep 0.1; done\n"


@pytest.fixture(autouse=True)
def nvml(fake_nvml: FakeNvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """Four idle GPUs that every scheduler of the test sees, and reservations of its own."""
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "ledger").mkdir()
    monkeypatch.setenv(reservations.VARIABLE, str(tmp_path / "ledger"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fake_nvml.write([FakeGpu(name="Fake A", total=10240, used=100) for _ in range(4)])
    return fake_nvml


def why(project: Project) -> str:
    return " ".join(batch.why for batch in read_queue(project.root).batches)


def indices(project: Project, name: str, run: int = 1) -> str:
    return project.output(name, run).split(b"\n")[0].split(b":", 2)[2].decode()


def living() -> list[Reservation]:
    with Reservations().guarded():
        return Reservations().living()


def up(project: Project, *names: str, run: int = 1) -> None:
    for name in names:
        project.wait_for_output(name, b"gpu:", run)


def tasks(project: Project, count: int, script: str = HOLD) -> list[str]:
    return [project.task(f"t{number}", script) for number in range(count)]


def know_gpus(project: Project) -> None:
    """Let the facts of the GPUs be stored, for which the first run of a project waits for a moment only."""
    project.submit(project.task("first", "true\n"), gpus=0)
    assert project.wait("first") == ["completed"]
    wait_until((project.engine.folder / "gpus.json").exists)


def test_an_urgent_task_takes_gpus_of_tasks_that_are_requeued(shell: Project) -> None:
    shell.settings(NOW)
    names = tasks(shell, 4)
    shell.submit(*names, jobs=4, gpus=1, resume=True)
    up(shell, *names)
    shell.task("urgent", HOLD)
    shell.submit("urgent", gpus=2, priority=1, preempt=True, gpu_devices=("1", "2", "3"))
    up(shell, "urgent")
    assert sorted(shell.status(name) for name in names) == ["queued", "queued", "running", "running"]
    assert shell.status("t0") == "running"
    (shell.folder / "go").touch()
    assert shell.wait("urgent", *names) == ["completed"] * 5


def test_an_urgent_task_takes_a_slice_of_the_gpu_that_it_names(shell: Project, nvml: FakeNvml) -> None:
    piece = FakeGpu(name="MIG 1g.10gb", total=9728, used=20)
    nvml.write([FakeGpu(name="Whole", used=50_000), piece, FakeGpu(total=10240, used=9000)])
    shell.settings(NOW)
    shell.task("low", HOLD)
    shell.submit("low", gpus=1, resume=True)
    up(shell, "low")
    shell.task("urgent", HOLD)
    shell.submit("urgent", gpus=1, priority=1, preempt=True, gpu_devices=("0",))
    up(shell, "urgent")
    assert indices(shell, "urgent") == "0:0"
    (shell.folder / "go").touch()
    assert shell.wait("urgent", "low") == ["completed", "completed"]


def test_a_run_of_an_earlier_scheduler_makes_room(shell: Project) -> None:
    shell.settings(NOW)
    names = tasks(shell, 4)
    shell.submit(*names, jobs=4, gpus=1, resume=True)
    up(shell, *names)
    shell.kill_scheduler()
    shell.task("urgent", HOLD)
    shell.submit("urgent", gpus=1, priority=1, preempt=True, gpu_devices=("2",))
    up(shell, "urgent")
    assert indices(shell, "urgent") == "2"
    assert sorted(shell.status(name) for name in names) == ["queued", "running", "running", "running"]
    (shell.folder / "go").touch()
    assert shell.wait("urgent", *names) == ["completed"] * 5


def test_free_gpus_count_and_tasks_of_others_are_not_stopped_in_vain(shell: Project) -> None:
    shell.settings(NOW + "max_jobs: 3\n")
    names = tasks(shell, 2)
    shell.submit(*names, jobs=2, gpus=1, resume=True)
    up(shell, *names)
    shell.task("many", HOLD)
    shell.submit("many", gpus=5, priority=1, preempt=True)  # more than this host has
    wait_until(lambda: "but only 4 can be used" in why(shell))
    assert [shell.status(name) for name in names] == ["running", "running"]
    cancel(shell.workspace, "many")
    shell.task("urgent", HOLD)
    shell.submit("urgent", gpus=3, priority=1, preempt=True)
    up(shell, "urgent")
    assert [shell.status(name) for name in names] == ["running", "queued"]
    (shell.folder / "go").touch()
    assert shell.wait("urgent", *names) == ["completed"] * 3


def test_each_task_gets_a_gpu_of_its_own_and_sees_no_other(shell: Project) -> None:
    shell.settings(NOW)
    know_gpus(shell)
    names = tasks(shell, 5)
    shell.submit(*names, jobs=5, gpus=1)
    up(shell, *names[:4])
    assert sorted(indices(shell, name) for name in names[:4]) == ["0", "1", "2", "3"]
    wait_until(lambda: "reserved by" in why(shell))
    for number in range(4):
        assert f"GPU {number}: reserved by _shell_/t" in why(shell)
    assert shell.status("t4") == "queued"
    environment = shell.info("t0")["run_environments"][0]
    assert environment["assigned_gpu_ids"] == [int(indices(shell, "t0"))]
    uuid = shell.output("t0").split(b":")[1].decode()
    assert environment["cuda_visible_devices"] == uuid
    assert uuid.startswith("GPU-")
    assert [gpu["uuid"] for gpu in environment["gpus"]] == [uuid]
    assert read_row(shell.paths("t0").folder)[0].gpus[:2] == (indices(shell, "t0"), uuid)
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}
    wait_until(lambda: living() == [], message=lambda: str(living()))  # a supervisor outlives its last word
    assert list(Reservations().folder.glob("*.json")) == []  # looking took away what the dead left


def test_tasks_with_gpus_are_limited_by_the_gpus_not_by_the_cores(shell: Project) -> None:
    allowed = os.sched_getaffinity(0)
    shell.settings(NOW)
    names = tasks(shell, 5)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        for name in names[:3]:
            shell.submit(name, gpus=1)
        up(shell, *names[:3])
        shell.submit(names[3], gpus=0)  # they take none of the places of others
        up(shell, names[3])
        shell.submit(names[4])
        wait_until(lambda: "Project limit reached: 1 of 1 task is running (max_jobs: auto" in why(shell))
    finally:
        os.sched_setaffinity(0, allowed)
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}


def test_a_folder_of_reservations_that_vanishes_is_made_anew(
    shell: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(reservations.VARIABLE)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "session"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "session").mkdir()
    shell.settings(NOW)
    names = tasks(shell, 2)
    shell.submit(names[0], gpus=1)
    up(shell, names[0])
    shutil.rmtree(tmp_path / "session")
    shutil.rmtree(runtime_folder())
    shell.submit(names[1], gpus=1)
    up(shell, names[1])
    (shell.folder / "go").touch()
    assert shell.wait(*names) == ["completed", "completed"]


def test_several_gpus_in_the_order_of_their_uuids(shell: Project) -> None:
    shell.settings(NOW)
    shell.task("three", HOLD)
    shell.task("two", HOLD)
    shell.submit("three", gpus=3)
    up(shell, "three")
    uuids = shell.output("three").split(b":")[1].split(b",")
    assert uuids == sorted(uuids)
    assert len(set(uuids)) == 3
    shell.submit("two", gpus=2)
    wait_until(lambda: why(shell).count("reserved by _shell_/three") == 3)
    (shell.folder / "go").touch()
    assert shell.wait("three", "two") == ["completed", "completed"]


def test_what_others_use_is_respected_also_at_no_load(shell: Project, nvml: FakeNvml) -> None:
    me = os.getpid()
    idle = FakeGpu(name="Fake A", total=10240, used=9000, load=0, processes=((me, 8900),))
    busy = FakeGpu(name="Fake A", total=10240, used=100, load=95)
    nvml.write([idle, busy])
    shell.settings(NOW)
    shell.task("T", HOLD)
    shell.submit("T", gpus=1)
    wait_until(lambda: "utilization 95 % (at most 30 %)" in why(shell))
    assert "GPU 0: 1.2 GiB of 8.0 GiB free; 8.7 GiB held by process" in why(shell)
    assert str(me) in why(shell)
    nvml.write([idle, FakeGpu(name="Fake A", total=10240, used=100, load=5)])
    up(shell, "T")
    assert indices(shell, "T") == "1"
    (shell.folder / "go").touch()


def test_a_gpu_has_to_stay_free_for_a_while(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=9000)])
    shell.settings("gpu_scheduler_stable_seconds: 600\n")
    shell.task("T", HOLD)
    shell.submit("T", gpus=1)
    wait_until(lambda: "GiB free" in why(shell))
    free_since = time.monotonic()
    nvml.write([FakeGpu(total=10240, used=100)])
    wait_until(lambda: "of 600 s" in why(shell))
    shell.settings("gpu_scheduler_stable_seconds: 2.5\n")
    up(shell, "T")
    assert time.monotonic() - free_since > 2.0
    (shell.folder / "go").touch()


def test_settings_give_gpus_to_tasks_that_do_not_ask(shell: Project, nvml: FakeNvml) -> None:
    shell.settings(f"{NOW}gpu_scheduler_enabled: true\ngpu_scheduler_device_ids: [2]\n")
    shell.task("one", HOLD)
    shell.task("none", "echo gpu:$CUDA_VISIBLE_DEVICES:none\n")
    shell.submit("one")
    up(shell, "one")
    assert indices(shell, "one") == "2"
    shell.submit("none", gpus=0)
    assert shell.wait("none") == ["completed"]
    assert shell.output("none") == b"gpu::none\n"
    shell.settings(
        f"{NOW}gpu_scheduler_enabled: true\ngpu_scheduler_selection_mode: specified\n"
        "gpu_scheduler_device_ids: [0, 3]\n"
    )
    shell.task("both", HOLD)
    shell.submit("both")
    up(shell, "both")
    assert sorted(indices(shell, "both").split(",")) == ["0", "3"]
    (shell.folder / "go").touch()


def test_the_servers_own_limits_hold(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    shell.settings(NOW)
    names = tasks(shell, 3)
    shell.submit(*names, jobs=3, gpus=1)
    up(shell, *names[:2])
    assert sorted(indices(shell, name) for name in names[:2]) == ["1", "3"]
    wait_until(lambda: "GPU 1: reserved" in why(shell))
    assert "GPU 0" not in why(shell)
    (shell.folder / "go").touch()
    shell.wait(*names)
    shell.task("too many", HOLD)
    shell.submit("too many", gpus=3)
    wait_until(
        lambda: (
            "A task needs 3 GPUs, but only 2 can be used here (CUDA_VISIBLE_DEVICES is '1,3')" in why(shell)
        )
    )
    cancel(shell.workspace, "too many")


def test_slices_are_devices(shell: Project, nvml: FakeNvml) -> None:
    piece = FakeGpu(name="MIG 1g.10gb", total=9728, used=20)
    nvml.write(
        [FakeGpu(name="Whole", total=81920, used=50_000), piece, piece, FakeGpu(total=10240, used=9000)]
    )
    shell.settings(NOW)
    names = tasks(shell, 3)
    shell.submit(*names, jobs=3, gpus=1)
    up(shell, *names[:2])
    assert sorted(indices(shell, name) for name in names[:2]) == ["0:0", "0:1"]
    uuids = {shell.output(name).split(b":")[1] for name in names[:2]}
    assert len(uuids) == 2
    assert all(uuid.startswith(b"MIG-") for uuid in uuids)
    wait_until(lambda: "GPU 0:0: reserved by" in why(shell))
    assert "GPU 1: 1.2 GiB of 8.0 GiB free" in why(shell)
    assert shell.info("t0")["run_environments"][0]["gpus"] == []
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}


def test_gpus_of_one_model(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(name=name, total=10240, used=100) for name in ("A", "B", "A", "C")])
    shell.settings(f"{NOW}gpu_scheduler_require_same_gpu_model: true\n")
    shell.task("two", HOLD)
    shell.task("three", HOLD)
    shell.submit("two", gpus=2)
    up(shell, "two")
    assert sorted(indices(shell, "two").split(",")) == ["0", "2"]
    shell.submit("three", gpus=3)
    wait_until(lambda: "of one model" in why(shell))
    (shell.folder / "go").touch()
    cancel(shell.workspace, "three")


def test_tasks_share_a_gpu_as_its_memory_allows(shell: Project, nvml: FakeNvml) -> None:
    """What a run will need is promised to it before it takes it, and is not counted twice after."""
    nvml.write([FakeGpu(total=10240, used=240)])
    shell.settings(NOW)
    names = tasks(shell, 4)
    shell.submit(*names, jobs=4, gpus=1, gpu_memory=3.0)
    up(shell, *names[:3])
    wait_until(lambda: "0.8 GiB of 3.0 GiB free" in why(shell))
    assert shell.status("t3") == "queued"
    # They take what they were promised: nothing changes for the fourth.
    pids = [shell.pid(name) for name in names[:3]]
    taken = tuple((pid, 3072) for pid in pids)
    nvml.write([FakeGpu(total=10240, used=240 + 3 * 3072, load=90, processes=taken)])
    time.sleep(2.5)
    wait_until(lambda: "0.8 GiB of 3.0 GiB free" in why(shell))
    # Whoever wants it whole waits for all of them.
    shell.task("whole", HOLD)
    shell.submit("whole", gpus=1)
    wait_until(lambda: "GPU 0: reserved by _shell_/t" in why(shell))
    cancel(shell.workspace, "whole")
    # One ends: its memory is free for the fourth.
    cancel(shell.workspace, "t0")
    shell.wait("t0")
    nvml.write([FakeGpu(total=10240, used=240 + 2 * 3072, processes=taken[1:])])
    up(shell, "t3")
    (shell.folder / "go").touch()
    assert set(shell.wait(*names[1:])) == {"completed"}


def test_in_a_container_the_totals_and_the_promises_count(shell: Project, nvml: FakeNvml) -> None:
    """There the driver names processes of the host, which nobody here can look up."""
    nobody = 4194304 + 1
    nvml.write([FakeGpu(total=10240, used=1240, processes=((nobody, 1000),))])
    shell.settings(NOW)
    names = tasks(shell, 3)
    shell.submit(*names, jobs=3, gpus=1, gpu_memory=4.0)
    up(shell, *names[:2])
    wait_until(lambda: "0.8 GiB of 4.0 GiB free" in why(shell))
    nvml.write([FakeGpu(total=10240, used=1240 + 8192, processes=((nobody, 1000), (nobody + 1, 8192)))])
    time.sleep(2.5)
    wait_until(lambda: "0.8 GiB of 4.0 GiB free" in why(shell))
    (shell.folder / "go").touch()
    shell.wait(*names[:2])
    nvml.write([FakeGpu(total=10240, used=1240, processes=((nobody, 1000),))])
    assert shell.wait("t2") == ["completed"]


def test_two_projects_never_get_the_same_gpu(make_project: MakeProject, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=100) for _ in range(8)])
    projects = [make_project(name=name) for name in ("one", "two")]
    for project in projects:
        project.settings(NOW)
        names = tasks(project, 6)
        project.submit(*names, jobs=6, gpus=1)

    def running() -> list[str]:
        return [
            indices(project, f"t{number}")
            for project in projects
            for number in range(6)
            if b"gpu:" in project.output(f"t{number}")
        ]

    wait_until(lambda: len(running()) == 8)
    assert sorted(running()) == [str(number) for number in range(8)]
    time.sleep(1.5)
    assert len(running()) == 8
    for project in projects:
        (project.folder / "go").touch()
    for project in projects:
        assert set(project.wait(*(f"t{number}" for number in range(6)))) == {"completed"}


@pytest.mark.parametrize("killed", ["scheduler", "supervisor"])
def test_a_reservation_lives_as_long_as_its_run(shell: Project, nvml: FakeNvml, killed: str) -> None:
    nvml.write([FakeGpu(total=10240, used=100)])
    shell.settings(NOW)
    names = tasks(shell, 2)
    shell.submit(*names, jobs=2, gpus=1)
    up(shell, "t0")
    if killed == "scheduler":
        shell.kill_scheduler()
        wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
        wait_until(lambda: "reserved by _shell_/t0" in why(shell))
        time.sleep(1.5)
        assert shell.status("t1") == "queued"
        (shell.folder / "go").touch()
        assert shell.wait("t0") == ["completed"]
    else:
        os.kill(shell.supervisor_pid("t0"), signal.SIGKILL)
        assert shell.wait("t0") == ["failed"]
        (shell.folder / "go").touch()
    assert shell.wait("t1") == ["completed"]
    assert indices(shell, "t1") == "0"


def test_a_run_whose_end_cannot_be_written_keeps_no_gpu(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=100)])
    shell.settings(NOW)
    names = tasks(shell, 2, f"{HOLD}echo over\n")
    shell.submit(*names, jobs=2, gpus=1)
    up(shell, "t0")
    shell.pid("t0")
    guard = shell.paths("t0").folder / ".task_info.json.lock.guard"
    (shell.folder / "link").symlink_to("nowhere")
    (shell.folder / "link").replace(guard)  # in one step; whoever it is cannot lock the task
    (shell.folder / "go").touch()
    assert shell.wait("t1") == ["completed"]
    assert shell.status("t0") == "running"
    guard.unlink()
    assert shell.wait("t0") == ["completed"]


def test_gpus_that_vanish_and_come_back(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([])
    shell.settings(NOW)
    shell.task("T", HOLD)
    shell.submit("T", gpus=1)
    wait_until(lambda: "does not report any GPUs" in why(shell))
    nvml.write([FakeGpu(total=10240, used=100)])
    up(shell, "T")
    (shell.folder / "go").touch()
    assert shell.wait("T") == ["completed"]


def test_a_driver_that_hangs_decides_nothing(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=9000)])
    shell.settings(NOW)
    shell.task("T", HOLD)
    shell.submit("T", gpus=1)
    wait_until(lambda: "GiB free" in why(shell))
    (watcher,) = [
        child for child in psutil.Process(shell.scheduler_pid()).children() if child.name() == "pyruns-gpus"
    ]
    watcher.suspend()
    wait_until(lambda: "stopped responding" in why(shell))
    assert shell.status("T") == "queued"
    nvml.write([FakeGpu(total=10240, used=100)])
    watcher.resume()
    up(shell, "T")
    (shell.folder / "go").touch()


def test_no_driver_is_said(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NVML_INIT_ERROR", "9")
    shell.settings(NOW)
    shell.task("T", HOLD)
    shell.submit("T", gpus=1)
    wait_until(lambda: "driver cannot be used" in why(shell))
    assert shell.status("T") == "queued"
    cancel(shell.workspace, "T")


def test_a_paused_queue_does_not_wait_for_gpus(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=9000)])
    shell.settings(f"{NOW}gpu_scheduler_max_wait_seconds: 1000\n")
    shell.task("T", HOLD)
    with shell.scheduler():
        shell.submit("T", gpus=1)
        wait_until(lambda: "GiB free" in why(shell))
        pause(shell.root)
        wait_until(lambda: why(shell) == "The queue is paused.")
        shell.pass_time()
        resume(shell.root)
        wait_until(lambda: "GiB free" in why(shell) or shell.status("T") != "queued")
        assert shell.status("T") == "queued"
        nvml.write([FakeGpu(total=10240, used=100)])
        (shell.folder / "go").touch()
        assert shell.wait("T") == ["completed"]


def test_waiting_has_an_end(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=9000)])
    shell.settings(NOW)
    names = tasks(shell, 2)
    shell.submit(*names, gpus=1)
    wait_until(lambda: "GiB free" in why(shell))
    shell.settings(f"{NOW}gpu_scheduler_max_wait_seconds: 1.5\n")
    assert shell.wait(*names) == ["cancelled", "cancelled"]
    message = read_row(shell.paths("t1").folder)[0].message or ""
    assert message.startswith("Cancelled after ")
    assert "1.2 GiB of 8.0 GiB free" in message


def test_what_ran_out_of_memory_beside_others_runs_alone(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=100)])
    shell.settings(NOW)
    shell.task("t0", HOLD)
    shell.task(
        "T",
        'echo gpu:$CUDA_VISIBLE_DEVICES:$PYRUNS_ASSIGNED_GPUS; [ "$PYRUNS_RUN_INDEX" = 2 ] && exit 0\n'
        "echo 'Traceback (most recent call last):'; echo '  File \"x.py\", line 1, in <module>'\n"
        "echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB'; exit 1\n",
    )
    shell.submit("t0", gpus=1, gpu_memory=2)
    up(shell, "t0")
    shell.submit("T", gpus=1, gpu_memory=2, retry_alone=True)
    wait_until(lambda: shell.info("T").get("run_statuses") == ["failed"])
    assert shell.info("T")["pyruns_jupyter"]["failures"]["1"][2] == "gpu_memory"
    wait_until(lambda: "reserved by _shell_/t0" in why(shell))  # it wants the GPU for itself now
    (shell.folder / "go").touch()
    wait_until(lambda: shell.status("T") == "completed")
    assert shell.info("T")["run_statuses"] == ["failed", "completed"]


@pytest.mark.parametrize("contained", [False, True])
def test_the_most_memory_of_a_run_is_noted_and_proposed(
    shell: Project, nvml: FakeNvml, contained: bool
) -> None:
    shell.settings(NOW)
    names = tasks(shell, 2)
    with pytest.raises(InvalidInput, match="no completed run"):
        parse_options(shell.workspace, {"gpu_memory": "auto"})
    nvml.write([FakeGpu(total=10240, used=600)])
    shell.submit("t0", gpus=1)
    up(shell, "t0")
    pid, attempt = 4194304 + 1 if contained else shell.pid("t0"), shell.info("t0")["_attempt_id"]

    def peaks() -> list[int]:
        return [used >> 20 for used in Reservations().read_peak(attempt).values()]

    for used, most in ((1000, 1000), (5000, 5000), (2000, 5000)):
        nvml.write([FakeGpu(total=10240, used=600 + used, processes=((pid, used),))])
        wait_until(lambda most=most: peaks() == [most], message=lambda: str(peaks()))  # type: ignore[misc]
    time.sleep(1.6)  # for the last amount to be seen
    (shell.folder / "go").touch()
    assert shell.wait("t0") == ["completed"]
    (peak,) = shell.info("t0")["run_environments"][0]["gpu_memory_peak_mb"].values()
    assert peak == 5000.0
    assert parse_options(shell.workspace, {"gpu_memory": "auto"}).gpu_memory == 5.4
    assert not list(Reservations().folder.glob("*.peak"))
    assert shell.status(names[1]) == "pending"


@pytest.mark.parametrize("contained", [False, True])
def test_the_most_memory_of_a_run_outlives_a_scheduler(
    shell: Project, nvml: FakeNvml, contained: bool
) -> None:
    shell.settings(NOW)
    (name,) = tasks(shell, 1)
    nvml.write([FakeGpu(total=10240, used=600)] * 2)
    shell.submit(name, gpus=2)
    up(shell, name)
    pid, attempt = 4194304 + 1 if contained else shell.pid(name), shell.info(name)["_attempt_id"]

    def use(*amounts: int) -> None:
        nvml.write([FakeGpu(total=10240, used=600 + used, processes=((pid, used),)) for used in amounts])

    def peaks() -> list[int]:
        return [used >> 20 for used in Reservations().read_peak(attempt).values()]

    use(5000, 1000)
    wait_until(lambda: peaks() == [5000, 1000], message=lambda: str(peaks()))
    shell.kill_scheduler()
    use(2000, 3000)
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    wait_until(lambda: peaks() == [5000, 3000], message=lambda: str(peaks()))
    (shell.folder / "go").touch()
    assert shell.wait(name) == ["completed"]


def reservation(attempt: str) -> Reservation:
    return Reservation(attempt, "train/t", ("GPU-1",), None, {"GPU-1": 0}, 1.0)


def test_the_guard_of_another_user_is_not_opened_as_if_it_were_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux refuses that in common folders (fs.protected_regular, on in Debian); here it may be off."""
    opened = os.open

    def as_another_user(path: Any, flags: int, *more: Any) -> int:
        if flags & os.O_CREAT and not flags & os.O_EXCL and os.path.exists(path):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *more)

    book = Reservations(tmp_path / "book")
    with book.guarded():
        pass
    monkeypatch.setattr(os, "open", as_another_user)
    with book.guarded():
        assert book.living() == []


def test_the_ledger_believes_locks_and_nothing_else(tmp_path: Path) -> None:
    book = Reservations(tmp_path / "book")
    with book.guarded():
        assert book.living() == []
        held = book.reserve(reservation("a"))
        lost = book.reserve(reservation("b"))
        (book.folder / "noise.json").write_text("{")
        (book.folder / "link.json").symlink_to("/etc/passwd")
        os.mkfifo(book.folder / "pipe.json")
        os.close(lost)
        assert [one.attempt for one in book.living()] == ["a"]
        assert sorted(path.name for path in book.folder.glob("?.json")) == ["a.json"]
        os.close(held)
        assert book.living() == []


HOSTILE = {
    "memory without end": {"memory": float("inf")},
    "memory that no float holds": {"memory": 10**400},
    "memory below nothing": {"memory": -(10**18)},
    "a time that no float holds": {"at": 10**400},
    "a time that is none": {"at": float("nan")},
    "use below nothing": {"used": {"GPU-1": -(10**18)}},
    "use without end": {"used": {"GPU-1": float("inf")}},
    "a list": {"used": [1]},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_reservation_that_is_none_is_passed_over(tmp_path: Path, change: dict[str, Any]) -> None:
    book = Reservations(tmp_path / "book")
    with book.guarded():
        held = book.reserve(reservation("mine"))
        other = book.reserve(reservation("other"))
        content = {**json.loads(reservation("other").to_bytes()), **change}
        (book.folder / "other.json").write_text(json.dumps(content))
        assert [one.attempt for one in book.living()] == ["mine"]
        os.close(other)
        os.close(held)


def test_the_name_of_a_task_that_another_user_reserved_for_commands_no_terminal(tmp_path: Path) -> None:
    book = Reservations(tmp_path / "book")
    with book.guarded():
        held = book.reserve(replace(reservation("a"), task="w/\x1b[2J\u202e" + "x" * 10_000))
        [found] = book.living()
        assert found.task.startswith("w/\\x1b[2J\\u202exxx")
        assert len(found.task) < 500
        os.close(held)


def test_a_folder_with_too_many_files_is_said_to_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "MAX_FILES", 3)
    book = Reservations(tmp_path / "book")
    with book.guarded():
        for number in range(3):
            (book.folder / f"{number}.json").touch()
        with pytest.raises(PyrunsError, match="holds 4 files, more than 3"):
            book.living()


@pytest.mark.parametrize("content", [b"{", b'{"GPU-1": 1e999}', b'{"GPU-1": -1}', b"[" * 60_000, b"[1]"])
def test_what_a_peak_says_is_read_or_left(tmp_path: Path, content: bytes) -> None:
    book = Reservations(tmp_path)
    book.note_peak("a", {"GPU-1": 5})
    (tmp_path / "a.peak").write_bytes(content)
    assert book.take_peak("a") == {}


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[psutil.Popen]:
    """Hold the lock of a file in another process, which is then stopped."""
    code = f"import fcntl, time; s = open({str(path)!r}, 'a'); fcntl.flock(s, fcntl.LOCK_EX)"
    words = [sys.executable, "-c", f"{code}; print(1, flush=True); time.sleep(600)"]
    with psutil.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            process.suspend()
            yield process
        finally:
            process.kill()


def test_reservations_that_another_process_keeps_locked_are_not_waited_for(tmp_path: Path) -> None:
    book = Reservations(tmp_path / "book")
    with book.guarded():
        pass
    with locked_by_another_process(book.folder / ".guard") as holder:
        told = f"locked by process {holder.pid} of user {getpass.getuser()}"
        with pytest.raises(Busy, match=told), book.guarded():
            pass
    with book.guarded():
        assert book.living() == []


def test_a_locked_ledger_holds_up_neither_other_tasks_nor_stops(shell: Project, tmp_path: Path) -> None:
    shell.settings(NOW)
    with Reservations().guarded():
        pass
    gpu, waits, plain = shell.task("gpu", HOLD), shell.task("waits", HOLD), shell.task("plain", "echo done\n")
    with locked_by_another_process(Reservations().folder / ".guard") as holder:
        shell.submit(gpu, gpus=1)
        wait_until(lambda: f"process {holder.pid}" in why(shell), message=lambda: why(shell))
        shell.submit(waits, gpus=1)
        shell.submit(plain)
        assert shell.wait(plain) == ["completed"]
        cancel(shell.workspace, waits)
        wait_until(lambda: shell.status(waits) == "cancelled")
    up(shell, gpu)
    (shell.folder / "go").touch()
    assert shell.wait(gpu) == ["completed"]


def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(reservations.VARIABLE)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "book").symlink_to("elsewhere")
    with (
        pytest.raises(PyrunsError, match="belongs to another user"),
        Reservations(tmp_path / "book").guarded(),
    ):
        pass


def test_waiting_keeps_no_processor_busy(shell: Project, nvml: FakeNvml) -> None:
    nvml.write([FakeGpu(total=10240, used=9000)])
    shell.settings(NOW)
    names = tasks(shell, 20)
    shell.submit(*names, gpus=1)
    wait_until(lambda: "GiB free" in why(shell))
    scheduler = psutil.Process(shell.scheduler_pid())
    everyone = [scheduler, *scheduler.children()]

    def spent() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in everyone)

    before, begun = spent(), time.monotonic()
    time.sleep(4)
    assert spent() - before < 0.15 * (time.monotonic() - begun)


def test_the_watcher_goes_when_nobody_wants_gpus(shell: Project) -> None:
    shell.settings(f"{NOW}scheduler_linger_seconds: 0\n")
    shell.task("T", "echo gpu:\n")
    shell.submit("T", gpus=1)
    assert shell.wait("T") == ["completed"]
    shell.wait_for_exit()
