"""Writing the end of a run: the last lines of its log, its metrics, its final state, in this order."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_type_hints

from msgspec import Struct, field
from msgspec.structs import replace

from pyruns_jupyter.core.alerts.journal import alerts_in
from pyruns_jupyter.core.alerts.stored import Alert, alerts_of, merged, store_alerts
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.common.validation import convert
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.logs.diagnosis import Failure, diagnose
from pyruns_jupyter.core.metrics import read as metrics
from pyruns_jupyter.core.metrics.statistics import CurveStatistics
from pyruns_jupyter.core.metrics.system_metrics import read_system, store_summary, summary_of
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.lock import TIMEOUT
from pyruns_jupyter.core.taskfile.task_file import edit_task, own
from pyruns_jupyter.engine.queue import kept_ends, run_files
from pyruns_jupyter.engine.queue.entries import queue_again
from pyruns_jupyter.engine.queue.jobs import Job

from .command import RunCommand

_MAX_PAUSE = 30.0  # seconds between two attempts
_KEPT_SECONDS = 60.0  # for which writing is retried if the end is also kept elsewhere (`kept_ends`)
_UNKEPT_SECONDS = 24 * 3600.0  # the same if nothing else knows how the run ended
_LOCK_SECONDS = 1.0  # for which a scheduler waits for a lock
_FIRST_KEPT_PAUSE, _MAX_KEPT_PAUSE = 1.0, 60.0  # seconds between two attempts of a scheduler
_GONE = (Conflict, NotFound, IndexError)  # the run does not exist any more, if its project does
# The fields of a result that are stored when its task file cannot be written.
_STORED = (
    *("number", "status", "exit_code", "started", "finished", "message", "process", "environment"),
    *("interrupted", "is_final"),
)

Pause = Callable[[float], bool]  # waits for a number of seconds; returns whether to retry


class RunResult(Struct, frozen=True):
    """How run `number` of a job ended.

    Attributes:
        started, finished: epoch seconds.
        message: a sentence for the user.
        reason: for `error.log`; by default the message, else the exit code.
        by_owner: False if another process writes for a dead owner: then a run that has ended is not changed,
            whereas the owner corrects what others wrote while it could not respond.
        process: the pid and the create time (epoch seconds) of its command.
        environment: facts about its environment that became known after the start.
        interrupted: whether it is to be requeued if its batch says so: the task did not cause its end, or
            can continue from a checkpoint.
        is_final: whether the task is not queued again, whatever its batch says.
    """

    job: Job
    number: int
    status: str
    exit_code: int | None
    started: float
    command: RunCommand | None = None
    message: str = ""
    reason: str = ""
    by_owner: bool = True
    process: tuple[int, float] | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    is_final: bool = False
    finished: float = field(default_factory=time.time)

    def to_dict(self) -> dict[str, Any]:
        """Return the stored fields as data for JSON."""
        job = {"workspace": self.job.workspace, "task": self.job.task, "gpus": list(self.job.gpus)}
        return job | {name: getattr(self, name) for name in _STORED}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], job: Job) -> RunResult:
        """Return the result of a run of `job` that `to_dict` stored.

        Raises:
            Unreadable: when a field is missing or of the wrong type.
        """
        try:
            types = get_type_hints(cls)
            known = {name: convert(value[name], types[name], field=name) for name in _STORED}
            if known["status"] not in runs.ENDED:
                raise ValueError(f"status is {known['status']}")
            return cls(replace(job, gpus=tuple(map(str, value["gpus"]))), **known)
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise Unreadable(
                f"The stored result of a run of {job.workspace}/{job.task} is damaged: {error!r}."
            ) from error


def write_ending(ending: RunResult, owner: FileLock, pause: Pause | None = None) -> None:
    """Write the end of a run, unless the run is gone or has ended already.

    If the task file cannot be written, this is retried for a bounded time, as long as `pause` allows it, and
    the end is kept for a scheduler to write. `owner` is the lock of the owner of the run.
    """
    job, number, paths = ending.job, ending.number, ending.job.paths
    banner = run_files.finish_banner(
        job.task,
        stamp(ending.finished),
        exit_code=ending.exit_code,
        duration=max(0.0, ending.finished - ending.started),
        status=ending.status,
    )
    failure = _failure(ending)
    run_files.append(paths.log(number), banner)
    if ending.status != runs.COMPLETED:
        _add_error(ending)
    _try_to_record(ending, failure, owner, pause or _sleep)


def write_kept_end(content: Mapping[str, Any], job: Job, *, is_final: bool = False) -> None:
    """Write a kept end of a run of `job` to its task file, and remove it.

    Raises:
        PyrunsError, OSError: when the task file cannot be written now, or the kept end is damaged.
    """
    try:
        ending = RunResult.from_dict(content, job)
    except Unreadable:
        kept_ends.remove_end(job.root, job.attempt)
        raise
    if is_final:
        ending = replace(ending, is_final=True)
    try:
        _record(ending, _failure(ending), timeout=_LOCK_SECONDS)
    except _GONE as error:
        if not _is_gone(error, job):
            raise
    kept_ends.remove_end(job.root, job.attempt)


class KeptEndWriter:
    """Writes the kept ends of the runs of a project; while one cannot be written, with pauses that grow."""

    def __init__(self, root: Path, log: Callable[[str], None]) -> None:
        self._root = root
        self._log = log
        self._problems: dict[str, str] = {}  # those of the last attempt, by the attempt of the run
        self._pause = _FIRST_KEPT_PAUSE
        self._due = 0.0  # monotonic

    def write(self, followed: Iterable[str]) -> bool:
        """Write the kept ends of runs whose attempts are not in `followed`; return whether to retry one."""
        if time.monotonic() < self._due:
            return True
        kept = list(kept_ends.kept_ends(self._root))
        attempts = set(followed) if kept else set()
        before, self._problems, again = self._problems, {}, False
        for content in kept:
            workspace, task, attempt = (str(content[key]) for key in ("workspace", "task", "attempt"))
            job = Job(self._root, workspace, task, attempt, "", {}, "")
            if attempt in attempts:
                continue
            try:
                write_kept_end(content, job, is_final=True)
            except (PyrunsError, OSError) as error:
                again = again or kept_ends.can_be_written(self._root, content)
                problem = f"Could not write the stored result of a run of {workspace}/{task}: {error}"
                self._problems[attempt] = problem
                if before.get(attempt) != problem:
                    self._log(problem)
        self._due = time.monotonic() + self._pause if again else 0.0
        self._pause = min(2 * self._pause, _MAX_KEPT_PAUSE) if again else _FIRST_KEPT_PAUSE
        return again


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def _failure(ending: RunResult) -> Failure | None:
    if ending.status != runs.FAILED:
        return None
    return diagnose(ending.job.paths.log(ending.number), ending.exit_code, ending.message)


def _try_to_record(ending: RunResult, failure: Failure | None, owner: FileLock, pause: Pause) -> None:
    job, began, delay, kept = ending.job, time.monotonic(), 0.1, False
    while True:
        try:
            _record(ending, failure)
            break
        except (OSError, PyrunsError, IndexError) as error:
            if _is_gone(error, job, owner):
                break
            if not kept and ending.by_owner:
                kept = kept_ends.keep_end(job.root, job.attempt, ending.to_dict())
            left = began + (_KEPT_SECONDS if kept else _UNKEPT_SECONDS) - time.monotonic()
            if left <= 0 or not pause(min(delay, left)):
                _report_unwritten(ending, error, kept)
                return
            delay = min(delay * 2, _MAX_PAUSE)
    if kept:
        kept_ends.remove_end(job.root, job.attempt)


def _is_gone(error: Exception, job: Job, owner: FileLock | None = None) -> bool:
    """Return whether a run does not exist any more; False if the disk of its project may not be mounted."""
    is_deleted = owner is not None and owner.is_deleted()
    return isinstance(error, _GONE) and (is_deleted or os.path.isdir(job.root))


def _report_unwritten(ending: RunResult, error: Exception, kept: bool) -> None:
    job = ending.job
    more = "it is stored and will be written later" if kept else "the result is lost"
    with suppress(OSError):
        print(
            f"{stamp()} Could not write the result of run {ending.number} of {job.workspace}/{job.task}; "
            f"{more}: {error}",
            file=sys.stderr,
            flush=True,
        )


def _record(ending: RunResult, failure: Failure | None, *, timeout: float = TIMEOUT) -> None:
    """Write the end of a run to its task file, unless it has ended already.

    Raises:
        Conflict, NotFound, IndexError: when there is no such run.
        PyrunsError, OSError: when it cannot be written at this moment.
    """
    paths = ending.job.paths
    statistics: dict[str, CurveStatistics] = {}
    has_journal = os.path.lexists(paths.journal(ending.number))
    records, tracks, whole = _metrics(ending, statistics) if has_journal else ({}, {}, True)
    alerts = _alerts(ending) if has_journal else []
    usage = summary_of(read_system(paths.system(ending.number)))
    with edit_task(paths.folder, timeout=timeout) as info:
        times = own(info).setdefault("times", {}).get(str(ending.number))
        if isinstance(times, list) and times[-1:] == [ending.finished]:
            return  # written already, but the kept copy was not removed
        ended_by_another = runs.runs(info)[ending.number - 1].status != runs.RUNNING
        if ended_by_another and not ending.by_owner:
            return
        if ended_by_another and isinstance(own(info).get("messages"), dict):
            own(info)["messages"].pop(str(ending.number), None)  # which says that the owner is gone
        runs.finish(
            info,
            attempt=ending.job.attempt,
            status=ending.status,
            exit_code=ending.exit_code,
            records=records,
            finished_at=ending.finished,
        )
        if ending.process is not None:
            runs.set_process(info, ending.job.attempt, *ending.process)
        whole = metrics.add_points(info, ending.number, tracks, whole=whole, statistics=statistics)
        if alerts:
            store_alerts(info, ending.number, merged(alerts_of(info, ending.number), alerts))
        store_summary(info, ending.number, usage)
        runs.add_environment(info, ending.number, ending.environment)
        _add_facts(own(info), ending, failure)
        if not ending.is_final:
            is_queued = queue_again(
                info,
                ending.job,
                interrupted=ending.interrupted,
                out_of_memory=failure is not None and failure.out_of_memory,
            )
            if ending.interrupted and ending.job.resume:
                _add_requeue(own(info), ending, is_queued=is_queued)
    if whole and has_journal:
        with suppress(OSError):
            paths.journal(ending.number).unlink(missing_ok=True)
    with suppress(OSError):
        paths.owner(ending.number).unlink(missing_ok=True)


def _add_facts(facts: dict[str, Any], ending: RunResult, failure: Failure | None) -> None:
    number = str(ending.number)
    if ending.message:
        facts.setdefault("messages", {})[number] = ending.message
    if failure is not None:
        facts.setdefault("failures", {})[number] = failure.to_list()


def _add_requeue(facts: dict[str, Any], ending: RunResult, *, is_queued: bool) -> None:
    """Add to the message of a run whether its task was requeued."""
    most, number = ending.job.options.max_requeues, str(ending.number)
    if is_queued:
        note = f"The task was requeued (requeue {ending.job.requeues + 1} of at most {most})."
    elif ending.job.requeues >= most:
        times = "once" if most == 1 else f"{most} times"
        note = f"The task was not requeued, because it was requeued {times} already (max_requeues)."
    else:
        return
    messages = facts.setdefault("messages", {})
    messages[number] = f"{messages.get(number, '')} {note}".strip()


def _alerts(ending: RunResult) -> list[Alert]:
    """Return the alerts in the journal, which is about to be removed."""
    try:
        return alerts_in(ending.job.paths.journal(ending.number))
    except OSError:
        return []


def _metrics(
    ending: RunResult, statistics: dict[str, CurveStatistics]
) -> tuple[dict[str, Any], dict[str, list[Any]], bool]:
    """Return `metrics.compact_journal`. A journal that cannot be read stays, and does not prevent the end of
    the run.
    """
    paths = ending.job.paths
    try:
        return metrics.compact_journal(paths, ending.number, statistics, paths.info.stat().st_size)
    except OSError:
        return {}, {}, False


def _add_error(ending: RunResult) -> None:
    paths, command = ending.job.paths, ending.command
    facts: dict[str, object] = {}
    if ending.status == runs.CANCELLED:
        headline = f"Run #{ending.number} stopped at {stamp(ending.finished)}"
        facts["reason"] = ending.reason or ending.message or "cancelled_by_user"
        facts["previous_status"] = runs.RUNNING
        facts["exit_code"] = ending.exit_code
    else:
        headline = f"Run #{ending.number} failed at {stamp(ending.finished)}"
        facts["reason"] = ending.reason or ending.message or f"exit_code {ending.exit_code}"
    if command is not None:
        facts["command"] = command.argv
        facts["workdir"] = repr(command.workdir)
    facts["log"] = paths.log(ending.number)
    run_files.add_error(paths, headline, facts)
