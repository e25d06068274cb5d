"""The state of the queue for users: `_pyruns_/.engine/queue.json`, written by the scheduler.

Nothing depends on this file: the batches and the task files decide what is queued.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from pyruns_jupyter.core.common.errors import Unreadable, os_sentence
from pyruns_jupyter.core.fs.atomic import dump_json, read_json, write_atomic
from pyruns_jupyter.core.fs.filesystem import write_problem
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import other_owner, trusted_engine

from . import batches
from .entries import ActiveBatch
from .jobs import Pending
from .launch import is_paused, scheduler_alive
from .options import QueueOptions

_WRITE_SECONDS = 0.5
_NONE = Pending()
_MAX_FOREIGN = 200  # batches that are shown, since any number could have been put there
_MAX_NEXT = 20  # names of queued tasks per batch
_OF_OTHER_USER = "Queued by %s. Only a scheduler of this user starts the tasks."
_NO_SCHEDULER = "No scheduler is running. Open the project to start one."


class QueuedBatch(Struct, frozen=True):
    """A batch that is not done: how many of its tasks are queued (`waiting`) and running, and why no further
    one starts now.

    `created_at` is in epoch seconds; `next` are the first queued tasks, in order. A `foreign` batch was not
    queued here by this user, so its tasks are not started.
    """

    id: str
    workspace: str
    created_at: float
    options: QueueOptions
    tasks: tuple[str, ...]
    waiting: int
    running: int
    why: str
    next: tuple[str, ...] = ()
    foreign: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the batch as data for JSON."""
        lists = {"tasks": list(self.tasks), "next": list(self.next)}
        return {**asdict(self), "options": self.options.to_dict(), **lists}


class Queue(Struct, frozen=True):
    """The batches of a project, in the order in which they start."""

    paused: bool
    scheduler_alive: bool
    batches: tuple[QueuedBatch, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the queue as data for JSON."""
        return {**asdict(self), "batches": [batch.to_dict() for batch in self.batches]}


def read_queue(root: Path) -> Queue:
    """Return the queue of the project whose `_pyruns_` folder is `root`."""
    key = trusted_engine(root)
    alive = key is not None and scheduler_alive(root)
    states = _read_states(EnginePaths(root)) if key is not None else {}
    problem = write_problem(root)
    owner = other_owner(root) if key is None else ""
    found = []
    foreign_batches = 0
    for batch_id in batches.batch_ids(root):
        try:
            is_foreign = key is None or batches.Batches(key).is_foreign(batch_id)
            if is_foreign and foreign_batches >= _MAX_FOREIGN:
                continue
            batch, foreign = batches.read_any_batch(root, batch_id, key)
        except (OSError, Unreadable):
            continue
        foreign_batches += bool(foreign)
        state = states.get(batch_id, {}) if not foreign else {}
        waiting, running, reason = state.get("waiting"), state.get("running"), state.get("why")
        why = (reason if isinstance(reason, str) else "") if alive else _NO_SCHEDULER
        if problem is not None:  # the scheduler cannot write why
            why = os_sentence(problem)
        tasks = tuple(name for name, _ in batch.tasks)
        found.append(
            QueuedBatch(
                id=batch_id,
                workspace=batch.workspace,
                created_at=batch.created_at,
                options=batch.options,
                tasks=tasks,
                waiting=waiting if isinstance(waiting, int) else len(batch.tasks),
                running=running if isinstance(running, int) else 0,
                why=_OF_OTHER_USER % owner if owner else foreign or why,
                foreign=bool(foreign) and not owner,
                next=_names(state.get("next"), tasks)[:_MAX_NEXT],
            )
        )
    found.sort(key=lambda one: (-one.options.priority, one.id))
    return Queue(is_paused(root), alive, tuple(found))


def _names(stored: object, tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that the scheduler stored; before that, all tasks are queued."""
    if not isinstance(stored, list):
        return tasks
    return tuple(name for name in stored if isinstance(name, str))


def _read_states(paths: EnginePaths) -> dict[str, dict[str, Any]]:
    try:
        content = read_json(paths.queue)
    except (OSError, Unreadable):
        return {}
    states = content.get("batches")
    if not isinstance(states, dict):
        return {}
    return {key: state for key, state in states.items() if isinstance(state, dict)}


def _state(opened: ActiveBatch, pending: Pending) -> dict[str, Any]:
    following = (entry.job.task for entry in opened.waiting)
    return {
        "waiting": len(opened.waiting) + pending.count,
        "running": len(opened.running) - pending.count,
        "why": opened.why or pending.why,
        "next": list(islice(chain(pending.next, following), _MAX_NEXT)),
    }


class QueueWriter:
    """Writes the file after changes, at most twice a second."""

    def __init__(self, paths: EnginePaths) -> None:
        self._path = paths.queue
        self._written: dict[str, Any] | None = None
        self._next = 0.0

    def write(
        self,
        opened: Iterable[ActiveBatch],
        pending: Callable[[], Mapping[str, Pending]],
        unread: Mapping[str, str],
    ) -> None:
        """Write the states of the batches. `pending` returns the submitted jobs of each that have not begun,
        `unread` says why others could not be loaded. After an error, this is retried later.
        """
        now = time.monotonic()
        if now < self._next:
            return
        waiting = pending()
        states = {one.batch.id: _state(one, waiting.get(one.batch.id, _NONE)) for one in opened}
        states |= {batch: {"why": why} for batch, why in unread.items()}
        if states == self._written:
            return
        self._next = now + _WRITE_SECONDS
        with suppress(OSError):
            write_atomic(self._path, dump_json({"batches": states}), durable=False)
            self._written = states

    def remove(self) -> None:
        """Remove the file when nothing is queued."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
