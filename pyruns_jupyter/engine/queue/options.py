"""The options of a batch: each is declared once, in `QueueOptions`.

The arguments of the command line, the keywords of Python, the fields of REST and the content of batch files
are derived from these declarations, as is the executor with which an option has an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict, replace

from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.workspace.cluster_settings import DASK, LOCAL, NOTHING, SLURM, JobResources
from pyruns_jupyter.core.workspace.settings import MAX_GPUS

from . import option_kinds as kinds
from .option_kinds import Kind, check_listed

MAX_JOBS = 1000
CLUSTER = "cluster"  # in place of an executor: all but the local one
_MAX_COUNT = 1_000_000
_MAX_RETRY_DELAY = 3600.0  # seconds


class After(Struct, frozen=True):
    """A task that has to end before a batch starts; with `ok` it has to complete successfully."""

    workspace: str
    task: str
    ok: bool = True

    def __str__(self) -> str:
        return f"{self.workspace}/{self.task}"


Effect = Callable[["QueueOptions"], str]


def _always_effective(options: QueueOptions) -> str:
    return ""


class Option(NamedTuple):
    """The declaration of an option, besides its name, type and default.

    Attributes:
        kind: the values that it may have.
        help: its help on the command line.
        flags: its flags there; by default `--` and its name.
        executor: the only one with which it has an effect, or `CLUSTER`; empty for any.
        effect: returns why it has no effect together with the other options (a sentence); empty if it has.
    """

    kind: Kind
    help: str = ""
    flags: tuple[str, ...] = ()
    executor: str = ""
    effect: Effect = _always_effective

    def is_for(self, executor: str) -> bool:
        """Return whether it can have an effect with an executor."""
        return self.executor in ("", executor) or (self.executor == CLUSTER and executor != LOCAL)


_NOT_WITH = {
    SLURM: "{} has no effect on Slurm, which assigns the GPUs itself. Remove this option.",
    DASK: "{} has no effect on Dask, whose workers determine their GPUs. Remove this option.",
    LOCAL: "{} has no effect with the local executor. Remove this option, or use the executor slurm or dask "
    "(such as --executor slurm).",
}
_TIMES = ", such as 90s, 10m or 1h30m"
_options: list[Option] = []  # those of the fields of `QueueOptions`, in order


def _declare(
    default: Any,
    kind: Kind,
    help: str = "",
    *flags: str,
    executor: str = "",
    effect: Effect = _always_effective,
) -> Any:
    _options.append(Option(kind, help, flags, executor, effect))
    return default


def _needs_gpus(name: str) -> Effect:
    problem = f"{name} has no effect with gpus: 0. Remove one of the two options."
    return lambda options: problem if options.gpus == 0 else ""


def _signal_effect(options: QueueOptions) -> str:
    limit = options.time_limit or options.cluster.time
    if options.signal is None or (limit is None and options.engine == SLURM):
        return ""
    if limit is None:
        return "signal has no effect without time_limit. Set time_limit, or remove signal."
    if options.signal_seconds >= limit:
        return "signal must be sent after the start of a run, so its time must be less than time_limit."
    return ""


def _cluster_effect(options: QueueOptions) -> str:
    if options.gpus is not None and options.cluster.gpus:
        return "gpus and cluster.gpus both set the number of GPUs of a job. Remove one of the two options."
    if options.memory is not None and options.cluster.memory:
        return "memory and cluster.memory both set the memory of a job. Remove one of the two options."
    problem = options.cluster.problem_with(options.engine or LOCAL)
    return f"cluster: {problem}" if problem else ""


class QueueOptions(Struct, frozen=True):
    """The options of a batch as its file stores them; None stands for the value in the settings."""

    jobs: int = _declare(
        1,
        kinds.whole(1, MAX_JOBS),
        "maximum number of parallel tasks (default: 1, or no limit on a cluster); overrides the setting "
        "max_jobs only if that is auto",
        *("-j", "--concurrency", "--jobs"),
    )
    priority: int = _declare(
        0,
        kinds.whole(-_MAX_COUNT, _MAX_COUNT),
        "priority of the batch; higher priorities start first (default: 0)",
    )
    preempt: bool = _declare(
        False,
        kinds.FLAG,
        "stop lower-priority tasks to make room, if they will be requeued (--requeue)",
        executor=LOCAL,
    )
    after: tuple[After, ...] = _declare(
        (), kinds.TASKS, "start only after TASK (or WORKSPACE/TASK) has completed; repeatable"
    )
    retries: int = _declare(0, kinds.whole(0, 100), "retry a failed task up to N times (default: 0)")
    retry_delay: float = _declare(
        10.0,
        kinds.seconds(),
        f"delay before the first retry{_TIMES}; doubles with each retry, up to 1h (default: 10s)",
        effect=lambda options: (
            ""
            if options.retries
            else "retry_delay has no effect without retries. Set retries, or remove retry_delay."
        ),
    )
    time_limit: float | None = _declare(
        None,
        kinds.seconds(1e-3),
        f"time limit of a run{_TIMES}; a run that exceeds it is stopped and counts as failed",
    )
    signal: str | None = _declare(
        None,
        kinds.SIGNAL_TIME,
        "send SIGNAL to the processes of a run that handle it, TIME before its time limit, such as USR1@2m; "
        "needs --time-limit",
        effect=_signal_effect,
    )
    grace: float | None = _declare(
        None, kinds.seconds(), "time between SIGTERM and SIGKILL when a task is stopped (default: 10s)"
    )
    stop_after: int | None = _declare(
        None,
        kinds.whole(0, _MAX_COUNT),
        "cancel the queued tasks of the batch after N identical failures in a row (0 for never)",
    )
    alerts: tuple[str, ...] = _declare(
        (),
        kinds.RULES,
        "alert when RULE holds, such as 'loss is nan', 'val_loss > 1.5 * min for 5 steps', 'no decrease of "
        "val_loss in 10 epochs' or 'no output for 10m'; '-> stop' after the rule also stops the run, '-> tag "
        "NAME' tags the task; repeatable",
        "--alert",
    )
    resume: bool | None = _declare(
        None,
        kinds.FLAG,
        "requeue a task when its run was interrupted by a reboot, container restart, preemption or node "
        "failure, reached its time limit after it saved a checkpoint, or exited with code 75",
        "--requeue",
    )
    max_requeues: int = _declare(
        20,
        kinds.whole(1, _MAX_COUNT),
        "requeue a task at most N times (default: 20)",
        effect=lambda options: (
            ""
            if options.resume is not False
            else "max_requeues has no effect with resume: false. Remove one of the two options."
        ),
    )
    gpus: int | None = _declare(
        None,
        kinds.whole(0, MAX_GPUS),
        "number of GPUs per task (default: 1 if the host has GPUs and the script imports a framework such as "
        "torch, otherwise 0)",
    )
    gpu_memory: float | None = _declare(
        None,
        kinds.GIB,
        "GPU memory that a task needs on each of its GPUs, in GiB, or 'auto' for the peak of completed runs "
        "plus 10 percent; tasks can then share a GPU; implies --gpus 1",
        executor=LOCAL,
        effect=_needs_gpus("gpu_memory"),
    )
    gpu_devices: tuple[str, ...] = _declare(
        (),
        kinds.DEVICES,
        "use only the GPU with this index or UUID; repeatable; implies --gpus 1",
        "--gpu",
        executor=LOCAL,
        effect=_needs_gpus("gpu_devices"),
    )
    retry_alone: bool = _declare(
        False,
        kinds.FLAG,
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
        None, kinds.BYTES, "memory to reserve for each task, such as 16G; a task that exceeds it is killed"
    )
    engine: str | None = _declare(
        None, kinds.EXECUTOR, "where tasks run (default: as in the project settings)", "--executor"
    )
    cluster: JobResources = _declare(NOTHING, kinds.RESOURCES, executor=CLUSTER, effect=_cluster_effect)

    @property
    def is_local(self) -> bool:
        """Whether the tasks run on the machine of the scheduler."""
        return self.engine in (None, LOCAL)

    @property
    def local_memory(self) -> int | None:
        """The memory limit of each task (bytes) on the machine of the scheduler; a cluster has its own."""
        return self.memory if self.is_local else None

    @property
    def signal_seconds(self) -> float:
        """How long before the time limit the signal is sent, in seconds."""
        return float((self.signal or "@0").partition("@")[2])

    def check(self) -> QueueOptions:
        """Return these options if they are valid.

        Raises:
            InvalidInput: with the option as `field`.
        """
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            problem = "" if value is None is default else OPTIONS[name].kind.problem(value)
            if problem:
                raise InvalidInput(f"{name} {problem}, not {shown(value)}.", field=name)
        return self

    def check_effects(self, executor: str, given: Collection[str]) -> None:
        """Check that each of the options `given` has an effect where the tasks run. (What options imply is in
        `gpus.request.gpu_count`.)

        Raises:
            InvalidInput: with the option as `field`.
        """
        for name, value in asdict(self).items():
            option = OPTIONS[name]
            if name not in given or value is None or value is False or value in ((), NOTHING):
                continue
            there = replace(self, engine=executor)
            problem = option.effect(there) if option.is_for(executor) else _NOT_WITH[executor].format(name)
            if problem:
                raise InvalidInput(problem, field=name)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as data for JSON."""
        stored = {name: value for name, value in asdict(self).items() if value != _DEFAULTS[name]}
        if self.after:
            stored["after"] = [asdict(one) for one in self.after]
        if self.gpu_devices:
            stored["gpu_devices"] = list(self.gpu_devices)
        if self.alerts:
            stored["alerts"] = list(self.alerts)
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
        known = {name: value[name] for name in _DEFAULTS if name in value}
        if "after" in known:
            check_listed("after", known["after"])
            known["after"] = tuple(
                After(str(one["workspace"]), str(one["task"]), one.get("ok") is not False)
                for one in known["after"]
            )
        if "gpu_devices" in known:
            known["gpu_devices"] = tuple(map(str, known["gpu_devices"]))
        if "alerts" in known:
            known["alerts"] = tuple(map(str, known["alerts"]))
        if "cluster" in known:
            known["cluster"] = JobResources.from_dict(known["cluster"])
        return cls(**known).check()

    def delay(self, retry: int) -> float:
        """Return the seconds before retry number `retry` (from 1)."""
        return min(_MAX_RETRY_DELAY, self.retry_delay * 2.0 ** min(retry - 1, 64))


def _given_options() -> dict[str, Option]:
    found: dict[str, Option] = {}
    for name, option in zip(_DEFAULTS, _options, strict=True):
        found[name] = option
        if name == "after":
            about = "start only after TASK (or WORKSPACE/TASK) has ended, even if it failed; repeatable"
            found["after_any"] = Option(kinds.TASKS, about)
    return found


_DEFAULTS = asdict(QueueOptions())
# The options of a user by name: the fields of `QueueOptions`, and `after_any`, which is stored in `after`.
OPTIONS = _given_options()
# The options that depend on the executor, which the settings may choose.
EXECUTOR_OPTIONS = tuple(name for name, option in OPTIONS.items() if option.executor)
