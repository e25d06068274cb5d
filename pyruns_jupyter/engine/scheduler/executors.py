"""The executors of a project: jobs run on this machine, each under a supervisor, or in a cluster."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.common.host_identity import boot_id, host_name
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, EnginePaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.engine.processes.native import do_not_block, reap
from pyruns_jupyter.engine.processes.start_method import start_process
from pyruns_jupyter.engine.queue.jobs import Job, Pending
from pyruns_jupyter.engine.run.orphan_cleanup import finalize_orphan, owner_of, running_number
from pyruns_jupyter.engine.run.run_environment import EnvironmentProbe
from pyruns_jupyter.engine.run.workers import Worker, read_pids, warm_up

if TYPE_CHECKING:
    from pyruns_jupyter.engine.cluster.engine import ClusterEngine


class Executors:
    """Runs each job with the executor of its batch. The state of a run is read from its task file only.

    Its process must have one thread, because it forks.
    """

    def __init__(self, key: EngineKey) -> None:
        self._key = key
        self._children: dict[int, Job] = {}
        self._workers: dict[int, Worker] = {}
        self._idle: list[Worker] = []
        self._adopted: list[Job] = []
        # Becomes readable when a job may have ended; so does a pipe of SIGCHLD.
        self.descriptor, self._free = os.pipe()
        do_not_block(self.descriptor)
        self._probe = EnvironmentProbe()
        self._has_script_tasks = False
        self._warm_up()
        self._loaded_cluster: ClusterEngine | None = None
        if os.path.isdir(EnginePaths(key.root).cluster):
            self._cluster()

    def _warm_up(self) -> None:
        warm_up(scripts=self._has_script_tasks)
        # gc.freeze() keeps these pages shared with the forks.
        gc.collect()
        gc.freeze()

    def _cluster(self) -> ClusterEngine:
        """Return the executor `slurm`, which most projects do not need."""
        if self._loaded_cluster is None:
            from pyruns_jupyter.engine.cluster.engine import ClusterEngine

            self._loaded_cluster = ClusterEngine(self._key, _has_owner)
        return self._loaded_cluster

    @property
    def must_poll(self) -> bool:
        """Whether some ends are found only by polling, as of supervisors of an earlier scheduler."""
        return bool(self._adopted) or (self._loaded_cluster is not None and self._loaded_cluster.must_poll)

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        """Start a supervisor for a queued job; on this machine, it holds the descriptors in `keep` while it
        lives.

        Raises:
            OSError: if the system has no room for another process now.
        """
        if not job.options.is_local:
            self._cluster().start(job)
            return
        if job.workspace != SHELL_WORKSPACE and not self._has_script_tasks:
            self._has_script_tasks = True
            self._warm_up()
        gpus = self._probe.look(job)
        while self._idle and not keep:
            worker = self._idle.pop()
            if worker.submit(job, gpus):
                self._children[worker.pid] = job
                return
        worker = Worker(job, gpus, self._free, keep)
        self._workers[worker.pid] = worker
        self._children[worker.pid] = job

    def rest(self) -> None:
        """Shut down the idle supervisors, and submit the jobs that were started for a cluster."""
        while self._idle:
            self._idle.pop().shutdown()
        if self._loaded_cluster is not None:
            self._loaded_cluster.rest()

    def adopt(self, job: Job) -> None:
        """Watch a job that an earlier scheduler started and whose supervisor lives."""
        if job.options.is_local or not self._cluster().adopt(job):
            self._adopted.append(job)

    def finalize_orphan(self, job: Job) -> None:
        """End a job whose supervisor is dead: its processes are stopped, and its end is stored.

        Raises:
            OSError: if the system has no room for another process now.
        """
        reason = None if job.options.is_local else self._cluster().take_reason(job)
        self._children[start_process(finalize_orphan, job, reason)] = job

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        """Return whether the supervisor of a running job lives, or cannot be checked from here.

        Raises:
            OSError: if that cannot be determined at this moment.
        """
        if _owner_lives(job, info):
            return True
        return not job.options.is_local and self._cluster().is_running(job)

    def cancel(self, job: Job) -> None:
        """Cancel a started job that has not begun; `poll` returns it once that is done."""
        if not job.options.is_local:
            self._cluster().cancel(job)

    def has_begun(self, job: Job) -> bool:
        """Return whether a started job has begun, as far as is known."""
        return job.options.is_local or not self._cluster().is_waiting(job)

    def is_full(self, job: Job) -> bool:
        """Return whether no more jobs of the batch of this job are to be started now."""
        return not job.options.is_local and self._cluster().is_full(job.batch)

    def pending(self) -> dict[str, Pending]:
        """Return for each batch, by id, how many started jobs have not begun, and why."""
        return self._loaded_cluster.pending() if self._loaded_cluster is not None else {}

    def obstacle(self, job: Job) -> str:
        """Return why a job that ended before it began is given up; empty if it is to be started again."""
        return "" if job.options.is_local else self._cluster().obstacle(job)

    def forget(self, batch: str) -> None:
        """Drop the data of a batch that is done."""
        if self._loaded_cluster is not None:
            self._loaded_cluster.forget(batch)

    def poll(self) -> list[Job]:
        """Return the jobs (started, adopted, orphaned) to check again: most have ended."""
        ended = []
        gone = reap()  # before the pids are read, so that those of reaped workers are among them
        for pid in read_pids(self.descriptor):
            ended.append(self._children.pop(pid))
            self._idle.append(self._workers[pid])
        for pid in gone:
            if pid in self._children:
                ended.append(self._children.pop(pid))
            worker = self._workers.pop(pid, None)
            if worker is not None:
                worker.shutdown()
                self._idle = [one for one in self._idle if one is not worker]
        ended += [job for job in self._adopted if not _has_owner(job)]
        self._adopted = [job for job in self._adopted if job not in ended]
        return ended if self._loaded_cluster is None else ended + self._loaded_cluster.poll()


def _owner_lives(job: Job, info: TaskInfo) -> bool:
    """Return whether the owner of a running job lives, according to its lock, or to its lease."""
    number = running_number(info, job.attempt)
    if number is None or is_locked(job.paths.owner(number)):
        return True
    if info.get("runner_host") == host_name():
        return False
    # Locks of another host may not be visible here, so its lease decides. But two hosts never have the same
    # boot id, and one that was renamed keeps it.
    former = owner_of(job.paths, number)
    if former is not None and former.boot and former.boot == boot_id():
        return False
    until = info.get("lease_until")
    return isinstance(until, (int, float)) and until > time.time()


def _has_owner(job: Job) -> bool:
    """Return whether a job runs and has an owner, according to its files."""
    try:
        info = read_task(job.paths.folder)
        return running_number(info, job.attempt) is not None and _owner_lives(job, info)
    except (NotFound, Unreadable):
        return False
    except OSError:
        return True  # unknown at this moment
