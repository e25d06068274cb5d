"""The entries of the batches as a scheduler holds them; all of it can be read from disk again."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from pyruns_jupyter.core import runs
from pyruns_jupyter.core.errors import Conflict, NotFound
from pyruns_jupyter.core.host import boot_id, host_name
from pyruns_jupyter.core.taskfile import TaskInfo, edit_task, own_facts, read_task

from . import report
from .base import Job
from .batches import Batch
from .sources import SourceState


class State(Enum):
    """What a task file says about one entry."""

    WAITING = auto()
    RUNNING = auto()
    DONE = auto()  # ended, cancelled, or another queueing's by now
    LOST = auto()  # a power failure lost the claim, which the batch file proves


@dataclass(eq=False, slots=True)  # ten thousand wait at once
class Entry:
    """One task of a batch. `not_before` is monotonic, `seen` the time stamp (ns) of the file last read."""

    job: Job
    seen: int
    tries: int = 0
    not_before: float = 0.0


@dataclass
class OpenBatch:
    """A batch that is not done: what waits, in order, and what runs."""

    batch: Batch
    waiting: deque[Entry] = field(default_factory=deque)
    running: dict[str, Entry] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether nothing of it waits or runs."""
        return not self.waiting and not self.running


def open_batch(root: Path, batch: Batch) -> OpenBatch:
    """Return a batch with all its entries waiting; what the task files say is looked at later."""
    opened = OpenBatch(batch)
    seen = int(batch.created_at * 1e9)  # its claims are older
    source = SourceState.from_dict(batch.source)
    for name, attempt in batch.tasks:
        job = Job(
            root=root,
            workspace=batch.workspace,
            task=name,
            attempt=attempt,
            batch=batch.id,
            environment=batch.environment,
            python=batch.python,
            source=source,
            code=batch.code,
        )
        opened.waiting.append(Entry(job, seen))
    return opened


def read_state(entry: Entry, batch: Batch) -> tuple[State, TaskInfo]:
    """Return what the task file says about an entry; one that cannot be read is done with.

    Raises:
        Unreadable: when the file is damaged.
    """
    try:
        info = read_task(entry.job.paths.folder)
    except NotFound:
        return State.DONE, {}
    return judge(info, entry.job.attempt, batch), info


def judge(info: TaskInfo, attempt: str, batch: Batch) -> State:
    """Return what a task file says about the entry of `batch` with `attempt`."""
    status = runs.status_of(info)
    if info.get("_attempt_id") == attempt:
        if status == runs.QUEUED:
            return State.WAITING
        return State.RUNNING if status == runs.RUNNING else State.DONE
    attempts = info.get("run_attempt_ids")
    if status in runs.ACTIVE or (isinstance(attempts, list) and attempt in attempts):
        return State.DONE
    queued = own_facts(info).get("queue")
    facts: dict[str, Any] = queued if isinstance(queued, dict) else {}
    later = facts.get("queued_at")
    if facts.get("attempt") == attempt or (isinstance(later, (int, float)) and later > batch.created_at):
        return State.DONE
    # Claims are not synced one by one. Only a crash of the whole machine since then can have lost one.
    crashed = batch.host == host_name() and (not batch.boot or batch.boot != boot_id())
    return State.LOST if crashed else State.DONE


def claim_again(entry: Entry) -> bool:
    """Queue a task once more whose claim was lost; tell whether it waits now."""
    try:
        with edit_task(entry.job.paths.folder) as info:
            runs.queue(info, attempt=entry.job.attempt, batch=entry.job.batch)
    except (Conflict, NotFound):
        return False
    return True


def was_touched(entry: Entry) -> bool:
    """Tell whether the task file changed since it was last looked at, by its time stamp alone."""
    try:
        changed = os.stat(entry.job.task_file).st_mtime_ns
    except OSError:
        return True
    if changed <= entry.seen:
        return False
    entry.seen = changed
    return True


def stop_if_asked(entry: Entry, info: TaskInfo, batch: Batch) -> bool:
    """End the wait of a task that somebody asked to stop; tell whether that was so.

    Raises:
        PyrunsError, OSError: when that cannot be done at this moment.
    """
    if not info.get("cancel_requested_at"):
        return False
    stopped = False
    with edit_task(entry.job.paths.folder) as current:
        waiting = judge(current, entry.job.attempt, batch) is State.WAITING
        if waiting and current.get("cancel_requested_at"):
            runs.unqueue(current)
            stopped = True
    if stopped:
        report.add_queue_stop(entry.job.paths)
    return stopped
