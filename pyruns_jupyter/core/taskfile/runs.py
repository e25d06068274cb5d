"""The runs in a task file, and the states of a task: queued, running, ended.

A task file stores runs in twelve arrays of equal length, with one slot per run (see `docs/disk-format.md`).
Functions here only change a dictionary; callers hold the lock (`task_file.edit_task`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.common.host_identity import host_name, runner_id
from pyruns_jupyter.core.common.json_floats import decode_nonfinite, finite_number
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import parse_stamp, stamp

from .paths import MAX_RUNS
from .task_file import TaskInfo, own, own_facts, run_fact

PENDING, QUEUED, RUNNING = "pending", "queued", "running"
COMPLETED, FAILED, CANCELLED = "completed", "failed", "cancelled"
STATUSES = (PENDING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDED = frozenset({COMPLETED, FAILED, CANCELLED})
ACTIVE = frozenset({QUEUED, RUNNING})

LEASE_SECONDS = 120.0
HEARTBEAT_SECONDS = 30.0
# A program that relies on leases must never take over a queued task, and renewing the leases of thousands of
# waiting tasks would be expensive: their lease ends in ten years.
QUEUED_LEASE_SECONDS = 10 * 365 * 86400.0

# The slot arrays with the default value of a slot.
SLOTS: dict[str, Any] = {
    "start_times": "",
    "finish_times": "",
    "pids": None,
    "pid_create_times": None,
    "run_statuses": "",
    "run_attempt_ids": "",
    "durations": None,
    "exit_codes": None,
    "source_states": "",
    "run_environments": None,
    "records": {},
    "tracks": {},
}
_MAX_NAME = 401  # characters of the names of a workspace and a task
_PREVIOUS_KEYS = ("status", "_attempt_id", "cancel_requested_at")  # what `queue` replaces
# Removed when a task has no owner any more; `_attempt_id`, `launch_*` and `cancel_requested_at` are kept.
_OWNER_KEYS = ("runner_id", "runner_host", "lease_heartbeat", "lease_until", "queued_at")


class Run:
    """One run of a task, from its slot. Times are epoch seconds, `duration` seconds.

    `environment` describes where it ran (host, Python, GPUs, ...), `source` the state of its code. It is no
    `Struct`, as scripts use it, and their environments need not have msgspec.
    """

    def __init__(
        self,
        *,
        index: int,
        status: str,
        started_at: float | None,
        finished_at: float | None,
        duration: float | None,
        pid: int | None,
        pid_create_time: float | None,
        exit_code: int | None,
        attempt: str,
        records: dict[str, Any],
        tracks: dict[str, Any],
        environment: dict[str, Any],
        source: str,
    ) -> None:
        self.index, self.status, self.attempt = index, status, attempt
        self.started_at, self.finished_at, self.duration = started_at, finished_at, duration
        self.pid, self.pid_create_time, self.exit_code = pid, pid_create_time, exit_code
        self.records, self.tracks = records, tracks
        self.environment, self.source = environment, source

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [f"{key}={value!r}" for key, value in vars(self).items() if key != "environment"]
        return f"{type(self).__name__}({', '.join(shown)})"


def slot_count(info: TaskInfo) -> int:
    """Return how many runs have a slot, at most `MAX_RUNS`: the length of the longest array, since old files
    may lack some.
    """
    columns = map(info.get, SLOTS)
    return min(max([len(column) for column in columns if type(column) is list], default=0), MAX_RUNS)


def runs(info: TaskInfo) -> list[Run]:
    """Return the runs of a task in order; arrays may be missing or too short."""
    count = slot_count(info)
    return [_run(info, number, count) for number in range(count)]


def latest(info: TaskInfo) -> Run | None:
    """Return only the latest run, as for lists of tasks; None before the first run."""
    count = slot_count(info)
    return _run(info, count - 1, count) if count else None


def _run(info: TaskInfo, number: int, count: int) -> Run:
    get = info.get
    start, finish, pid, created, status, attempt, took, code, source, environment, records, tracks = (
        column[number] if type(column := get(key)) is list and number < len(column) else None for key in SLOTS
    )
    exact = run_fact(info, "times", number + 1)
    if not isinstance(exact, list) or len(exact) != 2:
        exact = [None, None]
    started = finite_number(exact[0]) or parse_stamp(start)
    finished = finite_number(exact[1]) or parse_stamp(finish)
    duration = finite_number(took)
    if duration is None and started is not None and finished is not None:
        duration = max(0.0, finished - started)
    newest = number + 1 == count  # old files contain only the status of the last run
    return Run(
        index=number + 1,
        status=_text(status) or (_text(get("status")) if newest else ""),
        started_at=started,
        finished_at=finished,
        duration=duration,
        pid=_integer(pid),
        pid_create_time=finite_number(created),
        exit_code=_integer(code),
        attempt=_text(attempt),
        records=decode_nonfinite(_mapping(records)),
        tracks=_mapping(tracks),
        environment=_mapping(environment),
        source=_text(source),
    )


def sources_of(info: TaskInfo, index: int) -> dict[str, Any]:
    """Return the source of the code of run `index`: `commit`, `branch`, `dirty`, and `code`, the hash of the
    stored code; empty for a run of another program.
    """
    facts = _mapping(run_fact(info, "sources", index))
    return {key: value for key, value in facts.items() if key != "code" or isinstance(value, str)}


def failure_of(info: TaskInfo, index: int) -> tuple[str, str, str]:
    """Return the headline of the failure of run `index`, a mark that equal failures share, and its kind; all
    are empty if they are not known.
    """
    found = run_fact(info, "failures", index)
    texts = found if isinstance(found, list) and all(isinstance(one, str) for one in found) else []
    headline, mark, kind, *_ = *texts, "", "", ""
    return headline, mark, kind


def gpu_names(run: Run) -> list[str]:
    """Return the names of the GPUs that were visible to a run."""
    gpus = run.environment.get("gpus")
    visible = gpus if isinstance(gpus, list) else []
    return [str(gpu.get("name", "")) for gpu in visible if isinstance(gpu, dict)]


def status_of(info: TaskInfo) -> str:
    """Return the task's status; an unknown one counts as `pending`."""
    value = info.get("status")
    return value if value in STATUSES else PENDING


