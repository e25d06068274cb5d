"""The interface to a cluster: submit, look, cancel. Each kind of cluster is a file, such as `slurm.py`.

All calls may block while the cluster does not respond, so they are made in separate processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from pyruns_jupyter.core.workspace.cluster_settings import DASK, SLURM, ClusterAccess, JobResources
from pyruns_jupyter.engine.queue.jobs import EndReason

Element = tuple[str, int]  # the id of a job, and the number of a task in it


class Phase(Enum):
    """The state of a task of a job in the cluster."""

    WAITS = "waits"
    RUNS = "runs"
    ENDED = "ended"


def lost_node(cluster: Cluster, job: str) -> EndReason:
    """Return the reason for a run that ended with its node while its job continues elsewhere."""
    node = cluster.node
    return EndReason(
        f"The {node} of {cluster.title} job {job} failed, or the job was removed from the {node}.",
        interrupted=True,
    )


@dataclass(frozen=True)
class JobState:
    """The state of a task of a job: why it waits (the end of a sentence), or the reason of its end."""

    phase: Phase
    why: str = ""
    reason: EndReason | None = None


@dataclass(frozen=True)
class JobRequest:
    """A job of `count` tasks, of which at most `concurrency` run in parallel.

    Attributes:
        tag: identifies the job; `name` is for users.
        command: is started in `folder` for each task.
        output: the file for its output, with `%` for the number of the task.
        requeue: whether it is started again if its node fails or it is preempted.
        signal: the signal before the time limit, as `USR1@120`; empty for none.
    """

    tag: str
    name: str
    count: int
    concurrency: int
    need: JobResources
    command: Sequence[str]
    folder: Path
    output: Path
    requeue: bool
    signal: str = ""


@dataclass(frozen=True)
class JobContext:
    """The context of a process in a job: the job's name for users, the number of its task, its GPUs.

    `variables` are those that the cluster sets in the environment of the front end, or removes (None).
    Without them, the environment of the process is that of the front end as the cluster changed it.
    """

    job: str
    number: int
    gpus: tuple[str, ...] = ()
    variables: Mapping[str, str | None] | None = None


class Refused(Exception):
    """The cluster rejects a job, with its message; `is_crowded`: only because it has too many jobs now."""

    def __init__(self, message: str, *, is_crowded: bool = False) -> None:
        super().__init__(message)
        self.message, self.is_crowded = message, is_crowded


class Unreachable(Exception):
    """The cluster does not respond: whether it did what was requested is unknown."""


class Cluster(Protocol):
    """Runs jobs. Its methods raise Unreachable when it does not respond, except for `obstacle` and the last
    two.

    Attributes:
        title: its name for users; `node` is its word for a machine or process that runs jobs.
        limits_concurrency: whether it limits how many tasks of a job run in parallel. Otherwise, no more
            tasks are submitted than may run.
        is_durable: whether it knows its jobs also after a restart of its own, and ends what a job left on a
            node before it starts the job again.
    """

    title: str
    node: str
    limits_concurrency: bool
    is_durable: bool

    def obstacle(self) -> str:
        """Return why this machine cannot submit jobs, as the end of a sentence; empty if it can."""

    def max_tasks(self) -> int:
        """Return how many tasks a job may have."""

    def submit(self, request: JobRequest) -> str:
        """Submit a job; return its id.

        Raises:
            Refused: when it is rejected.
        """

    def find(self, tag: str) -> str:
        """Return the id of the job with this tag, empty if there is none."""

    def look(self, jobs: Sequence[str]) -> dict[Element, JobState]:
        """Return the states of the tasks of jobs, without those that the cluster does not know any more."""

    def cancel(self, elements: Sequence[Element]) -> None:
        """Cancel tasks; those that have ended are ignored."""

    def inside(self) -> JobContext:
        """Return the context of this process; to be called inside a job."""

    def end_reason_from_output(self, output: str, inside: JobContext) -> EndReason | None:
        """Return the reason that the cluster wrote to the output of a job when it ended it, None if none."""


def cluster_of(
    engine: str,
    environment: Mapping[str, str],
    access: ClusterAccess = ClusterAccess(),  # noqa: B008  # frozen
) -> Cluster:
    """Return the cluster of an executor (`CLUSTERS`), for a user with this environment."""
    if engine == DASK:
        from .dask import Dask

        return Dask(environment, access)
    assert engine == SLURM, engine
    from .slurm import Slurm

    return Slurm(environment)
