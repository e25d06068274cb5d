"""A job: one queued run of one task, as the scheduler, the supervisors and the executors know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyruns_jupyter.core.provenance.git_state import SourceState
from pyruns_jupyter.core.taskfile.paths import TASK_INFO, TASKS, TaskPaths
from pyruns_jupyter.core.taskfile.runs import FAILED

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

    `interrupted`: it is not the task's fault, and the task may run again. `status` is what the run then has.
    """

    message: str
    status: str = FAILED
    interrupted: bool = False
