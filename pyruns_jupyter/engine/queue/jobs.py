"""What the scheduler needs from something that runs tasks; another kind of place is one more file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pyruns_jupyter.core.provenance.git_state import SourceState
from pyruns_jupyter.core.taskfile.paths import TASK_INFO, TASKS, TaskPaths
from pyruns_jupyter.core.taskfile.runs import FAILED
from pyruns_jupyter.core.taskfile.task_file import TaskInfo

from .options import QueueOptions


@dataclass(frozen=True, slots=True)
class Job:
    """One queued run of one task: all that a supervisor is told.

    `attempt` names this run before it has an index. `environment` and `python` are those of the front end
    that queued it; `source` is the state of the project's repository, `code` the hash of the stored code that
    the run starts from, empty when that is the project itself. `options` are those of the queueing. `first`
    is the attempt that was queued when this run is a later one, after `retries` that failed; `resume` tells
    whether it is queued again when a restart of the machine ends it. `gpus` are the UUIDs of the GPUs that it
    gets, `gpu_labels` what people call them (`2`, `2:0` for a MIG device); `alone` says that an earlier run
    died for lack of GPU memory beside others. `cluster_job` is what the cluster calls the job that it runs
    in, empty on this machine.
    """

    root: Path
    workspace: str
    task: str
    attempt: str
    batch: str
    environment: Mapping[str, str]
    python: str
    source: SourceState = field(default_factory=SourceState)
    code: str = ""
    options: QueueOptions = field(default_factory=QueueOptions)
    first: str = ""
    retries: int = 0
    resume: bool = False
    alone: bool = False
    gpus: tuple[str, ...] = ()
    gpu_labels: tuple[str, ...] = ()
    cluster_job: str = ""

    @property
    def task_file(self) -> str:
        """The task file, found faster than by `paths`."""
        return f"{self.root}/{self.workspace}/{TASKS}/{self.task}/{TASK_INFO}"

    @property
    def paths(self) -> TaskPaths:
        """Where everything of the task lies."""
        return TaskPaths(self.root / self.workspace / TASKS / self.task)


@dataclass(frozen=True)
class Pending:
    """How many started jobs have not begun, and `why`, a sentence; `next` are the first of their tasks."""

    count: int = 0
    why: str = ""
    next: tuple[str, ...] = ()


@dataclass(frozen=True)
class EndReason:
    """What a cluster says about the end of a task that did not end by itself: a sentence for the user.

    `interrupted`: it is no fault of the task, which may run again. `status` is what the run then has.
    """

    message: str
    status: str = FAILED
    interrupted: bool = False


class Engine(Protocol):
    """Runs jobs. The state of a run is read from its task file, never asked from here."""

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        """Start a supervisor for a waiting job; it holds the descriptors in `keep` as long as it lives.

        Raises:
            OSError: when the system has no room for another process now.
        """

    def rest(self) -> None:
        """Let go of what is held ready for another job: none starts now. Submit what was started."""

    def adopt(self, job: Job) -> None:
        """Watch a job that an earlier scheduler started and whose supervisor lives."""

    def finalize_orphan(self, job: Job) -> None:
        """End a job whose supervisor is dead: what is left of it is stopped and its run is written down.

        Raises:
            OSError: when the system has no room for another process now.
        """

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        """Tell whether the supervisor of a running job lives, or cannot be judged from here.

        Raises:
            OSError: when that cannot be told at this moment.
        """

    def cancel(self, job: Job) -> None:
        """Take back a started job that has not begun; `poll` returns it once that is done."""

    def has_begun(self, job: Job) -> bool:
        """Tell whether a started job has begun, as far as is known."""

    def is_full(self, job: Job) -> bool:
        """Tell whether no more of the batch of this job is to be started now."""

    def pending(self) -> dict[str, Pending]:
        """Return of each batch, by id, how many started jobs have not begun, and why."""

    def obstacle(self, job: Job) -> str:
        """Return why a job that ended before it began will not begin; empty when it is worth another try."""

    def forget(self, batch: str) -> None:
        """Drop what is known of a batch that is done."""

    def poll(self) -> list[Job]:
        """Return the jobs (started, adopted, buried) that are to be looked at again: most have ended."""

    @property
    def descriptor(self) -> int:
        """What becomes readable when a job may have ended, as SIGCHLD also tells."""

    @property
    def must_poll(self) -> bool:
        """Whether some ends are found only by looking about once a second (others raise SIGCHLD)."""
