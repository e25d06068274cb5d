"""Writing down how a run ended: its log's last lines, its figures, its final state, in this order."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pyruns_jupyter.core import figures, folding, runs
from pyruns_jupyter.core.errors import Busy, Conflict, NotFound, Unreadable
from pyruns_jupyter.core.sketches import Sketches, write_curves
from pyruns_jupyter.core.stamps import stamp
from pyruns_jupyter.core.taskfile import edit_task, own

from . import report
from .base import Job
from .commands import Command
from .failures import Failure, diagnose
from .retrying import queue_again

_LONGEST_PAUSE = 30.0  # seconds between two tries to write on a full disk


@dataclass(frozen=True)
class Ending:
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
    command: Command | None = None
    message: str = ""
    reason: str = ""
    by_owner: bool = True
    process: tuple[int, float] | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    is_final: bool = False


def write_ending(ending: Ending) -> bool:
    """Write the end of a run; tell whether it was written (not: when the run is gone or has ended already).

    A disk that is full now is tried again until it takes the state: nothing else knows how the run ended.
    """
    job, number, paths = ending.job, ending.number, ending.job.paths
    finished = time.time()
    banner = report.finish_banner(
        job.task,
        stamp(finished),
        exit_code=ending.exit_code,
        duration=max(0.0, finished - ending.started),
        status=ending.status,
    )
    failure: Failure | None = None
    if ending.status == runs.FAILED:
        failure = diagnose(paths.log(number), ending.exit_code, ending.message)
    report.append(paths.log(number), banner)
    if ending.status != runs.COMPLETED:
        _add_error(ending, finished)
    written = _write_state(ending, finished, failure)
    if written:
        with suppress(OSError):
            paths.owner(number).unlink(missing_ok=True)
    return written


def _write_state(ending: Ending, finished: float, failure: Failure | None) -> bool:
    path = ending.job.paths.journal(ending.number)
    pause = 0.1
    while True:
        try:
            records, tracks, whole = _figures(ending)
            with edit_task(ending.job.paths.folder) as info:
                if not ending.by_owner and runs.runs(info)[ending.number - 1].status != runs.RUNNING:
                    return False
                runs.finish(
                    info,
                    attempt=ending.job.attempt,
                    status=ending.status,
                    exit_code=ending.exit_code,
                    records=records,
                    finished_at=finished,
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
                    path.unlink(missing_ok=True)
            return True
        except (Conflict, NotFound, Unreadable, IndexError):
            return False
        except (OSError, Busy):
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _add_facts(facts: dict[str, Any], ending: Ending, failure: Failure | None) -> None:
    number = str(ending.number)
    if ending.message:
        facts.setdefault("messages", {})[number] = ending.message
    if failure is not None:
        facts.setdefault("failures", {})[number] = failure.to_list()


def _figures(ending: Ending) -> tuple[dict[str, Any], dict[str, list[Any]], bool]:
    """Return `folding.summary`, and leave sketches of the curves; a journal that cannot be read stays, and
    keeps no run from ending.
    """
    paths, sketches = ending.job.paths, Sketches()
    try:
        journal = paths.journal(ending.number)
        found = folding.summary(journal, paths.info.stat().st_size, sketches)
        curves = sketches.curves()
        if curves:
            with suppress(OSError):  # they only save time
                write_curves(paths.curves(ending.number), curves, journal.stat().st_size)
        return found
    except OSError:
        return {}, {}, False


def _add_error(ending: Ending, finished: float) -> None:
    paths, command = ending.job.paths, ending.command
    facts: dict[str, object] = {}
    if ending.status == runs.CANCELLED:
        headline = f"Run #{ending.number} stopped at {stamp(finished)}"
        facts["reason"] = "cancelled_by_user"
        facts["previous_status"] = runs.RUNNING
        facts["exit_code"] = ending.exit_code
    else:
        headline = f"Run #{ending.number} failed at {stamp(finished)}"
        facts["reason"] = ending.reason or ending.message or f"exit_code {ending.exit_code}"
    if command is not None:
        facts["command"] = command.argv
        facts["workdir"] = repr(command.workdir)
    facts["log"] = paths.log(ending.number)
    report.add_error(paths, headline, facts)