def queue(info: TaskInfo, *, attempt: str, batch: str, again: Mapping[str, Any] | None = None) -> None:
    """Mark a task as `queued` and owned by us, so that no program that relies on leases takes it over.

    The waiting run has no slot yet; `run_index` remains that of the previous run. `again` describes a run
    that follows an earlier one of the same batch: `first`, the attempt that was queued, `retries` (how many
    were used) and `not_before` (epoch, s).

    Raises:
        Conflict: if the task is queued, running or being moved, or has the maximum number of runs.
    """
    from . import move_lock  # needs msgspec, as `Run` does not

    move_lock.check(info)
    status = status_of(info)
    if status in ACTIVE:
        raise Conflict(f"The task {info.get('name', '')!r} is already {status}.")
    if slot_count(info) >= MAX_RUNS:
        raise Conflict(
            f"The task {info.get('name', '')!r} has {MAX_RUNS} runs, and a task cannot have more. "
            "Duplicate the task."
        )
    now = time.time()
    previous = {key: info[key] for key in _PREVIOUS_KEYS if key in info}
    info.pop("cancel_requested_at", None)
    info.update(
        status=QUEUED,
        runner_id=runner_id(batch),
        runner_host=host_name(),
        lease_heartbeat=now,
        lease_until=now + QUEUED_LEASE_SECONDS,
        _attempt_id=attempt,
        queued_at=now,
    )
    facts = {"batch": batch, "attempt": attempt, "queued_at": now, "previous": previous}
    own(info)["queue"] = {**facts, **(again or {})}


