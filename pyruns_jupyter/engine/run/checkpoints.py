"""Whether a run continues an earlier one, and whether it saved something that the next one can continue."""

from __future__ import annotations

import os
from contextlib import suppress

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.engine.queue.jobs import EndReason, Job

REQUEUE_EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: "the user is invited to retry"
_MAX_ENTRIES = 10_000  # of a checkpoint folder that are examined
_MAX_DEPTH = 4  # frameworks write a folder per step, and files per rank in it


def continues_run(paths: TaskPaths, info: TaskInfo) -> bool:
    """Return whether the next run of a task should continue earlier ones: the previous run did not complete,
    and there is a checkpoint that was saved after the last run that did.
    """
    known = runs.runs(info)
    if not known or known[-1].status == runs.COMPLETED:
        return False
    return _saved_since(
        paths, max((run.finished_at or 0.0 for run in known if run.status == runs.COMPLETED), default=0.0)
    )


def may_requeue(reason: EndReason, job: Job, since: float) -> bool:
    """Return whether a run that started at `since` (epoch seconds) and ended for this reason may be requeued.

    After its time limit only if it saved a checkpoint: without one, it would reach the limit again.
    """
    if reason.interrupted or not reason.is_time_limit:
        return reason.interrupted
    return job.resume and job.requeues < job.options.max_requeues and _saved_since(job.paths, since)


def _saved_since(paths: TaskPaths, since: float) -> bool:
    """Return whether a file in the checkpoint folder was written after a time (epoch seconds). If there are
    too many to examine, one probably was.
    """
    level, room = [str(paths.checkpoints)], _MAX_ENTRIES
    for _ in range(_MAX_DEPTH):
        below: list[str] = []
        for folder in level:
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    room -= 1
                    if room <= 0:
                        return True
                    with suppress(OSError):  # it was removed meanwhile
                        if entry.is_dir():
                            below.append(entry.path)
                        elif entry.stat().st_mtime > since:
                            return True
        level = below
    return False
