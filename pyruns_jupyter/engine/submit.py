"""What front ends call: queue tasks, cancel one, see to it that a scheduler lives."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core import runs
from pyruns_jupyter.core.errors import Conflict, InvalidInput, PyrunsError
from pyruns_jupyter.core.host import new_token
from pyruns_jupyter.core.layout import EnginePaths
from pyruns_jupyter.core.owners import abandoned_run
from pyruns_jupyter.core.taskfile import TaskInfo, edit_task, own_facts

from . import batches, report
from .inherited import front_end_environment
from .launch import attend, check_startable, ensure_scheduler, scheduler_alive, wake

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace import WorkspaceFolder

__all__ = ["Submission", "attend", "cancel", "scheduler_alive", "submit"]

MAX_JOBS = 1000


@dataclass(frozen=True)
class Submission:
    """What became of a queueing: the batch, the tasks it holds in order, and the others with the reason (a
    sentence).

    `batch` is empty when nothing was queued.
    """

    batch: str
    queued: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def submit(
    workspace: WorkspaceFolder,
    names: Iterable[str],
    *,
    jobs: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Submission:
    """Queue tasks, to be run in this order, at most `jobs` of them at once, and see to it that a scheduler
    lives.

    Once this returns the queueing survives everything. `environment` is what the tasks inherit, by default
    that of this process.

    Raises:
        InvalidInput: when `jobs` is not between 1 and 1000; nothing is queued.
        PyrunsError, OSError: when nothing can be queued; what was claimed is put back. One that says that the
            scheduler could not be started leaves the tasks queued.
    """
    if isinstance(jobs, bool) or not 1 <= jobs <= MAX_JOBS:
        raise InvalidInput(f"The number of jobs must be from 1 to {MAX_JOBS}, not {jobs!r}.", field="jobs")
    wanted = [(name, new_token()) for name in dict.fromkeys(names)]
    if not wanted:
        return Submission("")
    check_startable()
    workspace.check_writable()
    paths = EnginePaths(workspace.root)
    batches.prepare_folders(paths)
    batch = batches.new_id()
    queued: list[tuple[str, str]] = []
    refused: dict[str, str] = {}
    with batches.Claim(paths, batch, workspace.name, wanted) as claim:
        try:
            for name, attempt in wanted:
                problem = _claim(workspace, name, attempt, batch)
                if problem is None:
                    queued.append((name, attempt))
                else:
                    refused[name] = problem
            if queued:
                batches.write_batch(
                    paths,
                    batches.Batch.new(
                        batch,
                        workspace=workspace.name,
                        jobs=jobs,
                        environment=front_end_environment(environment),
                        python=sys.executable,
                        tasks=queued,
                    ),
                )
        except BaseException:
            claim.put_back(workspace.tasks, wanted)
            raise
    if not queued:
        return Submission("", [], refused)
    ensure_scheduler(paths)
    return Submission(batch, [name for name, _ in queued], refused)


def _claim(workspace: WorkspaceFolder, name: str, attempt: str, batch: str) -> str | None:
    """Claim one task; return why it is refused, None when it is not."""
    try:
        folder = workspace.existing(name).folder
        with edit_task(folder, durable=False) as info:  # the batch file is what is durable
            _end_abandoned(info, folder)
            _undo_lost(info, EnginePaths(workspace.root))
            runs.queue(info, attempt=attempt, batch=batch)
    except PyrunsError as error:
        return error.message
    except OSError as error:
        return f"The task {name!r} cannot be changed: {error.strerror or error}."
    return None


def cancel(workspace: WorkspaceFolder, name: str) -> str:
    """Stop a task: a waiting one of ours at once, a running one (or another program's) by asking its owner.

    Return its status now: `cancelled`, or `running` / `queued` while the owner has not acted yet, or `failed`
    when it was another program's run, whose owner is provably dead.

    Raises:
        NotFound: when there is no such task.
        Conflict: when it neither waits nor runs.
    """
    paths = workspace.existing(name)
    workspace.check_writable()
    with edit_task(paths.folder) as info:
        status = runs.status_of(info)
        if status not in runs.ACTIVE:
            raise Conflict(f"The task {name!r} is {status}: there is nothing to stop.")
        if _end_abandoned(info, paths.folder):
            return runs.FAILED
        runs.request_cancel(info)
        if status == runs.QUEUED and _is_ours(info):
            runs.unqueue(info)
            status = runs.CANCELLED
    if status == runs.CANCELLED:
        report.add_queue_stop(paths)
        wake(EnginePaths(workspace.root))
    else:
        attend(workspace.root)  # an owner that died cannot act: whoever comes ends the run
    return status


def _end_abandoned(info: TaskInfo, folder: Path) -> bool:
    """End another program's run whose owner is provably dead; tell whether it was so.

    Nobody else would do it as long as that program is not used. For a run of ours the scheduler does.
    """
    run = None if _is_ours(info) else abandoned_run(info, folder)
    if run is None:
        return False
    runs.finish(info, attempt=run.attempt, status=runs.FAILED, exit_code=None)
    return True


def _undo_lost(info: TaskInfo, paths: EnginePaths) -> None:
    """Undo an earlier queueing of which only the task file still knows: its batch was damaged or deleted."""
    queue = own_facts(info).get("queue")
    if isinstance(queue, dict) and batches.is_lost(paths, str(queue.get("batch"))):
        runs.unclaim(info, attempt=str(queue.get("attempt")))


def _is_ours(info: TaskInfo) -> bool:
    """Tell whether a task waits or runs by a queueing of ours, on whatever host: who stops a waiting one
    holds its lock, and no scheduler starts what does not wait.
    """
    queue = own_facts(info).get("queue")
    return isinstance(queue, dict) and queue.get("attempt") == info.get("_attempt_id")