def unclaim(info: TaskInfo, *, attempt: str) -> bool:
    """Undo `queue` for a batch that was not queued completely; return whether the task still waited for it.

    `attempt` is the one that was queued, also if a later one of the same batch waits.
    """
    facts = own_facts(info).get("queue")
    if status_of(info) != QUEUED or not isinstance(facts, dict):
        return False
    current = facts.get("attempt")
    if info.get("_attempt_id") != current or attempt not in (current, facts.get("first")):
        return False
    remove_owner(info)
    for key in _PREVIOUS_KEYS:
        info.pop(key, None)
    previous = facts.get("previous")
    info.update(previous if isinstance(previous, dict) else {"status": PENDING})
    del own(info)["queue"]
    return True


def unqueue(info: TaskInfo, message: str = "") -> None:
    """Mark a queued task that will not run as `cancelled`, without a run slot.

    `message` is the reason, unless the user asked for it.
    """
    remove_owner(info)
    if message:
        own(info).setdefault("queue", {})["message"] = message
    info["status"] = CANCELLED
    info["progress"] = 0.0


def request_cancel(info: TaskInfo) -> None:
    """Ask the owner of a running task to stop it, which it notices within a second."""
    info.setdefault("cancel_requested_at", stamp())


def request_preemption(info: TaskInfo, attempt: str, other: str) -> bool:
    """Ask the owner of a run to stop it, to make room for another task; return whether the run is running."""
    if status_of(info) != RUNNING or info.get("_attempt_id") != attempt:
        return False
    own(info)["preempted"] = {"attempt": attempt, "for": other}
    return True


def preempted_for(info: TaskInfo, attempt: str) -> str:
    """Return the task for which a run was asked to stop, empty if it was not."""
    found = own_facts(info).get("preempted")
    if not isinstance(found, dict) or found.get("attempt") != attempt:
        return ""
    # Another program may have written it, and it becomes a part of the log.
    return printable(_text(found.get("for"))[:_MAX_NAME]) or "another task"


def request_stacks(info: TaskInfo) -> None:
    """Ask the supervisor of a running task for the stacks of its processes, which it notices within a second.

    Raises:
        Conflict: if the task is not running, or another program runs it.
    """
    status, attempt, name = status_of(info), info.get("_attempt_id"), info.get("name", "")
    if status != RUNNING:
        raise Conflict(f"The task {name!r} is {status}. Only a running task has stacks.")
    if not attempt or _mapping(own_facts(info).get("queue")).get("attempt") != attempt:
        raise Conflict(f"Another program runs the task {name!r}, so its stacks are not available.")
    own(info)["stacks"] = {"attempt": attempt, "requested_at": time.time()}


def stacks_requested_at(info: TaskInfo, attempt: str) -> float:
    """Return when the stacks of a run were last requested (epoch seconds), 0 if they were not."""
    found = _mapping(own_facts(info).get("stacks"))
    return (finite_number(found.get("requested_at")) or 0.0) if found.get("attempt") == attempt else 0.0


def next_index(info: TaskInfo) -> int:
    """Return the index (from 1) that the next run gets."""
    return slot_count(info) + 1


def start(
    info: TaskInfo,
    *,
    attempt: str,
    command: str,
    workdir: str,
    source_state: str = "",
    environment: dict[str, Any] | None = None,
) -> int:
    """Mark the queued attempt as running and return the run's index (from 1).

    `command` is for display; `source_state` and `environment` are stored in the run's slot. Its process is
    added by `set_process`.

    Raises:
        Conflict: if the task is not queued for this attempt any more; nothing is changed.
    """
    if status_of(info) != QUEUED or info.get("_attempt_id") != attempt or info.get("cancel_requested_at"):
        raise Conflict(f"The task {info.get('name', '')!r} is no longer queued for this run.")
    now = time.time()
    index = next_index(info)
    _add_slot(info, index)
    info.update(status=RUNNING, progress=0.0, run_index=index)
    slot = {
        "start_times": stamp(now),
        "run_statuses": RUNNING,
        "run_attempt_ids": attempt,
        "source_states": source_state,
        "run_environments": environment or {},
    }
    for key, value in slot.items():
        info[key][index - 1] = value
    info.update(launch_command=command, launch_workdir=workdir, launch_started_at=now, launch_run_index=index)
    info.pop("queued_at", None)
    own(info).setdefault("times", {})[str(index)] = [now, None]
    renew_lease(info)
    return index


