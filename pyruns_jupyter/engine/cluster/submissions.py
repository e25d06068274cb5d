"""The jobs that a cluster was given: a file each in `_pyruns_/.engine/cluster/`, deleted when all has ended.

A file is in place before the cluster is asked, and gets the job's id after it answered. So a scheduler that
comes after one that was killed in between knows what to look for (`Cluster.find` by the file's name); and a
process inside a job knows by it which tasks the job is for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.errors import Unreadable
from pyruns_jupyter.core.files import dump_json, parse_json, write_atomic
from pyruns_jupyter.core.host import new_token
from pyruns_jupyter.core.layout import EnginePaths
from pyruns_jupyter.core.place import Place

SUFFIX = ".json"
_OUTPUT_SUFFIX = ".out"
_MOST_OUTPUT = 65536  # bytes


@dataclass(frozen=True)
class Submission:
    """One job that a cluster was given, or is about to be: `job` is its id, empty as long as it is not known.

    Task number n of the job is for `tasks[n]` of the batch. `source` is the state of the repository when it
    was submitted, `place` that of the engine's folder.
    """

    id: str
    engine: str
    batch: str
    workspace: str
    tasks: tuple[str, ...]
    source: dict[str, Any] = field(default_factory=dict)
    place: Place | None = None
    job: str = ""

    @classmethod
    def new(
        cls,
        paths: EnginePaths,
        engine: str,
        batch: str,
        workspace: str,
        tasks: tuple[str, ...],
        source: dict[str, Any],
    ) -> Submission:
        """Return the submission of a job of this moment."""
        return cls(new_token(), engine, batch, workspace, tasks, source, Place.of(paths.folder))

    @property
    def tag(self) -> str:
        """By what the cluster finds the job again."""
        return f"pyruns:{self.id}"

    def known_as(self, job: str) -> Submission:
        """Return the submission with the id that the cluster gave it."""
        return replace(self, job=job)

    def write(self, paths: EnginePaths) -> None:
        """Put its file into place, durably.

        Raises:
            OSError: when that is not possible.
        """
        place = None if self.place is None else self.place.to_dict()
        content = {**vars(self), "tasks": list(self.tasks), "place": place}
        write_atomic(paths.cluster / f"{self.id}{SUFFIX}", dump_json(content))

    @classmethod
    def read(cls, paths: EnginePaths, submission: str) -> Submission:
        """Return a submission.

        Raises:
            FileNotFoundError: when it is done.
            Unreadable: when its file is damaged.
            OSError: when it cannot be read at this moment.
        """
        path = paths.cluster / f"{submission}{SUFFIX}"
        value = parse_json(path.read_bytes(), path)
        try:
            return cls(
                id=submission,
                engine=str(value["engine"]),
                batch=str(value["batch"]),
                workspace=str(value["workspace"]),
                tasks=tuple(map(str, value["tasks"])),
                source=dict(value.get("source") or {}),
                place=Place.from_dict(value.get("place")),
                job=str(value.get("job") or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"{path} is no job that a cluster was given: {error!r}.") from error

    def was_copied(self, paths: EnginePaths) -> bool:
        """Tell whether it is that of another folder, of which this one is a copy."""
        with suppress(OSError):
            return self.place is not None and self.place.is_copied_to(paths.folder)
        return False

    def output(self, paths: EnginePaths) -> Path:
        """Return the path of what its processes say themselves; `%` stands for the number of the task."""
        return paths.cluster / f"{self.id}.%{_OUTPUT_SUFFIX}"

    def remove(self, paths: EnginePaths) -> None:
        """Forget a job of which nothing waits or runs.

        Raises:
            OSError: when that cannot be done now.
        """
        for number in range(len(self.tasks)):
            with suppress(FileNotFoundError):
                output_of(self.output(paths), number).unlink()
        (paths.cluster / f"{self.id}{SUFFIX}").unlink(missing_ok=True)


def output_of(pattern: Path, number: int) -> Path:
    """Return the path of the output of task `number`."""
    return pattern.with_name(pattern.name.replace("%", str(number)))


def read_output(pattern: Path, number: int) -> str:
    """Return the end of what a task's process said itself, empty when nothing."""
    try:
        with output_of(pattern, number).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _MOST_OUTPUT))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def submissions(paths: EnginePaths) -> Iterator[Submission]:
    """Yield the jobs that are not done; damaged files are passed over."""
    try:
        names = sorted(os.listdir(paths.cluster))
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith(SUFFIX) and not name.startswith("."):
            with suppress(FileNotFoundError, Unreadable):
                yield Submission.read(paths, name.removesuffix(SUFFIX))
