"""The heartbeat of a run costs its output nothing."""

from __future__ import annotations

import os
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
        self.renewals = 0

    def follow(self) -> TaskPaths:
        return self.paths

    def renew_reservations(self) -> None:
        self.renewals += 1


def test_a_heartbeat_waits_for_no_lock_and_no_disk(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.task("T", "true")
    folder: Path = shell.paths("T").folder
    with edit_task(folder) as info:
        runs.queue(info, attempt="attempt", batch="batch")
        runs.start(info, attempt="attempt", command="true", workdir="")
        info["lease_until"] = 1.0
    run = Run(shell, "T")
    heartbeat = Heartbeat(run)
    waited: list[object] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr(os, "fsync", waited.append)
    now = time.monotonic() + 1
    with task_lock(folder):
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
