"""What is asked of a cluster: submit, look, cancel. Another kind of cluster is one more file like `slurm.py`.

All of it may block for as long as the cluster takes; it is called from processes of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from pyruns_jupyter.core.workspace.cluster_settings import SLURM, JobResources
from pyruns_jupyter.engine.queue.jobs import EndReason

Element = tuple[str, int]  # the job's id, and which of its tasks


class Phase(Enum):
    """Where a task of a job stands for the cluster."""

    WAITS = "waits"
    RUNS = "runs"
    ENDED = "ended"


def lost_node(job: str) -> EndReason:
    """Return the word on a run that ended with its node, or was taken off it, unseen; its job goes on."""
    return EndReason(f"The node of its job {job} failed, or was taken from it.", interrupted=True)


@dataclass(frozen=True)
class JobState:
    """How a task of a job stands: `why` it waits, a sentence; its last `word` when it ended."""

    phase: Phase
    why: str = ""
    word: EndReason | None = None


@dataclass(frozen=True)
class JobRequest:
    """A job of `count` tasks, of which at most `at_once` run at a time.

    `tag` finds it again, `name` is for people. `command` is started for each task in `folder`; what it says
    goes to `output`, in which `%` stands for the number of the task. `again`: it is to be started again when
    its node fails or is taken from it.
    """

    tag: str
    name: str
    count: int
    at_once: int
    need: JobResources
    command: Sequence[str]
    folder: Path
    output: Path
    again: bool


@dataclass(frozen=True)
class JobContext:
    """What a process knows that runs in a job: its `job` as people call it, which of its tasks it is for
    (`number`), and the `gpus` it was given.
    """

    job: str
    number: int
    gpus: tuple[str, ...] = ()


class Refused(Exception):
    """The cluster will not have this job, and says why; `is_crowded`: it has too many of ours now."""

    def __init__(self, message: str, *, is_crowded: bool = False) -> None:
        super().__init__(message)
        self.message, self.is_crowded = message, is_crowded


class Unreachable(Exception):
    """The cluster does not answer: what it was asked to do may have been done or not."""


class Cluster(Protocol):
    """Runs jobs."""

    title: str  # what people call it

    def most_tasks(self) -> int:
        """Return how many tasks one job may have.

        Raises:
            Unreachable: when it does not answer.
        """

    def submit(self, request: JobRequest) -> str:
        """Give it a job; return the job's id.

        Raises:
            Refused, Unreachable: when it does not take it, or may not have.
        """

    def find(self, tag: str) -> str:
        """Return the id of the job with this tag, empty without one.

        Raises:
            Unreachable: when it does not answer.
        """

    def look(self, jobs: Sequence[str]) -> dict[Element, JobState]:
        """Return how the tasks of jobs stand; what it does not know any more is left out.

        Raises:
            Unreachable: when it does not answer.
        """

    def cancel(self, elements: Sequence[Element]) -> None:
        """End tasks; those that ended already are passed over.

        Raises:
            Unreachable: when it does not answer.
        """

    def inside(self) -> JobContext:
        """Return where this process runs; to be called inside a job."""

    def end_reason_from_output(self, output: str, inside: JobContext) -> EndReason | None:
        """Return what the cluster wrote into a job's output about its end, None when nothing."""


def cluster_of(engine: str, environment: Mapping[str, str]) -> Cluster:
    """Return the cluster that an engine (`slurm`) stands for, as who has this environment reaches it."""
    assert engine == SLURM, engine
    from .slurm import Slurm

    return Slurm(environment)