def set_process(info: TaskInfo, attempt: str, pid: int, create_time: float) -> None:
    """Record the process (create time in epoch seconds) that executes the command of the run `attempt`."""
    attempts = info.get("run_attempt_ids")
    if isinstance(attempts, list) and attempt in attempts:
        number = attempts.index(attempt)
        info["pids"][number] = pid
        info["pid_create_times"][number] = create_time


def add_environment(info: TaskInfo, index: int, facts: Mapping[str, Any]) -> None:
    """Add facts about the environment of run `index`."""
    slots = info.get("run_environments")
    if facts and isinstance(slots, list) and 0 < index <= len(slots) and isinstance(slots[index - 1], dict):
        slots[index - 1] = {**slots[index - 1], **facts}


def renew_lease(info: TaskInfo) -> None:
    """Extend the lease of a running task's owner."""
    now = time.time()
    info.update(runner_host=host_name(), lease_heartbeat=now, lease_until=now + LEASE_SECONDS)


def finish(
    info: TaskInfo,
    *,
    attempt: str,
    status: str,
    exit_code: int | None,
    records: dict[str, Any] | None = None,
    finished_at: float | None = None,
) -> None:
    """Write the end of the run `attempt` to its slot, and to the task if it is the current run.

    `records` are added to those that the slot has already (the script may have written them). Points are
    added by `metrics.read.add_points`.

    Raises:
        Conflict: if the task has no such run.
    """
    attempts = info.get("run_attempt_ids")
    if not isinstance(attempts, list) or attempt not in attempts:
        raise Conflict(
            f"This run of {info.get('name', '')!r} is no longer current, because another process has "
            "replaced it."
        )
    number = attempts.index(attempt)
    ended = time.time() if finished_at is None else finished_at
    times = own(info).setdefault("times", {})
    exact = times.get(str(number + 1))
    started = exact[0] if isinstance(exact, list) and exact else parse_stamp(info["start_times"][number])
    times[str(number + 1)] = [started, ended]
    info["finish_times"][number] = stamp(ended)
    info["run_statuses"][number] = status
    info["durations"][number] = round(max(0.0, ended - started), 6) if started is not None else None
    info["exit_codes"][number] = exit_code
    if records:
        info["records"][number] = {**_mapping(info["records"][number]), **records}
    if info.get("_attempt_id") == attempt:
        remove_owner(info)
        own(info).pop("preempted", None)
        own(info).pop("stacks", None)
        info["status"] = status
        info["progress"] = 1.0 if status == COMPLETED else 0.0


def add_ended(
    info: TaskInfo,
    *,
    status: str,
    attempt: str,
    started_at: float | None,
    finished_at: float | None,
    exit_code: int | None = None,
) -> int:
    """Add a run of another program that has ended; return its index (from 1). Times are epoch seconds."""
    index = next_index(info)
    _add_slot(info, index)
    duration = None
    if started_at is not None and finished_at is not None:
        duration = round(max(0.0, finished_at - started_at), 6)
    slot: dict[str, Any] = {
        "start_times": "" if started_at is None else stamp(started_at),
        "finish_times": "" if finished_at is None else stamp(finished_at),
        "run_statuses": status,
        "run_attempt_ids": attempt,
        "durations": duration,
        "exit_codes": exit_code,
        "run_environments": {},
    }
    for key, value in slot.items():
        info[key][index - 1] = value
    own(info).setdefault("times", {})[str(index)] = [started_at, finished_at]
    info.update(status=status, progress=1.0 if status == COMPLETED else 0.0, run_index=index)
    return index


def _add_slot(info: TaskInfo, count: int) -> None:
    """Extend all slot arrays to the length `count`."""
    for key, padding in SLOTS.items():
        values = info.get(key)
        if not isinstance(values, list):
            values = info[key] = []
        while len(values) < count:
            values.append(dict(padding) if isinstance(padding, dict) else padding)


def remove_owner(info: TaskInfo) -> None:
    """Remove everything in a task file that names its owner."""
    for key in _OWNER_KEYS:
        info.pop(key, None)


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
