"""Queueing foreign batches again: how the user takes over the queue of a copied project.

Foreign batches (`core.trust`) run only after this explicit action. Their tasks are queued again, with the
environment and the permissions of the user who calls it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TASKS
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.trust.engine_key import BATCHES, EngineKey, claim_engine, trusted_engine
from pyruns_jupyter.core.trust.signatures import remove_foreign
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.batches import Batch
from pyruns_jupyter.engine.queue.entries import is_lost, queue_facts

from .submit import end_abandoned, submit


@dataclass
class Requeued:
    """The tasks of foreign batches: those that were queued (`workspace/task`), and those that were refused,
    with the reason (a sentence).
    """

    queued: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def requeue(root: Path) -> Requeued:
    """Queue again here the tasks of all foreign batches of the project whose `_pyruns_` folder is `root`.

    Tasks that have run or were queued otherwise meanwhile are not changed. Copies of runs of another folder
    are marked as failed; no process is stopped. If a task is refused, its batch stays foreign.

    Raises:
        Untrusted: if the engine folder belongs to another user, or is a link.
        PyrunsError, OSError: if nothing can be queued; then the batches stay foreign.
    """
    key = claim_engine(root)
    done = Requeued()
    for name in batches.batch_ids(root):
        try:
            batch, foreign = batches.read_any_batch(root, name, key)
        except (FileNotFoundError, Unreadable):
            continue
        if foreign and _requeue_batch(key, batch, done):
            remove_foreign(root, BATCHES, f"{name}{batches.SUFFIX}")
    return done


def _requeue_batch(key: EngineKey, batch: Batch, done: Requeued) -> bool:
    """Queue the tasks of a batch again; return whether the batch is no longer needed."""
    folder = key.root / batch.workspace
    names = []
    for name, attempt in batch.tasks:
        task = folder / TASKS / name
        with suppress(NotFound, Unreadable):
            info = read_task(task)
            if queue_facts(info).get("batch") != batch.id:
                continue
            status = runs.status_of(info)
            if status == runs.RUNNING and info.get("_attempt_id") == attempt:
                with suppress(PyrunsError, OSError), edit_task(task) as current:
                    end_abandoned(current, task, key)
            elif status == runs.QUEUED:
                names.append(name)
    if not names:
        return True
    try:
        workspace = WorkspaceFolder.at(folder)
        found = submit(workspace, names, options=batch.options, group=batch.group)
    except (NotFound, InvalidInput) as error:
        done.refused.update({f"{batch.workspace}/{name}": error.message for name in names})
        return False
    done.queued += [f"{batch.workspace}/{name}" for name in found.queued]
    done.refused.update({f"{batch.workspace}/{name}": why for name, why in found.refused.items()})
    return not found.refused


def is_stuck(task: Path) -> bool:
    """Return whether the task in a folder is queued, but no batch will start it here."""
    root = task.parents[2]
    try:
        before = read_task(task)
        lost = runs.status_of(before) == runs.QUEUED and is_lost(before, root, trusted_engine(root))
        return lost and read_task(task) == before  # its batch did not end meanwhile
    except (PyrunsError, OSError):
        return False
