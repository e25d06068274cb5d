"""The claim of a run: the write that turns a queued run into a running one, exactly once."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.engine.queue.jobs import Job

from .command import RunCommand, write_input


def waits(info: TaskInfo, attempt: str) -> bool:
    """Return whether a task waits for the run that `attempt` names."""
    return runs.status_of(info) == runs.QUEUED and info.get("_attempt_id") == attempt


def claim_run(job: Job, number: int, *, given: RunCommand | None = None, **facts: Any) -> TaskInfo | None:
    """Turn the queued run of a job into a running one, or into a cancelled one if that was requested.

    `number` is its index, `given` is stored in the same step, `facts` are those of `runs.start`. Return None
    if it does not run; then its log is removed.
    """
    paths = job.paths
    with edit_task(paths.folder) as info:
        ours = waits(info, job.attempt) and runs.next_index(info) == number
        wanted = ours and not info.get("cancel_requested_at")
        if wanted:
            runs.start(info, attempt=job.attempt, **facts)
            if given is not None:
                _record(job, info, number, given)
        elif ours:
            runs.unqueue(info)
        if not wanted and runs.slot_count(info) < number:
            paths.log(number).unlink(missing_ok=True)
    if ours and not wanted:
        run_files.add_queue_stop(paths)
    return info if wanted else None


def _record(job: Job, info: TaskInfo, number: int, given: RunCommand) -> None:
    facts = job.source.to_dict()
    if job.code:
        facts["code"] = job.code
        facts["in_place"] = given.shell is not None
    if facts:
        own(info).setdefault("sources", {})[str(number)] = facts
    write_input(job.paths, number, given, facts)
