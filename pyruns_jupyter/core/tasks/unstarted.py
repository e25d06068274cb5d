"""Queued tasks that will not be started: their batch belongs to another copy of the project, or is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pyruns_jupyter.core.fs.change_stamp import Signature
from pyruns_jupyter.core.trust.engine_key import BATCHES, other_owner, trusted_engine
from pyruns_jupyter.core.trust.signatures import Origin, claim_path, origin
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .live_row import task_signature
from .row import TaskRow

QUEUED_ELSEWHERE = (
    "Queued in another copy of this project, on another machine, or by an older version. It does not start "
    "here. Use 'Queue here', or run the task again."
)
QUEUED_NOWHERE = (
    "The task is marked as queued but belongs to no batch, so it does not start. Stop it, or run it again."
)
_ORIGIN_SECONDS = 5.0  # between two checks of the origin of the batches


class QueuedTask(Struct):
    """A queued task: its row without a message, its batch, and the signature of its file."""

    row: TaskRow
    batch: str
    signature: Signature


class QueuedTasks(dict[str, QueuedTask]):
    """The queued tasks of a workspace by name."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        super().__init__()
        self._workspace = workspace
        self._unstarted: dict[str, str] = {}  # batches that are not started here, and why
        self._known_batches: set[str] = set()  # whose origin was checked last
        self._origins_at = float("-inf")  # monotonic

    def marked(self, changed: list[TaskRow], rows: Mapping[str, TaskRow]) -> list[TaskRow]:
        """Return the changed rows, with a message for those that are queued but will not be started.

        Of the known `rows`, those are added whose batch turned out to be foreign or gone, or was taken over.
        """
        if not self:
            return changed
        now, checked = time.monotonic(), False
        new = {self[row.name].batch for row in changed if row.name in self}
        was_unstarted = bool(self._unstarted)
        if now - self._origins_at > _ORIGIN_SECONDS or not new <= self._known_batches:
            self._origins_at, checked = now, True
            self._known_batches = {queued.batch for queued in self.values()}
            self._unstarted = _unstarted_batches(self._workspace.root, self._known_batches)
        found = {row.name: row for row in changed}
        for name in self if checked and (self._unstarted or was_unstarted) else [*found]:
            if name in self:
                found[name] = replace(self[name].row, message=self._why_unstarted(name))
        return [row for row in found.values() if row != rows.get(row.name)]

    def _why_unstarted(self, name: str) -> str | None:
        """Return why a queued task will not be started, None if it will."""
        queued = self[name]
        why = self._unstarted.get(queued.batch)
        if why == QUEUED_NOWHERE and task_signature(f"{self._workspace.tasks}/{name}") != queued.signature:
            return None  # it is not queued any more: a batch is removed after the last of its tasks
        return why


def _unstarted_batches(root: Path, batches: Iterable[str]) -> dict[str, str]:
    """Return those batches that are not started here, with the reason; none if another user runs this
    project.
    """
    key = trusted_engine(root)
    if key is None and other_owner(root):
        return {}
    found = {}
    for batch in batches:
        with suppress(OSError, ValueError):
            is_claimed = os.path.lexists(claim_path(root, batch))  # first: it goes once the batch exists
            source = origin(root, BATCHES, f"{batch}.json", key)
            if source is Origin.FOREIGN:
                found[batch] = QUEUED_ELSEWHERE
            elif source in (Origin.GONE, Origin.DAMAGED) and not is_claimed:
                found[batch] = QUEUED_NOWHERE
    return found
