"""Queueing a task once more in the same write that ends its run: it never seems to have failed for good.

Done by who writes the end, so that it needs no scheduler and nobody sees a state between.
"""

from __future__ import annotations

import time
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts

from .jobs import Job


def queue_again(info: TaskInfo, job: Job, *, interrupted: bool, out_of_memory: bool = False) -> bool:
    """Queue a task again whose run just failed, when its queueing wants that; tell whether it waits now.

    `interrupted`: a restart of the machine ended the run; that uses up no retry. `out_of_memory`: it died for
    lack of GPU memory, and may be wanted to run with whole GPUs then. To be called under the task's lock.
    """
    if runs.status_of(info) != runs.FAILED or info.get("cancel_requested_at"):
        return False
    if info.get("_attempt_id") != job.attempt or queue_facts(info).get("attempt") != job.attempt:
        return False  # it is another queueing's by now
    alone = out_of_memory and job.options.retry_alone and bool(job.gpus) and not job.alone
    if not (job.resume if interrupted else alone or job.retries < job.options.retries):
        return False
    retries = job.retries + (not interrupted and not alone)
    again: dict[str, Any] = {"first": job.first or job.attempt, "retries": retries}
    if alone or job.alone:
        again["alone"] = True
    if not interrupted and not alone:
        again["not_before"] = time.time() + job.options.delay(retries)
    try:
        runs.queue(info, attempt=new_token(), batch=job.batch, again=again)
    except Conflict:  # it has a thousand runs, or is being moved
        return False
    return True


def queue_facts(info: TaskInfo) -> dict[str, Any]:
    """Return what a task file says about its latest queueing."""
    facts = own_facts(info).get("queue")
    return facts if isinstance(facts, dict) else {}
