"""What a supervisor does periodically during a run: renew the lease, and check for requests."""

from __future__ import annotations

import os
import time
from typing import Protocol

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.host_identity import create_time
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TASK_INFO, TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, read_task
from pyruns_jupyter.engine.queue.jobs import Job

from .wake_times import next_wake

_FIRST_SECONDS = 0.05  # a run that ends earlier needs no write between its first and its last


class Watched(Protocol):
    """A run in progress: `process` is the pid and the create time of its command, by our clock until it is
    stored for the first time, since then as other programs find it.
    """

    job: Job
    paths: TaskPaths
    process: tuple[int, float] | None
    folder: int | None  # a descriptor of the folder of the task, if the system can open folders

    def follow(self) -> TaskPaths:
        """Return where the task is now."""

    def renew_reservations(self) -> None:
        """Note that the run still uses its GPUs."""


class Heartbeat:
    """Checks the task file for requests, and renews the lease.

    Attributes:
        stacks_requested_at: when the stacks were last requested (epoch seconds), 0 if they were not.
        preempted_for: the task for which the run was asked to stop, empty if it was not.
    """

    def __init__(self, run: Watched) -> None:
        self._run = run
        self._attempt = run.job.attempt
        self._seen: tuple[int, int] | None = None
        self.due = time.monotonic() + _FIRST_SECONDS
        self._renew_at = 0.0
        self.preempted_for = ""
        self.stacks_requested_at = 0.0

    def beat(self, now: float) -> bool:
        """Return whether the run should stop."""
        if now < self.due:
            return False
        self.due = next_wake(now)
        if now >= self._renew_at and self._renew():
            self._renew_at = now + runs.HEARTBEAT_SECONDS
            self._run.renew_reservations()
        mark = self._mark(self._run.folder)
        if mark is None or mark == self._seen:
            return False
        try:
            info = read_task(self._run.follow().folder)
        except (PyrunsError, OSError):
            return False  # damaged, or being replaced: try again
        self._seen = mark
        if not self._is_current(info):
            return False
        self.stacks_requested_at = runs.stacks_requested_at(info, self._attempt)
        is_cancelled = bool(info.get("cancel_requested_at"))
        self.preempted_for = "" if is_cancelled else runs.preempted_for(info, self._attempt)
        return is_cancelled or bool(self.preempted_for)

    def _mark(self, folder: int | None) -> tuple[int, int] | None:
        """Return what differs when the task file has changed, None if there is none.

        The descriptor of the folder stays valid when the project is moved, so its path need not be known.
        """
        try:
            path = TASK_INFO if folder is not None else f"{self._run.follow().folder}/{TASK_INFO}"
            status = os.stat(path, dir_fd=folder)
        except OSError:  # another program may have made the folder anew
            return None if folder is None else self._mark(None)
        return status.st_mtime_ns, status.st_ino

    def _renew(self) -> bool:
        """Renew the lease, and store which process runs; return whether that was possible.

        The output of the run waits meanwhile, so this neither syncs to disk nor waits for a lock.
        """
        try:
            if not self._renew_at and self._run.process is not None:
                self._run.process = _as_found(*self._run.process)
            with edit_task(self._run.follow().folder, durable=False, timeout=0.0) as info:
                if self._is_current(info):
                    runs.renew_lease(info)
                    if self._run.process is not None:
                        runs.set_process(info, self._attempt, *self._run.process)
        except (PyrunsError, OSError):
            return False
        return True

    def _is_current(self, info: TaskInfo) -> bool:
        return runs.status_of(info) == runs.RUNNING and info.get("_attempt_id") == self._attempt


def _as_found(pid: int, created: float) -> tuple[int, float]:
    """Return a process with the create time that the system has for it, if it still runs."""
    return pid, create_time(pid) or created
