"""Whether a batch may start another task now, and if not, why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME, TASKS
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.request import GpuRequest, gpu_count, request_of
from pyruns_jupyter.engine.queue.entries import ActiveBatch
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import is_paused
from pyruns_jupyter.engine.queue.options import After
from pyruns_jupyter.system.cgroup import usable_cores

_CORES_SECONDS = 5.0  # after which the usable cores are counted again
_CHECK_SECONDS = 1.0  # between two checks of the tasks that a batch waits for

PAUSED = "The queue is paused."


class Blocked(NamedTuple):
    """Why a batch starts no further task now, or never will (`is_final`). `is_shared`: because of a limit
    that tasks of other batches count towards.
    """

    why: str
    is_final: bool = False
    is_shared: bool = False


class StartPolicy:
    """Decides which batches of a project may start tasks; `opened` are those that are not done, by id."""

    def __init__(self, root: Path, opened: Mapping[str, ActiveBatch]) -> None:
        self._root = root
        self._opened = opened
        self._settings = Settings.load(root)
        self._ready: set[str] = set()  # batches whose dependencies have ended
        self._holds: dict[str, tuple[float, Blocked]] = {}
        self._cores = 0
        self._cores_until = 0.0  # monotonic
        self._running = 0  # tasks that count towards the limit of the project, except those of `_filling`
        self._grouped = Counter[str]()  # running tasks by group, except those of `_filling`
        self._filling: ActiveBatch | None = None

    def check_dependencies(self) -> None:
        """Check the dependencies of all batches again, because a run has ended."""
        self._holds.clear()

    def count_running(self) -> None:
        """Read the settings, and count the running tasks; to be called before `hold`."""
        self._settings = Settings.load(self._root)
        self._filling = None
        self._running = sum(self._counted(opened) for opened in self._opened.values())
        self._grouped.clear()
        for opened in self._opened.values():
            self._grouped[opened.batch.group] += len(opened.running)

    def hold_all(self) -> Blocked | None:
        """Return why no task of the project starts now, None if tasks may start."""
        return Blocked(PAUSED) if is_paused(self._root) else None

    def hold(self, opened: ActiveBatch) -> Blocked | None:
        """Return why no task of a batch starts now, None if one may start."""
        batch = opened.batch
        held = self._hold_local(opened) if batch.options.is_local else None  # a cluster has its own limits
        return self._hold_dependencies(opened) or held

    def counts(self, opened: ActiveBatch) -> bool:
        """Return whether running tasks of a batch count towards the limit of the project."""
        return self._counted(opened) > 0

    def room(self, opened: ActiveBatch) -> int:
        """Return how many more tasks of a batch on this host the limits allow now."""
        self._set_apart(opened)
        room, limit = opened.batch.options.jobs - self._own(opened), self._settings.max_jobs
        return room if limit is None else min(room, limit - self._running - self._counted(opened))

    def _hold_dependencies(self, opened: ActiveBatch) -> Blocked | None:
        batch = opened.batch
        if not batch.options.after or batch.id in self._ready:
            return None
        known = self._holds.get(batch.id)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        for after in batch.options.after:
            held = self._after(after)
            if held is not None:
                self._holds[batch.id] = (time.monotonic() + _CHECK_SECONDS, held)
                return held
        self._ready.add(batch.id)
        return None

    def _set_apart(self, opened: ActiveBatch) -> None:
        """Count the tasks of all batches except this one, of which tasks are being started."""
        if self._filling is not opened:
            if self._filling is not None:
                self._running += self._counted(self._filling)
                self._grouped[self._filling.batch.group] += len(self._filling.running)
            self._filling = opened
            self._running -= self._counted(opened)
            self._grouped[opened.batch.group] -= len(opened.running)

    def _own(self, opened: ActiveBatch) -> int:
        """Return how many tasks count towards the limit of a batch."""
        group = opened.batch.group
        return len(opened.running) + (self._grouped[group] if group else 0)

    def _hold_local(self, opened: ActiveBatch) -> Blocked | None:
        self._set_apart(opened)
        jobs, own = opened.batch.options.jobs, self._own(opened)
        if own >= jobs:
            return Blocked(
                f"Concurrency limit reached: {own} of {jobs} {_tasks_are(jobs)} running (-j {jobs})."
            )
        limit = self._settings.max_jobs
        if limit is None and self._has_gpus(opened):
            return None
        running = self._running + self._counted(opened)
        if limit is not None:
            source = f"max_jobs: {limit}"
        else:
            cores = self._usable_cores()
            limit = max(cores, jobs)
            source = f"max_jobs: auto, {cores} CPU {'core' if cores == 1 else 'cores'}"
            source += f", -j {jobs}" if jobs > cores else ""
        if running < limit:
            return None
        return Blocked(
            f"Project limit reached: {running} of {limit} {_tasks_are(max(running, limit))} running "
            f"({source}). Change max_jobs in {SETTINGS_NAME} to run more.",
            is_shared=True,
        )

    def _counted(self, opened: ActiveBatch) -> int:
        """Return how many running tasks of a batch count towards the limit of the project.

        Tasks in a cluster do not count; with `max_jobs: auto`, which is about the cores of this host, nor do
        tasks with GPUs or on other hosts.
        """
        if not opened.running or not opened.batch.options.is_local:
            return 0
        if self._settings.max_jobs is not None:
            return len(opened.running)
        if self._has_gpus(opened):
            return 0
        return sum(not entry.elsewhere for entry in opened.running.values())

    def _has_gpus(self, opened: ActiveBatch) -> bool:
        return gpu_count(opened.batch.options, self._settings) > 0

    def _usable_cores(self) -> int:
        if time.monotonic() >= self._cores_until:
            self._cores, self._cores_until = usable_cores(), time.monotonic() + _CORES_SECONDS
        return self._cores

    def gpus(self, job: Job) -> GpuRequest | None:
        """Return the request of a job for GPUs of this machine, None without one."""
        if not job.options.is_local:
            return None
        return request_of(self._settings, job.options, job.environment, alone=job.alone)

    def _after(self, after: After) -> Blocked | None:
        try:
            info = read_task(self._root / after.workspace / TASKS / after.task)
        except NotFound:
            return (
                Blocked(f"Cancelled because it depends on {after}, which was deleted.", True)
                if after.ok
                else None
            )
        except (Unreadable, OSError) as error:
            return Blocked(f"Waiting for {after}, whose status cannot be read: {error}")
        status = runs.status_of(info)
        if status in runs.ENDED:
            if after.ok and status != runs.COMPLETED:
                return Blocked(f"Cancelled because it depends on {after}, which {_ENDED[status]}.", True)
            return None
        return Blocked(f"Waiting for {after}, which is {_ACTIVE[status]}.")


def _tasks_are(count: int) -> str:
    return "task is" if count == 1 else "tasks are"


_ENDED = {runs.FAILED: "failed", runs.CANCELLED: "was cancelled"}
_ACTIVE = {runs.RUNNING: "running", runs.QUEUED: "queued", runs.PENDING: "not queued"}
