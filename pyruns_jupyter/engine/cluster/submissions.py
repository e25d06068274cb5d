"""The jobs that a cluster was given: a file each in `_pyruns_/.engine/cluster/`, deleted when all has ended.

A file is in place before the cluster is asked, and gets the job's id after it answered. So a scheduler that
comes after one that was killed in between knows what to look for (`Cluster.find` by the file's name); and a
process inside a job knows by it which tasks the job is for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import CLUSTER, EngineKey
from pyruns_jupyter.core.trust.signatures import SealedFolder

SUFFIX = ".json"
_OUTPUT_SUFFIX = ".out"
_JOB_ID = re.compile(r"[0-9]{1,20}")
_MAX_OUTPUT = 65536  # bytes


@dataclass(frozen=True)
class ClusterSubmission:
    """One job that a cluster was given, or is about to be: `job` is its id, empty as long as it is not known.

    Task number n of the job is for `tasks[n]` of the batch. `source` is the state of the repository when it
    was submitted.
    """

    engine: str
    batch: str
    workspace: str
    tasks: tuple[str, ...]
    source: dict[str, Any] = field(default_factory=dict)
    job: str = ""
    id: str = field(default_factory=new_token)

    @property
    def tag(self) -> str:
        """By what the cluster finds the job again."""
        return f"pyruns:{self.id}"

    def known_as(self, job: str) -> ClusterSubmission:
        """Return the submission with the id that the cluster gave it."""
        return replace(self, job=job)

    def write(self, key: EngineKey) -> None:
        """Put its file into place, durably.

        Raises:
            OSError: if that is not possible.
        """
        _files(key).write(self.id, {**vars(self), "tasks": list(self.tasks)})

    @classmethod
    def read(cls, key: EngineKey, submission: str) -> ClusterSubmission:
        """Return a submission that was made here.

        Raises:
            FileNotFoundError: if it is done.
            Untrusted: if it was not made here.
            Unreadable: if its file is damaged.
            OSError: if it cannot be read at this moment.
        """
        return cls.from_dict(_files(key).read(submission), submission)

    @classmethod
    def from_dict(cls, value: dict[str, Any], submission: str) -> ClusterSubmission:
        """Return the submission that `write` stored.

        Raises:
            Unreadable: if something is missing, of the wrong type, or no job id of a cluster.
        """
        try:
            return cls(
                id=submission,
                engine=str(value["engine"]),
                batch=str(value["batch"]),
                workspace=str(value["workspace"]),
                tasks=tuple(map(str, value["tasks"])),
                source=dict(value.get("source") or {}),
                job=check_job_id(str(value.get("job") or "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"The file of the cluster job {submission} is damaged: {error!r}.") from error

    def output(self, paths: EnginePaths) -> Path:
        """Return the path of what its processes say themselves; `%` stands for the number of the task."""
        return paths.cluster / f"{self.id}.%{_OUTPUT_SUFFIX}"

    def remove(self, key: EngineKey) -> None:
        """Remove the files of a job none of whose tasks is queued or running.

        Raises:
            OSError: if that cannot be done now.
        """
        pattern = self.output(EnginePaths(key.root))
        for number in range(len(self.tasks)):
            with suppress(FileNotFoundError):
                output_of(pattern, number).unlink()
        _files(key).remove(self.id)


def check_job_id(job: str) -> str:
    """Return the id of a job in a cluster, empty if it is not known yet.

    Raises:
        ValueError: if it could be read as something else on a command line.
    """
    if job and not _JOB_ID.fullmatch(job):
        raise ValueError(f"{job!r} is not the id of a job")
    return job


def _files(key: EngineKey) -> SealedFolder:
    return SealedFolder(key, CLUSTER, SUFFIX)


def output_of(pattern: Path, number: int) -> Path:
    """Return the path of the output of task `number`."""
    return pattern.with_name(pattern.name.replace("%", str(number)))


def read_output(pattern: Path, number: int) -> str:
    """Return the end of what a task's process said itself, empty when nothing."""
    try:
        with output_of(pattern, number).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _MAX_OUTPUT))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def submissions(key: EngineKey) -> Iterator[ClusterSubmission]:
    """Yield the jobs that are not done; damaged and foreign files are passed over."""
    for name in _files(key).names():
        with suppress(FileNotFoundError, Unreadable, Untrusted):
            yield ClusterSubmission.read(key, name)
