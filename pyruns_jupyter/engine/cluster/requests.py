"""What a cluster is asked, with answers as data for JSON (see `async_calls`)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pyruns_jupyter.core.trust.engine_key import EngineKey

from .async_calls import Answer
from .base import Cluster, Element, JobRequest, Refused
from .submissions import ClusterSubmission


def most_tasks(cluster: Cluster) -> Answer:
    """How many tasks may a job have?"""
    return {"most": cluster.most_tasks()}


def submit(cluster: Cluster, request: JobRequest, submission: ClusterSubmission, key: EngineKey) -> Answer:
    """Take this job, please; its id is noted in the file of the submission."""
    try:
        job = cluster.submit(request)
    except Refused as error:
        return {"refused": error.message.rstrip("."), "is_crowded": error.is_crowded}
    return _note(submission, job, key)


def find(cluster: Cluster, submission: ClusterSubmission, key: EngineKey) -> Answer:
    """Did you take this job? The answer has no id when it did not."""
    job = cluster.find(submission.tag)
    return _note(submission, job, key) if job else {"job": ""}


def _note(submission: ClusterSubmission, job: str, key: EngineKey) -> Answer:
    with suppress(OSError):  # a full disk: the tag finds it again
        submission.known_as(job).write(key)
    return {"job": job}


def look(cluster: Cluster, jobs: Sequence[str]) -> Answer:
    """How do the tasks of these jobs stand?"""
    found = cluster.look(jobs)
    return {
        "states": [
            [*element, state.phase.value, state.why, None if state.word is None else vars(state.word)]
            for element, state in found.items()
        ]
    }


def cancel(cluster: Cluster, elements: Sequence[Element]) -> Answer:
    """End these."""
    cluster.cancel(elements)
    return {}
