"""Running tasks on this machine: a forked supervisor for each."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

from pyruns_jupyter.core.errors import NotFound, Unreadable
from pyruns_jupyter.core.filelock import is_locked
from pyruns_jupyter.core.host import boot_id, host_name
from pyruns_jupyter.core.layout import SHELL_WORKSPACE
from pyruns_jupyter.core.taskfile import TaskInfo, read_task

from .base import Job
from .processes import fork_detached, reap
from .supervisor import supervise, warm_up
from .surroundings import Surroundings
from .undertaker import bury, owner_of, running_number


class LocalEngine:
    """The engine `local` (see `base.Engine`). Its process must have one thread: it forks."""

    def __init__(self) -> None:
        self._children: dict[int, Job] = {}
        self._adopted: list[Job] = []
        self._surroundings = Surroundings()
        self._knows_scripts = False
        self._warm_up()

    @property
    def must_poll(self) -> bool:
        """Whether supervisors of an earlier scheduler are watched; they are nobody's children here."""
        return bool(self._adopted)

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        """Fork a supervisor for a waiting job; it holds the descriptors in `keep` as long as it lives."""
        if job.workspace != SHELL_WORKSPACE and not self._knows_scripts:
            self._knows_scripts = True
            self._warm_up()
        gpus = self._surroundings.look(job)
        self._children[fork_detached(lambda: supervise(job, gpus), keep=keep)] = job

    def _warm_up(self) -> None:
        warm_up(scripts=self._knows_scripts)
        # What is frozen is never looked at by the garbage collector, and stays shared with the forks.
        gc.collect()
        gc.freeze()

    def bury(self, job: Job) -> None:
        """Fork a process that ends a job whose supervisor is dead."""
        self._children[fork_detached(lambda: bury(job))] = job

    def adopt(self, job: Job) -> None:
        """Watch the supervisor of a running job by the lock that it holds."""
        self._adopted.append(job)

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        """Tell whether a running job has an owner.

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
        ended = [self._children.pop(pid) for pid in reap() if pid in self._children]
        ended += [job for job in self._adopted if not self._watched(job)]
        self._adopted = [job for job in self._adopted if job not in ended]
        return ended

    def _watched(self, job: Job) -> bool:
        try:
            info = read_task(job.paths.folder)
            return running_number(info, job.attempt) is not None and self.owner_lives(job, info)
        except (NotFound, Unreadable):
            return False
        except OSError:
            return True  # not to be told at this moment
