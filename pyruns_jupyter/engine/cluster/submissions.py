"""The jobs that were submitted to a cluster: a file each in `_pyruns_/.engine/cluster/`, until they have
ended.

A file is written before the job is submitted, and gets the id of the job afterwards. If a scheduler is killed
in between, the next one finds the job by the tag in the file (`Cluster.find`). A process inside a job reads
from the file which tasks the job is for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, convert

from pyruns_jupyter.core.common.errors import Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import CLUSTER, EngineKey
from pyruns_jupyter.core.trust.signatures import SealedFolder

SUFFIX = ".json"
_OUTPUT_SUFFIX = ".out"
_MAX_OUTPUT = 65536  # bytes


@dataclass(frozen=True)
class ClusterSubmission:
    """A job that is submitted to a cluster; `job` is its id there, empty while that is unknown.

    Task number n of the job is for `tasks[n]` of the batch. `source` is the state of the repository when it
    was submitted.
    """

    engine: str
    batch: str
    workspace: str
    tasks: tuple[str, ...]
    source: dict[str, Any] = field(default_factory=dict)
    job: Annotated[str, Meta(pattern=r"\A[0-9a-f]{0,32}\Z")] = ""  # nothing else on a command line
    id: str = field(default_factory=new_token)

    @property
    def tag(self) -> str:
        """The tag by which the cluster finds the job."""
        return f"pyruns:{self.id}"

    def known_as(self, job: str) -> ClusterSubmission:
        """Return the submission with the id of its job."""
        return replace(self, job=job)

    def write(self, key: EngineKey) -> None:
        """Write its file durably.

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
            Unreadable: if a field is missing, or its value is not valid.
        """
        try:
            return convert({**value, "id": submission}, cls)
        except ValueError as error:
            raise Unreadable(f"The file of the cluster job {submission} is damaged: {error}.") from error

    def output(self, paths: EnginePaths) -> Path:
        """Return the path of the output of its processes, with `%` for the number of the task."""
        return paths.cluster / f"{self.id}.%{_OUTPUT_SUFFIX}"

    def remove(self, key: EngineKey) -> None:
        """Remove the files of a job without queued or running tasks.

        Raises:
            OSError: if that is not possible now.
        """
        pattern = self.output(EnginePaths(key.root))
        for number in range(len(self.tasks)):
            with suppress(FileNotFoundError):
                output_of(pattern, number).unlink()
        _files(key).remove(self.id)


def _files(key: EngineKey) -> SealedFolder:
    return SealedFolder(key, CLUSTER, SUFFIX)


def output_of(pattern: Path, number: int) -> Path:
    """Return the path of the output of task `number`."""
    return pattern.with_name(pattern.name.replace("%", str(number)))


def output_size(pattern: Path, number: int) -> int:
    """Return the size of the output of a task's process, 0 if there is none."""
    try:
        return output_of(pattern, number).stat().st_size
    except OSError:
        return 0


def read_output(pattern: Path, number: int, start: int = 0) -> str:
    """Return the end of the output of a task's process, from byte `start` on; empty if there is none."""
    try:
        with output_of(pattern, number).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(start, size - _MAX_OUTPUT))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def submissions(key: EngineKey) -> Iterator[ClusterSubmission]:
    """Yield the jobs that are not done; damaged and foreign files are skipped."""
    for name in _files(key).names():
        with suppress(FileNotFoundError, Unreadable, Untrusted):
            yield ClusterSubmission.read(key, name)
