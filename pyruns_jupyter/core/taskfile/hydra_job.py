"""The part of a task file that marks a job of Hydra's multirun; `pyruns_jupyter.hydra_launcher` runs it."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput

from .task_file import TaskInfo, own_facts

KEY = "hydra_job"


class HydraJob(NamedTuple):
    """A job of Hydra, whose configuration is in the file `HYDRA_JOB` of the task folder.

    Attributes:
        overrides: the arguments of its script.
        packages: the number of packages that contain the script, if it was started with `python -m`.
    """

    overrides: tuple[str, ...]
    packages: int = 0

    def to_facts(self) -> dict[str, Any]:
        """Return our own facts in the task file of this job."""
        return {KEY: {"overrides": list(self.overrides), "packages": self.packages}}


def hydra_job_of(info: TaskInfo) -> HydraJob | None:
    """Return the job of Hydra that a task is, None if it is not one.

    Raises:
        InvalidInput: if the task file does not describe it correctly.
    """
    facts = own_facts(info).get(KEY)
    if facts is None:
        return None
    given: dict[str, Any] = facts if isinstance(facts, dict) else {}
    overrides, packages = given.get("overrides"), given.get("packages")
    if (
        not isinstance(overrides, list)
        or not all(isinstance(one, str) and "\0" not in one for one in overrides)
        or type(packages) is not int
        or packages < 0
    ):
        raise InvalidInput(f"The entry {KEY!r} in the task file is not valid. Duplicate the task.", field=KEY)
    return HydraJob(tuple(overrides), packages)
