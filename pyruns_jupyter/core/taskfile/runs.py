"""The runs inside a task file, and the steps a task takes: queued, running, ended.

A task file stores runs as twelve arrays of equal length, one slot a run (source: `docs/disk-format.md`).
Functions here change a dictionary only; callers hold the lock (`task_file.edit_task`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.common.host_identity import host_name, runner_id
from pyruns_jupyter.core.common.json_floats import decode_nonfinite, finite_number
from pyruns_jupyter.core.common.timestamps import parse_stamp, stamp

from . import move_lock
from .paths import MAX_RUNS
from .task_file import TaskInfo, own, own_facts

PENDING, QUEUED, RUNNING = "pending", "queued", "running"
COMPLETED, FAILED, CANCELLED = "completed", "failed", "cancelled"
STATUSES = (PENDING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDED = frozenset({COMPLETED, FAILED, CANCELLED})
ACTIVE = frozenset({QUEUED, RUNNING})

LEASE_SECONDS = 120.0
HEARTBEAT_SECONDS = 30.0
# A queued task must never look adoptable to a program that goes by leases, and rewriting thousands of waiting
# files to renew them would cost too much: their lease ends in ten years.
QUEUED_LEASE_SECONDS = 10 * 365 * 86400.0

# The slot arrays and what fills a slot whose run did not say.
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
_PREVIOUS_KEYS = ("status", "_attempt_id", "cancel_requested_at")  # what `queue` replaces
# What goes when nobody owns the task any more; `_attempt_id`, `launch_*` and `cancel_requested_at` stay.
_OWNER_KEYS = ("runner_id", "runner_host", "lease_heartbeat", "lease_until", "queued_at")


@dataclass(frozen=True)
class Run:
    """One run of a task, as its slot tells it. Times are epoch seconds, `duration` seconds.

    `environment` says where it took place (host, Python, GPUs, ...), `source` where its code stood.
    """

    index: int
    status: str
    started_at: float | None
    finished_at: float | None
    duration: float | None
    pid: int | None
    pid_create_time: float | None
    exit_code: int | None
    attempt: str
    records: dict[str, Any] = field(default_factory=dict)
    tracks: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict, repr=False)
    source: str = ""


def slot_count(info: TaskInfo) -> int:
    """Return how many runs have a slot, at most `MAX_RUNS`; old files may lack arrays, so the longest one
    counts.
    """
    longest = 0
    for key in SLOTS:
        values = info.get(key)
        if isinstance(values, list) and len(values) > longest:
            longest = len(values)
    return min(longest, MAX_RUNS)


def runs(info: TaskInfo) -> list[Run]:
    """Return the runs of a task, the first one first, tolerant of missing and short arrays."""
    count = slot_count(info)
    return [_run(info, number, count) for number in range(count)]


def latest(info: TaskInfo) -> Run | None:
    """Return the latest run alone (lists of tasks need no more), None before the first."""
    count = slot_count(info)
    return _run(info, count - 1, count) if count else None


def _run(info: TaskInfo, number: int, count: int) -> Run:
    get = info.get
    start, finish, pid, created, status, attempt, took, code, source, environment, records, tracks = (
        column[number] if type(column := get(key)) is list and number < len(column) else None for key in SLOTS
    )
    times = own_facts(info).get("times")
    exact = times.get(str(number + 1)) if isinstance(times, dict) else None
    if not isinstance(exact, list) or len(exact) != 2:
        exact = [None, None]
    started = finite_number(exact[0]) or parse_stamp(start)
    finished = finite_number(exact[1]) or parse_stamp(finish)
    duration = finite_number(took)
    if duration is None and started is not None and finished is not None:
        duration = max(0.0, finished - started)
    newest = number + 1 == count  # old files keep only the status of the last run
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
    """Return what is known of the code of run `index`: `commit`, `branch`, `dirty`, and `code`, the hash of
    the stored code; empty of a run of another program.
    """
    sources = own_facts(info).get("sources")
    facts = sources.get(str(index)) if isinstance(sources, dict) else None
    if not isinstance(facts, dict):
        return {}
    return {key: value for key, value in facts.items() if key != "code" or isinstance(value, str)}


def gpu_names(run: Run) -> list[str]:
    """Return the names of the GPUs that a run saw."""
    gpus = run.environment.get("gpus")
    seen = gpus if isinstance(gpus, list) else []
    return [str(gpu.get("name", "")) for gpu in seen if isinstance(gpu, dict)]


def status_of(info: TaskInfo) -> str:
    """Return the task's status; one that no version knows reads as `pending`."""
    value = info.get("status")
    return value if value in STATUSES else PENDING


