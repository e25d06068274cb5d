"""A job: one queued run of one task, as the scheduler, the supervisors and the executors see it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from msgspec import Struct, field

from pyruns_jupyter.core.provenance.git_state import SourceState
from pyruns_jupyter.core.taskfile.paths import TASK_INFO, TASKS, TaskPaths
from pyruns_jupyter.core.taskfile.runs import FAILED

from .options import QueueOptions


class Job(Struct, frozen=True):
    """One queued run of one task, with all that a supervisor needs.

    Attributes:
        attempt: identifies this run before it has an index.
        environment, python: those of the front end that queued it.
        source: the state of the project's repository.
        code: the hash of the stored code that it starts from, empty for the project itself.
        options: those of its batch.
        first: in a retry, the attempt that was queued at first; `retries` counts the retries so far.
        resume: whether it is queued again if it is interrupted; `requeues` counts that so far.
        alone: whether an earlier run exhausted GPU memory that it shared, so that it gets exclusive GPUs.
        gpus: the UUIDs of its GPUs; `gpu_labels` are their names for users (`2`, `2:0` for a MIG device).
        cluster_job: the id of the job of a cluster in which it runs, empty on this machine.
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
    requeues: int = 0
    alone: bool = False
    gpus: tuple[str, ...] = ()
    gpu_labels: tuple[str, ...] = ()
    cluster_job: str = ""

    @property
    def task_file(self) -> str:
        """The path of the task file; faster than `paths`."""
        return f"{self.root}/{self.workspace}/{TASKS}/{self.task}/{TASK_INFO}"

    @property
    def paths(self) -> TaskPaths:
        """The paths of the task."""
        return _paths_of(f"{self.root}/{self.workspace}/{TASKS}/{self.task}")


@lru_cache(maxsize=16)  # a supervisor asks for those of its task again and again
def _paths_of(folder: str) -> TaskPaths:
    return TaskPaths(Path(folder))


class Pending(Struct, frozen=True):
    """How many submitted jobs have not begun, and why (a sentence); `next` are the first of their tasks."""

    count: int = 0
    why: str = ""
    next: tuple[str, ...] = ()


class EndReason(Struct, frozen=True):
    """Why a cluster ended a task, as a sentence for the user, and the status of its run.

    `interrupted`: the task did not cause it, and may run again. `is_time_limit`: it may run again if it saved
    a checkpoint.
    """

    message: str
    status: str = FAILED
    interrupted: bool = False
    is_time_limit: bool = False
