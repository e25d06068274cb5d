"""Writing down how a run ended: its log's last lines, its figures, its final state, in this order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.logs.diagnosis import Failure, diagnose
from pyruns_jupyter.core.metrics import aggregate
from pyruns_jupyter.core.metrics import read as figures
from pyruns_jupyter.core.metrics.downsample import CurveDownsampler, write_curves
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.lock import TIMEOUT
from pyruns_jupyter.core.taskfile.task_file import edit_task, own
from pyruns_jupyter.engine.queue import kept_ends, run_files
from pyruns_jupyter.engine.queue.entries import queue_again
from pyruns_jupyter.engine.queue.jobs import Job

from .command import RunCommand

_MAX_PAUSE = 30.0  # seconds between two attempts
_KEPT_SECONDS = 60.0  # for which the task file is tried when the end is kept elsewhere (`kept_ends`)
_UNKEPT_SECONDS = 24 * 3600.0  # when it is kept nowhere: nothing else knows how the run ended

_LOCK_SECONDS = 1.0  # for which a scheduler waits
_PAST = (Conflict, NotFound, IndexError)  # the run does not exist any more

Pause = Callable[[float], bool]  # waits for a number of seconds; returns whether to try again


@dataclass(frozen=True)
class RunResult:
    """How run `number` of a job ended. `started` is in epoch seconds; `message` is a sentence for the user.

    `reason` is for `error.log`; by default it is the message, else the exit code. The owner of a run corrects
    what others wrote while it could not answer; who writes for a dead owner (`by_owner` is False) does not
    touch a run that has an end. `process` is the pid and the create time (epoch, s) of its command,
    `environment` what became known of where it ran since the start. `interrupted`: a
    restart of the machine ended it. The task is queued again when its queueing wants that, unless
    `is_final`.
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
        """Return what has to be kept of it, as data for JSON."""
        return {
            "workspace": self.job.workspace,
            "task": self.job.task,
            "gpus": list(self.job.gpus),
            "number": self.number,
            "status": self.status,
            "exit_code": self.exit_code,
            "started": self.started,
            "finished": self.finished,
            "message": self.message,
            "process": self.process,
            "environment": dict(self.environment),
            "interrupted": self.interrupted,
            "is_final": self.is_final,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], job: Job) -> RunResult:
        """Return the end of a run of `job` that `to_dict` stored.

        Raises:
            Unreadable: when something is missing or of the wrong type.
        """
        try:
            process, code = value["process"], value["exit_code"]
            status = str(value["status"])
            if status not in runs.ENDED:
                raise ValueError(f"status is {status}")
            return cls(
                replace(job, gpus=tuple(map(str, value["gpus"]))),
                int(value["number"]),
                status,
                None if code is None else int(code),
                float(value["started"]),
                message=str(value["message"]),
                process=None if process is None else (int(process[0]), float(process[1])),
                environment=dict(value["environment"]),
                interrupted=value["interrupted"] is True,
                is_final=value["is_final"] is True,
                finished=float(value["finished"]),
            )
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise Unreadable(f"A kept end of {job.workspace}/{job.task} is damaged: {error!r}.") from error


