"""The tasks that a cluster has and those that it is to get; looking one up costs the same however many."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from pyruns_jupyter.engine.queue.jobs import Job

from .base import Phase
from .outcomes import Key
from .submissions import ClusterSubmission


@dataclass(eq=False)
class FollowedTask:
    """A task that is part of a job: number `number` of a submission. `held`: the scheduler waits for its end;
    `doubtful`: its run may have lost its supervisor.
    """

    job: Job
    submission: str
    number: int
    phase: Phase = Phase.WAITS
    why: str = ""
    held: bool = True
    since: float = field(default_factory=time.monotonic)  # it is held, or not
    doubtful: bool = False
    cancelled: bool = False


class Followed(dict[Key, FollowedTask]):
    """The tasks that are followed. Use `put` and `take` to change which ones."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()  # by submission

    def put(self, key: Key, task: FollowedTask) -> None:
        """Follow a task, which may have been part of an earlier submission."""
        if key in self:
            self.take(key)
        self[key] = task
        self._counts[task.submission] += 1

    def take(self, key: Key) -> FollowedTask:
        """Follow a task no more, and return it."""
        task = self.pop(key)
        self._counts[task.submission] -= 1
        if not self._counts[task.submission]:
            del self._counts[task.submission]
        return task

    def count(self, submission: str) -> int:
        """Return how many tasks of a submission are followed."""
        return self._counts[submission]

    def keys_of(self, known: ClusterSubmission) -> list[Key]:
        """Return the keys of the tasks of a submission that are followed."""
        keys = ((known.batch, name) for name in known.tasks)
        return [key for key in keys if key in self and self[key].submission == known.id]


class Wanted:
    """Jobs that are to be submitted."""

    def __init__(self) -> None:
        self._jobs: dict[str, dict[str, Job]] = {}  # by batch and task

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __contains__(self, job: Job) -> bool:
        return job.task in self._jobs.get(job.batch, ())

    def add(self, job: Job) -> None:
        """Add a job, in place of another one of its task."""
        self._jobs.setdefault(job.batch, {})[job.task] = job

    def remove(self, job: Job) -> None:
        """Remove a job."""
        jobs = self._jobs[job.batch]
        del jobs[job.task]
        if not jobs:
            del self._jobs[job.batch]

    def count(self, batch: str) -> int:
        """Return how many jobs of a batch are wanted."""
        return len(self._jobs.get(batch, ()))

    def by_batch(self) -> list[tuple[str, list[Job]]]:
        """Return the jobs of each batch."""
        return [(batch, list(jobs.values())) for batch, jobs in self._jobs.items()]
