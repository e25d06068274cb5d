"""Ending a run whose supervisor died: what is left of it is stopped, and the task says what happened."""

from __future__ import annotations

import os
import time

import psutil

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import ProcessId, boot_id, host_name, pid_space, process_alive
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import COPIED, MAX_RECORD_BYTES, is_copied_run, owner_record
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.engine.memory.group import MemoryGroup
from pyruns_jupyter.engine.queue import kept_ends
from pyruns_jupyter.engine.queue.jobs import EndReason, Job
from pyruns_jupyter.engine.queue.processes import marked_processes, name_process

from .command import remove_copies
from .finalize import RunResult, write_ending, write_kept_end
from .supervisor import AGAIN, DONE, OWNER_TIMEOUT

KILLED = (
    "The supervisor of this run was killed: how the run ended is unknown. What was left of it was stopped."
)
RESTARTED = "The machine was restarted while this run was going on."
CONTAINER = "The container in which this run was going on was stopped."
SILENT = "The supervisor of this run on %s gave no sign of life any more: how the run ended is unknown."
_GRACE = 2.0  # seconds; losing the terminal told the processes to end already


def finalize_orphan(job: Job, word: EndReason | None = None) -> int:
    """End the run of a job whose supervisor is dead; return `DONE`, or `AGAIN` if another process owns it.

    `word` is what the cluster says about it in which the run went on.
    """
    name_process("pyruns-bury", f"{job.workspace}/{job.task}", str(job.root.parent))
    try:
        files = os.listdir(job.paths.folder)  # before the task says that this is its run: no later run's file
        info = read_task(job.paths.folder)
    except (FileNotFoundError, NotADirectoryError, NotFound, Unreadable):
        return DONE
    number = running_number(info, job.attempt)
    if number is None:
        return DONE
    lock = FileLock(job.paths.owner(number))
    try:
        job.paths.run_logs.mkdir(exist_ok=True)
        lock.acquire(timeout=OWNER_TIMEOUT)
    except Busy:
        return AGAIN
    kept = kept_ends.read_end(job.root, job.attempt)
    if kept is not None:
        try:
            write_kept_end(kept, job)
        except (PyrunsError, OSError):
            return AGAIN
        return DONE
    run = runs.runs(info)[number - 1]
    former = owner_of(job.paths, number)
    elsewhere = former is not None and former.host != host_name() and former.boot != boot_id()
    rebooted = former is not None and former.boot != boot_id() and not elsewhere
    contained = former is not None and not rebooted and former.space not in ("", pid_space())
    restarted = rebooted or (contained and not elsewhere)
    copied = is_copied_run(job.paths.folder, number)
    if not restarted and not elsewhere and not copied:  # what runs elsewhere is not ours to stop
        stop_remains(run.pid, run.pid_create_time, job.attempt)
        MemoryGroup.discard(job.attempt)
    remove_copies(job.paths, files)
    lock.write(owner_record(lock))
    message = RESTARTED if rebooted else CONTAINER if restarted else KILLED
    if former is not None and elsewhere:
        message = SILENT % former.host
    if copied and not elsewhere:
        message = COPIED
    elif word is not None:
        message = word.message
    started = run.started_at or time.time()
    ending = RunResult(
        job,
        number,
        runs.FAILED if word is None else word.status,
        None,
        started,
        message=message,
        reason="supervisor_lost",
        by_owner=False,
        interrupted=restarted if word is None else word.interrupted,
        is_final=copied,
    )
    write_ending(ending)
    return DONE


def running_number(info: TaskInfo, attempt: str) -> int | None:
    """Return the index (from 1) of the running run that `attempt` names, None if there is none."""
    if runs.status_of(info) != runs.RUNNING or info.get("_attempt_id") != attempt:
        return None
    attempts = info.get("run_attempt_ids")
    return attempts.index(attempt) + 1 if isinstance(attempts, list) and attempt in attempts else None


def stop_remains(pid: int | None, create_time: float | None, attempt: str) -> None:
    """Stop the processes of a run that lost its supervisor.

    They are known by what cannot be taken for another's: the recorded process by pid and create time, all
    others by the attempt in the environment they were started with.
    """
    for end in (psutil.Process.terminate, psutil.Process.kill):
        remains = _remains(pid, create_time, attempt)
        if not remains:
            return
        for process in remains:
            try:
                end(process)
            except psutil.Error:
                continue
        psutil.wait_procs(remains, timeout=_GRACE)


def _remains(pid: int | None, create_time: float | None, attempt: str) -> list[psutil.Process]:
    found = {process.pid: process for process in marked_processes("PYRUNS_RUN_ATTEMPT_ID", attempt)}
    if pid is not None and create_time is not None and process_alive(pid, create_time):
        try:
            leader = psutil.Process(pid)
            found.update({process.pid: process for process in (leader, *leader.children(recursive=True))})
        except psutil.Error:
            pass
    return list(found.values())


def owner_of(paths: TaskPaths, number: int) -> ProcessId | None:
    """Return who owns or owned a run, as its owner wrote it down; None when that is not known."""
    try:
        return ProcessId.from_dict(read_json(paths.owner(number), most=MAX_RECORD_BYTES))
    except (OSError, Unreadable):
        return None
