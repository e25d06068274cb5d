"""Looks at what became of tasks in a cluster."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.workspace.cluster_settings import JobResources
from pyruns_jupyter.engine.queue.status import QueuedBatch, read_queue
from tests.engine.support import Project
from tests.support import wait_until

# Waits until the file `go` is there, and says so when it is asked to end.
PATIENT = "trap 'echo told; exit 9' TERM; echo up; while [ ! -e go ]; do sleep 0.1; done"


def queued(project: Project) -> QueuedBatch:
    """The one queueing that is not done."""
    return wait_until(lambda: read_queue(project.root).batches)[0]


def why(project: Project, place: int = 0) -> str:
    """Why nothing more of a queueing starts, by its place in the queue."""
    batches = read_queue(project.root).batches
    return batches[place].why if len(batches) > place else ""


def messages(project: Project, name: str) -> dict[str, str]:
    return dict(project.info(name)["pyruns_jupyter"].get("messages", {}))


def told(project: Project, name: str) -> str:
    """Why a task that waited was cancelled."""
    return str(project.info(name)["pyruns_jupyter"]["queue"].get("message", ""))


def job_of(project: Project, name: str, run: int = 1) -> str:
    """What Slurm calls the job in which a run goes on."""
    wait_until(lambda: len(project.info(name).get("run_environments", ())) >= run)
    return str(project.info(name)["run_environments"][run - 1]["cluster_job"])


def need(**asked: Any) -> JobResources:
    """What a job asks for."""
    return JobResources.from_dict(asked)
