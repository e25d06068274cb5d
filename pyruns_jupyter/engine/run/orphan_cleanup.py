"""Ending a run whose supervisor died: its processes are stopped, and its task says what happened."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import boot_id, host_name, pid_space, process_alive
from pyruns_jupyter.core.common.process_identity import ProcessId
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.locks import FileLock, is_locked
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import COPIED, MAX_RECORD_BYTES, is_copied_run, owner_record
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.engine.memory.group import MemoryGroup
from pyruns_jupyter.engine.processes.descendants import marked_processes
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.queue import kept_ends
from pyruns_jupyter.engine.queue.entries import run_number
from pyruns_jupyter.engine.queue.jobs import EndReason, Job

from .checkpoints import may_requeue
from .command import remove_copies
from .finalize import RunResult, write_ending, write_kept_end
from .supervisor import AGAIN, DONE, OWNER_TIMEOUT

if TYPE_CHECKING:
    import psutil

_KILLED = (
    "The supervisor of this run was killed, so the outcome of the run is unknown. Its processes were stopped."
)
_RESTARTED = "The machine was restarted during this run."
_CONTAINER_STOPPED = "The container of this run was stopped."
_LOST_CONTACT = "Lost contact with the supervisor on %s. The outcome of this run is unknown."
_GRACE_SECONDS = 2.0  # short, since the loss of their terminal asked the processes to end already


def finalize_orphan(job: Job, reason: EndReason | None = None) -> int:
    """End the run of a job whose supervisor is dead; return `DONE`, or `AGAIN` if another process owns it.

    `reason` is why it ended, if the cluster in which it ran knows that.
    """
    name_process("pyruns-cleanup", f"{job.workspace}/{job.task}", str(job.root.parent))
    try:
        files = os.listdir(job.paths.folder)  # before the task is read, so it holds no file of a later run
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
    if not restarted and not elsewhere and not copied:  # its processes are on this machine
        stop_remains(run.pid, run.pid_create_time, job.attempt)
        MemoryGroup.discard(job.attempt)
    remove_copies(job.paths, files)
    lock.write(owner_record(lock))
    message = _RESTARTED if rebooted else _CONTAINER_STOPPED if restarted else _KILLED
    if former is not None and elsewhere:
        message = _LOST_CONTACT % former.host
    if copied and not elsewhere:
        message = COPIED
    elif reason is not None:
        message = reason.message
    started = run.started_at or time.time()
    ending = RunResult(
        job,
        number,
        runs.FAILED if reason is None else reason.status,
        None,
        started,
        message=message,
        reason="supervisor_lost",
        by_owner=False,
        interrupted=restarted if reason is None else may_requeue(reason, job, started),
        is_final=copied,
    )
    write_ending(ending, lock)
    return DONE


def running_number(info: TaskInfo, attempt: str) -> int | None:
    """Return the index (from 1) of the running run of an attempt, None if there is none."""
    if runs.status_of(info) != runs.RUNNING or info.get("_attempt_id") != attempt:
        return None
    return run_number(info, attempt) or None


def stop_remains(pid: int | None, create_time: float | None, attempt: str) -> None:
    """Stop the processes of a run that lost its supervisor.

    Nothing else can be mistaken for them: the stored process is identified by pid and create time, all others
    by the attempt in the environment that they were started with.
    """
    import psutil  # slow to import, and few runs lose their supervisor

    for end in (psutil.Process.terminate, psutil.Process.kill):
        remains = _remains(pid, create_time, attempt)
        if not remains:
            return
        for process in remains:
            try:
                end(process)
            except psutil.Error:
                continue
        psutil.wait_procs(remains, timeout=_GRACE_SECONDS)


def _remains(pid: int | None, create_time: float | None, attempt: str) -> list[psutil.Process]:
    import psutil

    found = {process.pid: process for process in marked_processes("PYRUNS_RUN_ATTEMPT_ID", attempt)}
    if pid is not None and create_time is not None and process_alive(pid, create_time):
        try:
            leader = psutil.Process(pid)
            found.update({process.pid: process for process in (leader, *leader.children(recursive=True))})
        except psutil.Error:
            pass
    return list(found.values())


def owner_of(paths: TaskPaths, number: int) -> ProcessId | None:
    """Return the process that owns or owned a run, as it stored itself; None if that is unknown."""
    try:
        return ProcessId.from_dict(read_json(paths.owner(number), most=MAX_RECORD_BYTES))
    except (OSError, Unreadable):
        return None


def owner_lives(job: Job, info: TaskInfo) -> bool:
    """Return whether the owner of a running job lives, according to its lock, or to its lease."""
    number = running_number(info, job.attempt)
    if number is None or is_locked(job.paths.owner(number)):
        return True
    if info.get("runner_host") == host_name():
        return False
    # Locks of another host may not be visible here, so its lease decides. But two hosts never have the same
    # boot id, and one that was renamed keeps it.
    former = owner_of(job.paths, number)
    if former is not None and former.boot and former.boot == boot_id():
        return False
    until = info.get("lease_until")
    return isinstance(until, (int, float)) and until > time.time()


def has_owner(job: Job) -> bool:
    """Return whether a job runs and has an owner, according to its files."""
    try:
        info = read_task(job.paths.folder)
        return running_number(info, job.attempt) is not None and owner_lives(job, info)
    except (NotFound, Unreadable):
        return False
    except OSError:
        return True  # unknown at this moment
