"""The tasks of a cluster's jobs: those that are followed, and the outcomes of those that ended."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from pyruns_jupyter.core.taskfile.runs import CANCELLED
from pyruns_jupyter.engine.queue.jobs import EndReason, Job

from .base import Phase
from .submissions import ClusterSubmission

Key = tuple[str, str]  # batch and task

_MAX_ATTEMPTS = 3


@dataclass(eq=False)
class FollowedTask:
    """Task number `number` of a submission.

    Attributes:
        why: why it waits, the end of a sentence.
        held: whether the scheduler waits for its end.
        since: when `held` changed (monotonic).
        doubtful: whether its run may have lost its supervisor.
        cancelled: whether it is to be cancelled.
    """

    job: Job
    submission: str
    number: int
    phase: Phase = Phase.WAITS
    why: str = ""
    held: bool = True
    since: float = field(default_factory=time.monotonic)
    doubtful: bool = False
    cancelled: bool = False


class FollowedTasks(dict[Key, FollowedTask]):
    """The followed tasks; use `put` and `take` to change them. Each call costs the same however many there
    are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()  # by submission

    def put(self, key: Key, task: FollowedTask) -> None:
        """Add a task; it replaces that of an earlier submission."""
        if key in self:
            self.take(key)
        self[key] = task
        self._counts[task.submission] += 1

    def take(self, key: Key) -> FollowedTask:
        """Remove and return a task."""
        task = self.pop(key)
        self._counts[task.submission] -= 1
        if not self._counts[task.submission]:
            del self._counts[task.submission]
        return task

    def count(self, submission: str) -> int:
        """Return the number of followed tasks of a submission."""
        return self._counts[submission]

    def keys_of(self, known: ClusterSubmission) -> list[Key]:
        """Return the keys of the followed tasks of a submission."""
        keys = ((known.batch, name) for name in known.tasks)
        return [key for key in keys if key in self and self[key].submission == known.id]


class TaskOutcomes:
    """What a cluster reported about ended tasks; decides whether to submit one again."""

    def __init__(self, title: str) -> None:
        """`title` is that of the cluster."""
        self._title = title
        self._refusals: dict[Key, str] = {}
        self._reasons: dict[Key, tuple[EndReason, str]] = {}
        self._failures: Counter[Key] = Counter()

    def add_refusal(self, key: Key, why: str) -> None:
        """Store why the cluster rejected the job of a task."""
        self._refusals[key] = why

    def add_reason(self, key: Key, reason: EndReason, output: str) -> None:
        """Store why the cluster ended a task; `output` is what its process wrote."""
        self._reasons[key] = reason, output

    def take_reason(self, key: Key) -> EndReason | None:
        """Return and remove the reason for the end of a task that began, None without one."""
        found = self._reasons.pop(key, None)
        return None if found is None else found[0]

    def obstacle(self, key: Key) -> str:
        """Return why a task that never began is given up; empty if it is to be submitted again."""
        refusal, found = self._refusals.pop(key, ""), self._reasons.pop(key, None)
        if refusal:
            return f"Cancelled: {refusal}"
        if found is None:
            return ""
        reason, output = found
        if reason.status == CANCELLED:
            return f"Cancelled: {reason.message}"
        self._failures[key] += not reason.interrupted
        if self._failures[key] < _MAX_ATTEMPTS:
            return ""
        last = output.strip().rpartition("\n")[2].strip() or reason.message
        return (
            f"Cancelled because its {self._title} job ended {_MAX_ATTEMPTS} times before the task could "
            f"start. {last}"
        )

    def forget(self, batch: str) -> None:
        """Drop the outcomes of a batch that is done."""
        for known in (self._refusals, self._reasons, self._failures):
            for key in [key for key in known if key[0] == batch]:
                del known[key]
