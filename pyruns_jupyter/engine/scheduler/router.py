"""The executors of a project: each job is run by the one that its batch names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.engine.queue.jobs import Job, Pending

from .local import LocalEngine

if TYPE_CHECKING:
    from pyruns_jupyter.engine.cluster.engine import ClusterEngine


class EngineRouter:
    """Runs jobs here or in a cluster. The state of a run is read from its task file, never asked from here.

    Its process must have one thread: it forks.
    """

    def __init__(self, key: EngineKey) -> None:
        self._key = key
        self._local = LocalEngine()
        self._clusters: ClusterEngine | None = None
        if os.path.isdir(EnginePaths(key.root).cluster):
            self._cluster()

    def _cluster(self) -> ClusterEngine:
        """Return the engine of clusters, which most projects do without."""
        if self._clusters is None:
            from pyruns_jupyter.engine.cluster.engine import ClusterEngine

            self._clusters = ClusterEngine(self._key, self._local.has_owner)
        return self._clusters

    @property
    def descriptor(self) -> int:
        """What becomes readable when a job may have ended, as SIGCHLD also tells."""
        return self._local.descriptor

    @property
    def must_poll(self) -> bool:
        """Whether some ends are found only by looking about once a second (others raise SIGCHLD)."""
        return self._local.must_poll or (self._clusters is not None and self._clusters.must_poll)

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        """Start a supervisor for a queued job; on this machine, it holds the descriptors in `keep` while it
        lives.

        Raises:
            OSError: if the system has no room for another process now.
        """
        if job.options.is_local:
            self._local.start(job, keep=keep)
        else:
            self._cluster().start(job)

    def rest(self) -> None:
        """Let go of what is held ready for another job, and submit what was started."""
        self._local.rest()
        if self._clusters is not None:
            self._clusters.rest()

    def adopt(self, job: Job) -> None:
        """Watch a job that an earlier scheduler started and whose supervisor lives."""
        if job.options.is_local or not self._cluster().adopt(job):
            self._local.adopt(job)

    def finalize_orphan(self, job: Job) -> None:
        """End a job whose supervisor is dead: what is left of it is stopped, and its end is written down.

        Raises:
            OSError: if the system has no room for another process now.
        """
        self._local.finalize_orphan(job, None if job.options.is_local else self._cluster().take_word(job))

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        """Return whether the supervisor of a running job lives, or cannot be judged from here.

        Raises:
            OSError: if that cannot be determined at this moment.
        """
        if self._local.owner_lives(job, info):
            return True
        return not job.options.is_local and self._cluster().is_running(job)

    def cancel(self, job: Job) -> None:
        """Take back a started job that has not begun; `poll` returns it once that is done."""
        if not job.options.is_local:
            self._cluster().cancel(job)

    def has_begun(self, job: Job) -> bool:
        """Return whether a started job has begun, as far as is known."""
        return job.options.is_local or not self._cluster().is_waiting(job)

    def is_full(self, job: Job) -> bool:
        """Return whether no more of the batch of this job is to be started now."""
        return not job.options.is_local and self._cluster().is_full(job.batch)

    def pending(self) -> dict[str, Pending]:
        """Return of each batch, by id, how many started jobs have not begun, and why."""
        return self._clusters.pending() if self._clusters is not None else {}

    def obstacle(self, job: Job) -> str:
        """Return why a job that ended before it began will not begin; empty when it is worth another try."""
        return "" if job.options.is_local else self._cluster().obstacle(job)

    def forget(self, batch: str) -> None:
        """Drop what is known of a batch that is done."""
        if self._clusters is not None:
            self._clusters.forget(batch)

    def poll(self) -> list[Job]:
        """Return the jobs (started, adopted, orphaned) that are to be looked at again: most have ended."""
        ended = self._local.poll()
        return ended if self._clusters is None else ended + self._clusters.poll()
