"""Running tasks on this machine, each under a supervisor that was forked for it or for one before it."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.common.host_identity import boot_id, host_name
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.engine.queue.jobs import EndReason, Job
from pyruns_jupyter.engine.queue.processes import fork_detached, reap
from pyruns_jupyter.engine.run.orphan_cleanup import finalize_orphan, owner_of, running_number
from pyruns_jupyter.engine.run.run_environment import EnvironmentProbe
from pyruns_jupyter.engine.run.supervisor import warm_up
from pyruns_jupyter.engine.run.workers import Worker, read_pids


class LocalEngine:
    """The executor `local`, a part of `EngineRouter`."""

    def __init__(self) -> None:
        self._children: dict[int, Job] = {}
        self._workers: dict[int, Worker] = {}
        self._idle: list[Worker] = []
        self.descriptor, self._free = os.pipe()
        os.set_blocking(self.descriptor, False)
        self._adopted: list[Job] = []
        self._probe = EnvironmentProbe()
        self._knows_scripts = False
        self._warm_up()

    @property
    def must_poll(self) -> bool:
        """Whether supervisors of an earlier scheduler are watched, which are not children of this process."""
        return bool(self._adopted)

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        """Give a waiting job to a supervisor; it holds the descriptors in `keep` as long as it lives."""
        if job.workspace != SHELL_WORKSPACE and not self._knows_scripts:
            self._knows_scripts = True
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
        """Let the supervisors go that have no job."""
        while self._idle:
            self._idle.pop().shutdown()

    def _warm_up(self) -> None:
        warm_up(scripts=self._knows_scripts)
        # gc.freeze() keeps these pages shared with the forks.
        gc.collect()
        gc.freeze()

    def finalize_orphan(self, job: Job, word: EndReason | None = None) -> None:
        """Fork a process that ends a job whose supervisor is dead; `word` is what a cluster says of that."""
        self._children[fork_detached(lambda: finalize_orphan(job, word))] = job

    def adopt(self, job: Job) -> None:
        """Watch the supervisor of a running job by the lock that it holds."""
        self._adopted.append(job)

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        """Return whether a running job has an owner.

        The lock says so on this host. A lock of another host may not be seen from here; there the lease
        speaks. Two hosts never have the same boot id; one that got another name keeps it.
        """
        number = running_number(info, job.attempt)
        if number is None or is_locked(job.paths.owner(number)):
            return True
        if info.get("runner_host") == host_name():
            return False
        former = owner_of(job.paths, number)
        if former is not None and former.boot and former.boot == boot_id():
            return False  # this very machine, which has got another name since
        until = info.get("lease_until")
        return isinstance(until, (int, float)) and until > time.time()

    def poll(self) -> list[Job]:
        """Return the jobs whose supervisors ended since the last call."""
        ended = []
        gone = reap()  # before looking who is ready: what that one had to say is there
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
        ended += [job for job in self._adopted if not self.has_owner(job)]
        self._adopted = [job for job in self._adopted if job not in ended]
        return ended

    def has_owner(self, job: Job) -> bool:
        """Return by the task file whether a job runs and has an owner."""
        try:
            info = read_task(job.paths.folder)
            return running_number(info, job.attempt) is not None and self.owner_lives(job, info)
        except (NotFound, Unreadable):
            return False
        except OSError:
            return True  # not to be told at this moment