def queue(
    info: TaskInfo,
    *,
    attempt: str,
    batch: str,
    again: Mapping[str, Any] | None = None,
) -> None:
    """Take the task for a coming run: `queued`, owned by us, never adoptable by a program that goes by
    leases.

    The waiting run has no slot yet; `run_index` stays that of the run before. `again` holds the facts of a
    run that follows an earlier one of the same queueing: `first`, the attempt that was queued, `retries` (how
    many were used up) and `not_before` (epoch, s).

    Raises:
        Conflict: when the task is queued or running, is being moved at this moment, or has no run left.
    """
    move_lock.check(info)
    status = status_of(info)
    if status in ACTIVE:
        raise Conflict(f"The task {info.get('name', '')!r} is {status} already.")
    if slot_count(info) >= MAX_RUNS:
        raise Conflict(f"The task {info.get('name', '')!r} has {MAX_RUNS} runs, the most a task can have.")
    now = time.time()
    previous = {key: info[key] for key in _PREVIOUS_KEYS if key in info}
    info.pop("cancel_requested_at", None)
    info["status"] = QUEUED
    info["runner_id"] = runner_id(batch)
    info["runner_host"] = host_name()
    info["lease_heartbeat"] = now
    info["lease_until"] = now + QUEUED_LEASE_SECONDS
    info["_attempt_id"] = attempt
    info["queued_at"] = now
    own(info)["queue"] = {
        "batch": batch,
        "attempt": attempt,
        "queued_at": now,
        "previous": previous,
        **(again or {}),
    }


def unclaim(info: TaskInfo, *, attempt: str) -> bool:
    """Undo `queue` when the queueing never came to its end; return whether the task still waited for it.

    `attempt` is the one that was queued, also when a later one of the same queueing waits.
    """
    facts = own_facts(info).get("queue")
    if status_of(info) != QUEUED or not isinstance(facts, dict):
        return False
    current = facts.get("attempt")
    if info.get("_attempt_id") != current or attempt not in (current, facts.get("first")):
        return False
    _disown(info)
    for key in _PREVIOUS_KEYS:
        info.pop(key, None)
    previous = facts.get("previous")
    info.update(previous if isinstance(previous, dict) else {"status": PENDING})
    del own(info)["queue"]
    return True


def unqueue(info: TaskInfo, message: str = "") -> None:
    """End the wait of a queued task that will not run: `cancelled`, without a run slot.

    `message` says why, when nobody asked for it.
    """
    _disown(info)
    if message:
        own(info).setdefault("queue", {})["message"] = message
    info["status"] = CANCELLED
    info["progress"] = 0.0


def request_cancel(info: TaskInfo) -> None:
    """Ask the owner of a running task to stop it; the owner notices within a second."""
    info.setdefault("cancel_requested_at", stamp())


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
    """Turn the queued attempt into a running one and return the run's index (from 1).

    `command` is shown to people, `source_state` and `environment` go into the run's slot; its process follows
    by `set_process`.

    Raises:
        Conflict: when the task does not wait for this attempt any more; nothing is changed.
    """
    if status_of(info) != QUEUED or info.get("_attempt_id") != attempt or info.get("cancel_requested_at"):
        raise Conflict(f"The task {info.get('name', '')!r} does not wait for this run any more.")
    now = time.time()
    index = next_index(info)
    _add_slot(info, index)
    number = index - 1
    info["status"] = RUNNING
    info["progress"] = 0.0
    info["run_index"] = index
    info["start_times"][number] = stamp(now)
    info["run_statuses"][number] = RUNNING
    info["run_attempt_ids"][number] = attempt
    info["source_states"][number] = source_state
    info["run_environments"][number] = environment or {}
    info["launch_command"] = command
    info["launch_workdir"] = workdir
    info["launch_started_at"] = now
    info["launch_run_index"] = index
    info.pop("queued_at", None)
    times = own(info).setdefault("times", {})
    times[str(index)] = [now, None]
    renew_lease(info)
    return index


def set_process(info: TaskInfo, attempt: str, pid: int, create_time: float) -> None:
    """Note which process (its create time in epoch seconds) executes the command of the run of `attempt`."""
    attempts = info.get("run_attempt_ids")
    if isinstance(attempts, list) and attempt in attempts:
        number = attempts.index(attempt)
        info["pids"][number] = pid
        info["pid_create_times"][number] = create_time


def add_environment(info: TaskInfo, index: int, facts: Mapping[str, Any]) -> None:
    """Add what became known of the environment of run `index`."""
    slots = info.get("run_environments")
    if facts and isinstance(slots, list) and 0 < index <= len(slots) and isinstance(slots[index - 1], dict):
        slots[index - 1] = {**slots[index - 1], **facts}


def renew_lease(info: TaskInfo) -> None:
    """Say that the owner of a running task lives."""
    now = time.time()
    info["runner_host"] = host_name()
    info["lease_heartbeat"] = now
    info["lease_until"] = now + LEASE_SECONDS


def finish(
    info: TaskInfo,
    *,
    attempt: str,
    status: str,
    exit_code: int | None,
    records: dict[str, Any] | None = None,
    finished_at: float | None = None,
) -> None:
    """End the run of `attempt`: its slot, and the task when that run is its current one.

    What the slot already holds in `records` (the script may have written it) stays; the ones given here are
    added to it. Points come in by `metrics.read.add_points`.
    """
    attempts = info.get("run_attempt_ids")
    if not isinstance(attempts, list) or attempt not in attempts:
        raise Conflict(f"The task {info.get('name', '')!r} knows no run with this attempt.")
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
        _disown(info)
        info["status"] = status
        info["progress"] = 1.0 if status == COMPLETED else 0.0


def _add_slot(info: TaskInfo, count: int) -> None:
    """Make all slot arrays `count` long."""
    for key, padding in SLOTS.items():
        values = info.get(key)
        if not isinstance(values, list):
            values = info[key] = []
        while len(values) < count:
            values.append(dict(padding) if isinstance(padding, dict) else padding)


def _disown(info: TaskInfo) -> None:
    for key in _OWNER_KEYS:
        info.pop(key, None)


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