def write_ending(ending: RunResult, pause: Pause | None = None) -> bool:
    """Write the end of a run; return whether its task file has it (not: when the run is gone or has ended
    already, or the end is kept for a scheduler to write).

    A task file that cannot be written is tried again, for a bounded time, as long as `pause` allows it.
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
    return _try_to_record(ending, failure, pause or _sleep)


def write_kept_end(content: Mapping[str, Any], job: Job, *, is_final: bool = False) -> None:
    """Write a kept end of a run of `job` into its task file, and keep it no more.

    Raises:
        PyrunsError, OSError: when the task file cannot be written now, or what is kept is damaged.
    """
    try:
        ending = RunResult.from_dict(content, job)
    except Unreadable:
        kept_ends.remove_end(job.root, job.attempt)
        raise
    if is_final:
        ending = replace(ending, is_final=True)
    with suppress(*_PAST):
        _record(ending, _failure(ending), timeout=_LOCK_SECONDS)
    kept_ends.remove_end(job.root, job.attempt)


def write_kept_ends(root: Path, followed: Iterable[str], log: Callable[[str], None]) -> bool:
    """Write the kept ends of runs whose attempts nothing follows; return whether one is to be tried again."""
    kept = list(kept_ends.kept_ends(root))
    attempts = set(followed) if kept else set()
    again = False
    for content in kept:
        workspace, task, attempt = (str(content[key]) for key in ("workspace", "task", "attempt"))
        job = Job(root, workspace, task, attempt, "", {}, "")
        if attempt in attempts:
            continue
        try:
            write_kept_end(content, job, is_final=True)
        except (PyrunsError, OSError) as error:
            again = again or kept_ends.can_be_written(root, content)
            log(f"the end of a run of {workspace}/{task} is kept: {error}")
    return again


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def _failure(ending: RunResult) -> Failure | None:
    if ending.status != runs.FAILED:
        return None
    return diagnose(ending.job.paths.log(ending.number), ending.exit_code, ending.message)


def _try_to_record(ending: RunResult, failure: Failure | None, pause: Pause) -> bool:
    job, began, delay, kept = ending.job, time.monotonic(), 0.1, False
    while True:
        try:
            written = _record(ending, failure)
        except _PAST:
            written = False
        except (OSError, PyrunsError) as error:
            if not kept and ending.by_owner:
                kept = kept_ends.keep_end(job.root, job.attempt, ending.to_dict())
            left = began + (_KEPT_SECONDS if kept else _UNKEPT_SECONDS) - time.monotonic()
            if left <= 0 or not pause(min(delay, left)):
                _report_unwritten(ending, error, kept)
                return False
            delay = min(delay * 2, _MAX_PAUSE)
            continue
        if kept:
            kept_ends.remove_end(job.root, job.attempt)
        return written


def _report_unwritten(ending: RunResult, error: Exception, kept: bool) -> None:
    job = ending.job
    more = "it is kept and is written later" if kept else "nothing knows it any more"
    with suppress(OSError):
        print(
            f"{stamp()} The end of run {ending.number} of {job.workspace}/{job.task} could not be written, "
            f"{more}: {error}",
            file=sys.stderr,
            flush=True,
        )


def _record(ending: RunResult, failure: Failure | None, *, timeout: float = TIMEOUT) -> bool:
    """Write the end of a run into its task file; return whether it is there now.

    Raises:
        Conflict, NotFound, IndexError: when there is no such run.
        PyrunsError, OSError: when it cannot be written at this moment.
    """
    paths = ending.job.paths
    records, tracks, whole = _figures(ending)
    with edit_task(paths.folder, timeout=timeout) as info:
        times = own(info).setdefault("times", {}).get(str(ending.number))
        if isinstance(times, list) and times[-1:] == [ending.finished]:
            return True  # and its keeper died before it could forget it
        ended_by_another = runs.runs(info)[ending.number - 1].status != runs.RUNNING
        if ended_by_another and not ending.by_owner:
            return False
        if ended_by_another and isinstance(own(info).get("messages"), dict):
            own(info)["messages"].pop(str(ending.number), None)  # it says that this owner is gone
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
        whole = figures.add_points(info, ending.number, tracks, whole=whole)
        runs.add_environment(info, ending.number, ending.environment)
        _add_facts(own(info), ending, failure)
        if not ending.is_final:
            queue_again(
                info,
                ending.job,
                interrupted=ending.interrupted,
                out_of_memory=failure is not None and failure.out_of_memory,
            )
    if whole:
        with suppress(OSError):
            paths.journal(ending.number).unlink(missing_ok=True)
    with suppress(OSError):
        paths.owner(ending.number).unlink(missing_ok=True)
    return True


def _add_facts(facts: dict[str, Any], ending: RunResult, failure: Failure | None) -> None:
    number = str(ending.number)
    if ending.message:
        facts.setdefault("messages", {})[number] = ending.message
    if failure is not None:
        facts.setdefault("failures", {})[number] = failure.to_list()


def _figures(ending: RunResult) -> tuple[dict[str, Any], dict[str, list[Any]], bool]:
    """Return `aggregate.compact`, and leave sketches of the curves; a journal that cannot be read stays, and
    keeps no run from ending.
    """
    paths, sketches = ending.job.paths, CurveDownsampler()
    try:
        journal = paths.journal(ending.number)
        found = aggregate.compact(journal, paths.info.stat().st_size, sketches)
        curves = sketches.curves()
        if curves:
            with suppress(OSError):  # they only save time
                write_curves(paths.curves(ending.number), curves, journal.stat().st_size)
        return found
    except OSError:
        return {}, {}, False


def _add_error(ending: RunResult) -> None:
    paths, command = ending.job.paths, ending.command
    facts: dict[str, object] = {}
    if ending.status == runs.CANCELLED:
        headline = f"Run #{ending.number} stopped at {stamp(ending.finished)}"
        facts["reason"] = "cancelled_by_user"
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
