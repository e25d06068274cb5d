"""The executors of a project: jobs run on this machine, each under a supervisor, or in a cluster."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, EnginePaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.cluster_settings import CLUSTERS
from pyruns_jupyter.engine.processes.native import do_not_block, reap
from pyruns_jupyter.engine.processes.start_method import start_process
from pyruns_jupyter.engine.queue.jobs import Job, Pending
from pyruns_jupyter.engine.run.orphan_cleanup import finalize_orphan, has_owner, owner_lives
from pyruns_jupyter.engine.run.run_environment import EnvironmentProbe
from pyruns_jupyter.engine.run.workers import Worker, load_rest, read_pids, warm_up

if TYPE_CHECKING:
    from pyruns_jupyter.engine.cluster.engine import ClusterEngine

_END_SECONDS = 5.0  # for supervisors that are to exit: one that a signal has stopped does not


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
        self._has_script_tasks = self._has_rest = False
        self._warm_up(warm_up, scripts=False)
        self._clusters: dict[str, ClusterEngine] = {}
        if os.path.isdir(EnginePaths(key.root).cluster):
            from pyruns_jupyter.engine.cluster.submissions import submissions

            for engine in {submission.engine for submission in submissions(key)} & {*CLUSTERS}:
                self._load_cluster(engine)

    def _warm_up(self, load: Callable[..., None], **options: bool) -> None:
        gc.disable()  # what is imported is no garbage, and to search it takes a fifth of the start
        try:
            load(**options)
            gc.freeze()  # keeps these pages shared with the forks
        finally:
            gc.enable()

    def _load_rest(self) -> None:
        """Import the rest, once the first supervisor has started."""
        if self._workers and not self._has_rest:
            self._has_rest = True
            with suppress(Exception):  # an update may have replaced the package since this process started
                self._warm_up(load_rest)

    def _cluster(self, job: Job) -> ClusterEngine:
        """Return the executor of a job in a cluster, which most projects do not need."""
        engine = job.options.engine
        assert engine is not None
        return self._clusters.get(engine) or self._load_cluster(engine)

    def _load_cluster(self, engine: str) -> ClusterEngine:
        from pyruns_jupyter.engine.cluster.engine import ClusterEngine

        self._clusters[engine] = ClusterEngine(self._key, engine)
        return self._clusters[engine]

    @property
    def must_poll(self) -> bool:
        """Whether some ends are found only by polling, as of supervisors of an earlier scheduler."""
        return bool(self._adopted) or any(cluster.must_poll for cluster in self._clusters.values())

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        """Start a supervisor for a queued job; on this machine, it holds the descriptors in `keep` while it
        lives.

        Raises:
            OSError: if the system has no room for another process now.
        """
        if not job.options.is_local:
            self._cluster(job).start(job)
            return
        if job.workspace != SHELL_WORKSPACE and not self._has_script_tasks:
            self._warm_up(warm_up, scripts=True)
            self._has_script_tasks = True
        gpus = self._probe.look(job)
        while self._idle and not keep:
            worker = self._idle.pop()
            if worker.submit(job, gpus):
                self._children[worker.pid] = job
                return
        self._load_rest()
        worker = Worker(job, gpus, self._free, keep)
        self._workers[worker.pid] = worker
        self._children[worker.pid] = job

    def rest(self) -> None:
        """Shut down the idle supervisors except one, which starts the next job without the time that a fork
        takes, and submit the jobs that were started for a cluster.
        """
        self._load_rest()
        while len(self._idle) > 1:
            self._idle.pop(0).shutdown()
        for cluster in self._clusters.values():
            cluster.rest()

    def close(self, since: float) -> bool:
        """Shut down the idle supervisors when no job is left; return whether `poll` has reaped all, or they
        had some seconds since `since` (monotonic).
        """
        while self._idle:
            self._idle.pop().shutdown()
        return not self._workers or time.monotonic() > since + _END_SECONDS

    def adopt(self, job: Job) -> None:
        """Watch a job that an earlier scheduler started and whose supervisor lives."""
        if job.options.is_local or not self._cluster(job).adopt(job):
            self._adopted.append(job)

    def finalize_orphan(self, job: Job) -> None:
        """End a job whose supervisor is dead: its processes are stopped, and its end is stored.

        Raises:
            OSError: if the system has no room for another process now.
        """
        reason = None if job.options.is_local else self._cluster(job).take_reason(job)
        self._children[start_process(finalize_orphan, job, reason)] = job

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        """Return whether the supervisor of a running job lives, or cannot be checked from here.

        Raises:
            OSError: if that cannot be determined at this moment.
        """
        if owner_lives(job, info):
            return True
        return not job.options.is_local and self._cluster(job).is_running(job)

    def cancel(self, job: Job) -> None:
        """Cancel a started job that has not begun; `poll` returns it once that is done."""
        if not job.options.is_local:
            self._cluster(job).cancel(job)

    def has_begun(self, job: Job) -> bool:
        """Return whether a started job has begun, as far as is known."""
        return job.options.is_local or not self._cluster(job).is_waiting(job)

    def is_full(self, job: Job) -> bool:
        """Return whether no more jobs of the batch of this job are to be started now."""
        return not job.options.is_local and self._cluster(job).is_full(job.batch)

    def pending(self) -> dict[str, Pending]:
        """Return for each batch, by id, how many started jobs have not begun, and why."""
        return {
            batch: pending
            for cluster in self._clusters.values()
            for batch, pending in cluster.pending().items()
        }

    def obstacle(self, job: Job) -> str:
        """Return why a job that ended before it began is given up; empty if it is to be started again."""
        return "" if job.options.is_local else self._cluster(job).obstacle(job)

    def forget(self, batch: str) -> None:
        """Drop the data of a batch that is done."""
        for cluster in self._clusters.values():
            cluster.forget(batch)

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
        ended += [job for job in self._adopted if not has_owner(job)]
        self._adopted = [job for job in self._adopted if job not in ended]
        for cluster in self._clusters.values():
            ended += cluster.poll()
        return ended
