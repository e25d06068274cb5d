"""The options of a batch: each is declared once, in `QueueOptions`.

The arguments of the command line, the keywords of Python, the fields of REST and the content of batch files
are derived from these declarations, as is the executor with which an option has an effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sized
from dataclasses import Field, dataclass, field, fields
from typing import Any

from pyruns_jupyter.core.common.byte_sizes import parse_size
from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, is_task_name
from pyruns_jupyter.core.workspace.cluster_settings import ENGINES, LOCAL, NOTHING, SLURM, JobResources
from pyruns_jupyter.core.workspace.settings import MAX_GPUS

MAX_JOBS = 1000
MAX_LISTED = 1000  # texts of one option
_MAX_COUNT = 1_000_000
_MAX_GIB = 100_000  # of a GPU
_MAX_BYTES = 1 << 60
_MAX_SECONDS = 10 * 365 * 86400.0
_MAX_RETRY_DELAY = 3600.0  # seconds
_DEVICE = re.compile(r"\d{1,4}(:\d{1,3})?|(GPU|MIG)-[0-9A-Za-z/-]{4,100}")


@dataclass(frozen=True)
class After:
    """A task that has to end before a batch starts; with `ok` it has to complete successfully."""

    workspace: str
    task: str
    ok: bool = True

    def __str__(self) -> str:
        return f"{self.workspace}/{self.task}"


@dataclass(frozen=True)
class Kind:
    """The values that an option may have.

    Attributes:
        problem: returns what is wrong with a stored value (the end of a sentence); empty if nothing. parse:
            returns the value to store for the user's value of the option of this name; raises InvalidInput.
            metavar: the placeholder for a value on the command line; empty for a flag. choices: the allowed
            words, if there are few. low, high: the bounds of a number. is_list: whether it is a list of
            texts.
    """

    problem: Callable[[Any], str]
    parse: Callable[[str, Any], Any] = lambda name, value: value
    metavar: str = ""
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    is_list: bool = False


def number_in(text: str) -> float | None:
    """Return a text as a number, None if it is not one."""
    try:
        return float(text)
    except ValueError:
        return None


def check_listed(name: str, listed: Sized) -> None:
    """Check the length of a list option.

    Raises:
        InvalidInput: with the option as `field`.
    """
    if len(listed) > MAX_LISTED:
        raise InvalidInput(f"{name} must have at most {MAX_LISTED:,} items, not {len(listed):,}.", field=name)


def _whole(low: int, high: int) -> Kind:
    def problem(value: Any) -> str:
        fits = type(value) is int and low <= value <= high
        return "" if fits else f"must be a whole number from {low} to {high}"

    return Kind(problem, metavar="N", low=low, high=high)


def _seconds(low: float = 0.0) -> Kind:
    def problem(value: Any) -> str:
        fits = type(value) in (int, float) and low <= value <= _MAX_SECONDS
        return "" if fits else f"must be a number of seconds, {'more than 0' if low else '0 or more'}"

    return Kind(problem, _parse_time, "TIME")


def _parse_time(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    seconds = duration(value)
    if seconds is None:
        seconds = number_in(value)
    if seconds is None:
        raise InvalidInput(
            f"{name} must be a number of seconds or a duration such as 90s, 10m or 1h30m, not "
            f"{shown(value)}.",
            field=name,
        )
    return seconds


def _parse_bytes(name: str, value: Any) -> int | None:
    size = parse_size(value) if isinstance(value, str) else None
    if not size and value is not None:
        raise InvalidInput(
            f"{name} must be a size with a unit, such as 800M or 16G, not {shown(value)}.", field=name
        )
    return size


def _parse_gib(name: str, value: Any) -> Any:
    number = number_in(value) if isinstance(value, str) else value
    if number is None and value is not None:
        raise InvalidInput(f"{name} must be a number of GiB or 'auto', not {shown(value)}.", field=name)
    return number


def _gib_problem(value: Any) -> str:
    fits = type(value) in (int, float) and 0 < value <= _MAX_GIB
    return "" if fits else f"must be a number of GiB, more than 0 and at most {_MAX_GIB}"


def _flag_problem(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _parse_texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a tuple of texts; the user may also give a single one."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = (value,)
    if isinstance(value, Sized):
        check_listed(name, value)
    listed = tuple(value)
    for one in listed:
        if isinstance(one, bool) or not isinstance(one, (str, int)):
            raise InvalidInput(f"{name} must be a list of strings, not {shown(one)}.", field=name)
    return tuple(map(str, listed))


def _devices_problem(value: Any) -> str:
    fits = isinstance(value, tuple) and len(value) <= MAX_GPUS and all(map(_DEVICE.fullmatch, value))
    return "" if fits else "must be a list of GPU indices or UUIDs"


def _tasks_problem(value: Any) -> str:
    if not isinstance(value, tuple):
        return "must be a list of task names"
    for one in value:
        is_workspace = one.workspace == SHELL_WORKSPACE or is_task_name(one.workspace)
        if not is_workspace or not is_task_name(one.task):
            return "must name tasks of this project"
    return ""


_BYTES = Kind(_whole(1, _MAX_BYTES).problem, _parse_bytes, "SIZE")
_GIB = Kind(_gib_problem, _parse_gib, "GIB")
_FLAG = Kind(_flag_problem)
_DEVICES = Kind(_devices_problem, _parse_texts, "ID", is_list=True)
_TASKS = Kind(_tasks_problem, _parse_texts, "TASK", is_list=True)
_EXECUTOR = Kind(lambda value: "" if value in ENGINES else f"must be {' or '.join(ENGINES)}", choices=ENGINES)
_RESOURCES = Kind(
    lambda value: "" if isinstance(value, JobResources) else "must be a mapping of Slurm resources",
    lambda name, value: JobResources.from_dict(value),
)

Effect = Callable[["QueueOptions"], str]


@dataclass(frozen=True)
class Option:
    """The declaration of an option, besides its name, type and default.

    Attributes:
        kind: the values that it may have.
        help: its help on the command line.
        flags: its flags there; by default `--` and its name.
        executor: the only one with which it has an effect; empty for any.
        effect: returns why it has no effect together with the other options (a sentence); empty if it has.
    """

    kind: Kind
    help: str = ""
    flags: tuple[str, ...] = ()
    executor: str = ""
    effect: Effect = lambda options: ""


_NOT_WITH = {
    SLURM: "{} has no effect on Slurm, which assigns the GPUs itself. Remove this option.",
    LOCAL: "{} has no effect with the local executor. Remove this option, or use the executor slurm "
    "(--executor slurm).",
}
_TIMES = ", such as 90s, 10m or 1h30m"


def _declare(
    default: Any, kind: Kind, help: str = "", *flags: str, executor: str = "", effect: Effect = Option.effect
) -> Any:
    return field(default=default, metadata={"option": Option(kind, help, flags, executor, effect)})


def _needs_gpus(name: str) -> Effect:
    problem = f"{name} has no effect with gpus: 0. Remove one of the two options."
    return lambda options: problem if options.gpus == 0 else ""


def _cluster_effect(options: QueueOptions) -> str:
    if options.gpus is not None and options.cluster.gpus:
        return "gpus and cluster.gpus both set the number of GPUs of a job. Remove one of the two options."
    if options.memory is not None and options.cluster.memory:
        return "memory and cluster.memory both set the memory of a job. Remove one of the two options."
    return ""


@dataclass(frozen=True)
class QueueOptions:
    """The options of a batch as its file stores them; None stands for the value in the settings."""

    jobs: int = _declare(
        1,
        _whole(1, MAX_JOBS),
        "maximum number of parallel tasks (default: 1, or no limit on Slurm); overrides the setting max_jobs",
        *("-j", "--concurrency", "--jobs"),
    )
    priority: int = _declare(
        0,
        _whole(-_MAX_COUNT, _MAX_COUNT),
        "priority of the batch; higher priorities start first (default: 0)",
    )
    after: tuple[After, ...] = _declare(
        (), _TASKS, "start only after TASK (or WORKSPACE/TASK) has completed; repeatable"
    )
    retries: int = _declare(0, _whole(0, 100), "retry a failed task up to N times (default: 0)")
    retry_delay: float = _declare(
        10.0,
        _seconds(),
        f"delay before the first retry{_TIMES}; doubles with each retry, up to 1h (default: 10s)",
        effect=lambda options: (
            ""
            if options.retries
            else "retry_delay has no effect without retries. Set retries, or remove retry_delay."
        ),
    )
    time_limit: float | None = _declare(
        None,
        _seconds(1e-3),
        f"time limit of a run{_TIMES}; a run that exceeds it is stopped and counts as failed",
    )
    grace: float | None = _declare(
        None, _seconds(), "time between SIGTERM and SIGKILL when a task is stopped (default: 10s)"
    )
    stop_after: int | None = _declare(
        None,
        _whole(0, _MAX_COUNT),
        "cancel the queued tasks of the batch after N identical failures in a row (0 for never)",
    )
    resume: bool | None = _declare(
        None, _FLAG, "requeue tasks that a reboot or a container restart interrupted", "--requeue"
    )
    gpus: int | None = _declare(
        None,
        _whole(0, MAX_GPUS),
        "number of GPUs per task (default: 1 if the host has GPUs and the script imports a framework "
        "such as torch, "
        "otherwise 0)",
    )
    gpu_memory: float | None = _declare(
        None,
        _GIB,
        "GPU memory that a task needs on each of its GPUs, in GiB, or 'auto' for the peak of completed runs "
        "plus 10 percent; tasks can then share a GPU; implies --gpus 1",
        executor=LOCAL,
        effect=_needs_gpus("gpu_memory"),
    )
    gpu_devices: tuple[str, ...] = _declare(
        (),
        _DEVICES,
        "use only the GPU with this index or UUID; repeatable; implies --gpus 1",
        "--gpu",
        executor=LOCAL,
        effect=_needs_gpus("gpu_devices"),
    )
    retry_alone: bool = _declare(
        False,
        _FLAG,
        "retry with exclusive GPUs after a GPU out-of-memory error (requires --gpu-memory)",
        executor=LOCAL,
        effect=lambda options: (
            ""
            if options.gpu_memory is not None
            else "retry_alone has no effect without gpu_memory, because GPUs are then not shared. Set "
            "gpu_memory, or remove retry_alone."
        ),
    )
    memory: int | None = _declare(
        None, _BYTES, "memory to reserve for each task, such as 16G; a task that exceeds it is killed"
    )
    engine: str | None = _declare(
        None, _EXECUTOR, "where tasks run (default: as in the project settings)", "--executor"
    )
    cluster: JobResources = _declare(NOTHING, _RESOURCES, executor=SLURM, effect=_cluster_effect)  # noqa: RUF009  # it returns a field

    @property
    def is_local(self) -> bool:
        """Whether the tasks run on the machine of the scheduler."""
        return self.engine in (None, LOCAL)

    @property
    def local_memory(self) -> int | None:
        """The memory limit of each task (bytes) on the machine of the scheduler; a cluster has its own."""
        return self.memory if self.is_local else None

    def check(self) -> QueueOptions:
        """Return these options if they are valid.

        Raises:
            InvalidInput: with the option as `field`.
        """
        for one in fields(self):
            value = getattr(self, one.name)
            problem = "" if value is None is one.default else _declared(one).kind.problem(value)
            if problem:
                raise InvalidInput(f"{one.name} {problem}, not {shown(value)}.", field=one.name)
        return self

    def check_effects(self, executor: str, given: Collection[str]) -> None:
        """Check that each of the options `given` has an effect where the tasks run. (What options imply is in
        `gpus.request.gpu_count`.)

        Raises:
            InvalidInput: with the option as `field`.
        """
        for one in fields(self):
            value, option = getattr(self, one.name), _declared(one)
            if one.name not in given or value is None or value is False or value in ((), NOTHING):
                continue
            is_elsewhere = option.executor not in ("", executor)
            problem = _NOT_WITH[executor].format(one.name) if is_elsewhere else option.effect(self)
            if problem:
                raise InvalidInput(problem, field=one.name)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as data for JSON."""
        stored = {name: value for name, value in vars(self).items() if value != getattr(QueueOptions, name)}
        if self.after:
            stored["after"] = [vars(one) for one in self.after]
        if self.gpu_devices:
            stored["gpu_devices"] = list(self.gpu_devices)
        if "cluster" in stored:
            stored["cluster"] = self.cluster.to_dict()
        return stored

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> QueueOptions:
        """Return the options that `to_dict` returned; unknown keys of later versions are ignored.

        Raises:
            InvalidInput: if a value is not valid.
            TypeError, KeyError: if a value has the wrong type.
        """
        known = {one.name: value[one.name] for one in fields(cls) if one.name in value}
        if "after" in known:
            check_listed("after", known["after"])
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
        return min(_MAX_RETRY_DELAY, self.retry_delay * 2.0 ** min(retry - 1, 64))


def _declared(one: Field[Any]) -> Option:
    option = one.metadata["option"]
    assert isinstance(option, Option)
    return option


def _given_options() -> dict[str, Option]:
    found: dict[str, Option] = {}
    for one in fields(QueueOptions):
        found[one.name] = _declared(one)
        if one.name == "after":
            about = "start only after TASK (or WORKSPACE/TASK) has ended, even if it failed; repeatable"
            found["after_any"] = Option(_TASKS, about)
    return found


# The options of a user by name: the fields of `QueueOptions`, and `after_any`, which is stored in `after`.
OPTIONS = _given_options()
# The options that depend on the executor, which the settings may choose.
EXECUTOR_OPTIONS = tuple(name for name, option in OPTIONS.items() if option.executor)
