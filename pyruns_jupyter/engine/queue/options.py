"""How a queueing wants its tasks run: order, limits, dependencies, retries. Stored with its batch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from dataclasses import dataclass, fields
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, is_task_name
from pyruns_jupyter.core.workspace.cluster_settings import ENGINES, LOCAL, NOTHING, JobResources
from pyruns_jupyter.core.workspace.settings import MAX_GPUS

MAX_JOBS = 1000
MAX_PRIORITY = 1_000_000
MAX_RETRIES = 100
MAX_AFTER = 1000
MAX_GPU_GIB = 100_000
MAX_MEMORY = 1 << 60  # bytes
_DEVICE = re.compile(r"\d{1,4}(:\d{1,3})?|(GPU|MIG)-[0-9A-Za-z/-]{4,100}")
_MAX_SECONDS = 10 * 365 * 86400.0  # seconds
MAX_RETRY_DELAY = 3600.0


@dataclass(frozen=True)
class After:
    """A task that has to end before a batch starts; with `ok` it has to complete."""

    workspace: str
    task: str
    ok: bool = True

    def __str__(self) -> str:
        return f"{self.workspace}/{self.task}"


@dataclass(frozen=True)
class QueueOptions:
    """How the tasks of one queueing are run.

    Attributes:
        jobs: how many of them run at a time (from 1 to 1000).
        priority: batches with a higher one start first; equal ones in the order they were queued.
        after: tasks of the project that have to end before the first of these starts.
        retries: how often a task that failed is run again (0 to 100); stopping it is no failure.
        retry_delay: seconds before the first retry, doubled for each further one, at most an hour.
        time_limit: seconds after which a run is stopped and counts as failed; None for no limit.
        grace: seconds between asking a run to stop and killing it; None for `stop_grace_seconds` of the
            settings.
        stop_after: after so many runs in a row that failed in the same way, what still waits is cancelled; 0
            never, None for `stop_after_failures` of the settings.
        resume: whether runs that a restart of the machine or container ended are queued again; None for
            `resume` of the settings.
        gpus: how many GPUs each task gets, 0 for none; None as the settings say.
        gpu_memory: GiB that a task uses of each of its GPUs, which it may then share with others; None for
            whole GPUs.
        gpu_devices: indices or UUIDs of the GPUs to choose from; empty as the settings say.
        retry_alone: whether a task that runs out of GPU memory is run again with whole GPUs.
        memory: bytes that each task may use, reserved for it while it runs; None for no limit.
        engine: where they run: `local` (this machine) or `slurm`; None as the settings say.
        cluster: what each asks of the cluster, completed by the settings.
    """

    jobs: int = 1
    priority: int = 0
    after: tuple[After, ...] = ()
    retries: int = 0
    retry_delay: float = 10.0
    time_limit: float | None = None
    grace: float | None = None
    stop_after: int | None = None
    resume: bool | None = None
    gpus: int | None = None
    gpu_memory: float | None = None
    gpu_devices: tuple[str, ...] = ()
    retry_alone: bool = False
    memory: int | None = None
    engine: str | None = None
    cluster: JobResources = NOTHING

    @property
    def is_local(self) -> bool:
        """Whether the tasks of a stored queueing run on the machine of the scheduler."""
        return self.engine in (None, LOCAL)

    @property
    def local_memory(self) -> int | None:
        """Bytes that each task may use on the machine of the scheduler; a cluster limits them itself."""
        return self.memory if self.is_local else None

    def check(self) -> QueueOptions:
        """Return these options when they can be used.

        Raises:
            InvalidInput: with the option as `field`.
        """
        for field, rule in _RULES.items():
            problem = rule(getattr(self, field))
            if problem:
                raise InvalidInput(f"{field} {problem}, not {shown(getattr(self, field))}.", field=field)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as data for JSON."""
        stored: dict[str, Any] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        if self.after:
            stored["after"] = [vars(one) for one in self.after]
        if self.gpu_devices:
            stored["gpu_devices"] = list(self.gpu_devices)
        if "cluster" in stored:
            stored["cluster"] = self.cluster.to_dict()
        return stored

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> QueueOptions:
        """Return the options that `to_dict` gave; unknown keys, of a later version, are left out.

        Raises:
            InvalidInput: when a value cannot be used.
            TypeError, KeyError: when one has the wrong type.
        """
        known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        if "after" in known:
            check_after_count(known["after"])
            known["after"] = tuple(
                After(str(one["workspace"]), str(one["task"]), one.get("ok") is not False)
                for one in known["after"]
            )
        if "gpu_devices" in known:
            known["gpu_devices"] = tuple(map(str, known["gpu_devices"]))
        if "cluster" in known:
            known["cluster"] = JobResources.from_dict(known["cluster"])
        return cls(**known).check()

    def delay(self, retry: int) -> float:
        """Return the seconds before retry number `retry` (from 1)."""
        return min(MAX_RETRY_DELAY, self.retry_delay * 2.0 ** min(retry - 1, 64))


def _whole(low: int, high: int) -> Callable[[Any], str]:
    def rule(value: Any) -> str:
        fits = type(value) is int and low <= value <= high
        return "" if fits else f"must be a whole number from {low} to {high}"

    return rule


def _seconds(value: Any, low: float = 0.0) -> str:
    fits = type(value) in (int, float) and low <= value <= _MAX_SECONDS
    return "" if fits else f"must be a number of seconds, {'more than 0' if low else '0 or more'}"


def _optional(rule: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: "" if value is None else rule(value)


def _after(value: Any) -> str:
    if not isinstance(value, tuple):
        return "must be a list of tasks"
    for one in value:
        is_workspace = one.workspace == SHELL_WORKSPACE or is_task_name(one.workspace)
        if not is_workspace or not is_task_name(one.task):
            return "must name tasks of this project"
    return ""


def check_after_count(names: Sized) -> None:
    """Check that there are not too many tasks to run after.

    Raises:
        InvalidInput: with `field` "after".
    """
    if len(names) > MAX_AFTER:
        raise InvalidInput(
            f"after must hold at most {MAX_AFTER:,} tasks, not {len(names):,}.",
            field="after",
        )


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _gpu_memory(value: Any) -> str:
    fits = type(value) in (int, float) and 0 < value <= MAX_GPU_GIB
    return "" if fits else f"must be a number of GiB, more than 0 and at most {MAX_GPU_GIB}"


def _devices(value: Any) -> str:
    if (
        isinstance(value, tuple)
        and len(value) <= MAX_GPUS
        and all(_DEVICE.fullmatch(str(one)) for one in value)
    ):
        return ""
    return "must be indices or UUIDs of GPUs"


_RULES: dict[str, Callable[[Any], str]] = {
    "jobs": _whole(1, MAX_JOBS),
    "priority": _whole(-MAX_PRIORITY, MAX_PRIORITY),
    "after": _after,
    "retries": _whole(0, MAX_RETRIES),
    "retry_delay": _seconds,
    "time_limit": _optional(lambda value: _seconds(value, 1e-3)),
    "grace": _optional(_seconds),
    "stop_after": _optional(_whole(0, MAX_PRIORITY)),
    "resume": _optional(_flag),
    "gpus": _optional(_whole(0, MAX_GPUS)),
    "gpu_memory": _optional(_gpu_memory),
    "gpu_devices": _devices,
    "retry_alone": _flag,
    "memory": _optional(_whole(1, MAX_MEMORY)),
    "engine": _optional(lambda value: "" if value in ENGINES else f"must be {' or '.join(ENGINES)}"),
    "cluster": lambda value: "" if isinstance(value, JobResources) else "must be what a job asks for",
}
