"""The heartbeat of a run costs its output nothing."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.lock import task_lock
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.run.heartbeat import Heartbeat

from .support import Project


class Run:
    """A run that goes on."""

    def __init__(self, project: Project, name: str) -> None:
        self.job = Job(project.root, "_shell_", name, "attempt", "batch", {}, "")
        self.paths = self.job.paths
        self.process: tuple[int, float] | None = (os.getpid(), 1.0)
        self.renewals = self.paths_found = 0
        self.folder: int | None = None

    def follow(self) -> TaskPaths:
        self.paths_found += 1
        return self.paths

    def renew_reservations(self) -> None:
        self.renewals += 1


@pytest.fixture
def running(shell: Project) -> Path:
    """The folder of a task that runs."""
    shell.task("T", "true")
    folder: Path = shell.paths("T").folder
    with edit_task(folder) as info:
        runs.queue(info, attempt="attempt", batch="batch")
        runs.start(info, attempt="attempt", command="true", workdir="")
        info["lease_until"] = 1.0
    return folder


def test_a_heartbeat_waits_for_no_lock_and_no_disk(
    shell: Project, running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(shell, "T")
    heartbeat = Heartbeat(run)
    waited: list[object] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr(os, "fsync", waited.append)
    now = time.monotonic() + 1
    with task_lock(running):
        assert not heartbeat.beat(now)
    assert shell.info("T")["lease_until"] == 1.0
    assert run.renewals == 0
    assert not heartbeat.beat(now + 1)  # not only half a minute later
    assert waited == []
    assert run.renewals == 1
    info = shell.info("T")
    assert info["lease_until"] > time.time()
    assert info["pids"] == [os.getpid()]
    assert info["pid_create_times"] == [psutil.Process().create_time()]  # by which others recognise it


def cancel(folder: Path) -> None:
    with edit_task(folder) as info:
        info["cancel_requested_at"] = time.time()


@pytest.mark.skipif(os.stat not in os.supports_dir_fd, reason="needs descriptors of folders")
@pytest.mark.parametrize("place", ["descriptor", "moved", "made anew", "path"])
def test_a_request_is_found_wherever_the_folder_is(shell: Project, running: Path, place: str) -> None:
    """A heartbeat without news does not ask where the folder is; one may have been made anew in its place."""
    run, now = Run(shell, "T"), time.monotonic() + 1
    heartbeat = Heartbeat(run)
    run.folder = None if place == "path" else os.open(running, os.O_RDONLY)
    try:
        assert not heartbeat.beat(now)
        found = run.paths_found
        assert not heartbeat.beat(now + 1)
        assert (run.paths_found > found) is (place == "path")
        if place == "moved":
            running.rename(running.with_name("moved"))
            cancel(running.with_name("moved"))
            run.paths = TaskPaths(running.with_name("moved"))
        elif place == "made anew":
            running.rename(running.with_name("old"))
            shutil.copytree(running.with_name("old"), running)
            shutil.rmtree(running.with_name("old"))
            cancel(running)
        else:
            cancel(running)
        assert heartbeat.beat(now + 2)
    finally:
        if run.folder is not None:
            os.close(run.folder)


def test_heartbeats_are_at_the_same_moments_and_find_a_request_within_half_a_second(
    shell: Project, running: Path
) -> None:
    first, second = Heartbeat(Run(shell, "T")), Heartbeat(Run(shell, "T"))
    now = 10_000_000.1
    for heartbeat, began in ((first, now), (second, now + 0.2)):
        heartbeat.beat(began)
        assert began < heartbeat.due <= began + 0.5
    assert first.due == second.due == 10_000_000.5
    first.beat(first.due + 0.001)
    assert first.due == 10_000_001.0
