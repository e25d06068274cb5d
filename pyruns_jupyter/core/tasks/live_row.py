"""The row of a running task: its task file, and the files that change while it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.config.flatten import FlatReader
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, signature_of
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.logs.time_index import stalled_since
from pyruns_jupyter.core.metrics import journal
from pyruns_jupyter.core.metrics.peer_tracks import STORE_KEY, stored_signature
from pyruns_jupyter.core.metrics.read import newest_beside
from pyruns_jupyter.core.metrics.step_progress import progress_of, totals_among
from pyruns_jupyter.core.taskfile.ownership import COPIED, Ownership, is_copied_run
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS, TASK_INFO, journal_name
from pyruns_jupyter.core.taskfile.runs import Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo

from .row import PYTHON, TaskRow, figures_of, with_values

INTERRUPTED = (
    "The run was interrupted. Its process and its supervisor ended without an exit code. "
    "Stop it, or run it again."
)
LOST_CONTACT = (
    "Lost contact with the supervisor of this run on %s. The run may still be active. "
    "To end it, stop the task or run it again."
)


class LiveRow(Struct):
    """What is read in addition to the task file while a task runs."""

    row: TaskRow  # only from the task file
    run: Run
    folder: str
    signature: Signature
    owner: Ownership
    track_store: TaskInfo  # the key of the task file about points that are stored elsewhere
    newest: dict[str, Any]
    tail: journal.JournalTail
    stored: journal.NewestValues  # of metrics that are stored elsewhere
    totals: Mapping[str, tuple[float, str]]  # of steps, in its configuration
    seen: tuple[int, Signature]  # size of the journal, and `stored_signature`

    @classmethod
    def of(
        cls, row: TaskRow, run: Run, info: TaskInfo, folder: str, signature: Signature, before: LiveRow | None
    ) -> LiveRow:
        """Return that of a task file that was just read; `before` is that of the same task, if it was
        running then.
        """
        known = before if before is not None and _is_same(before.run, run) else None
        return cls(
            row=row,
            run=run,
            folder=folder,
            signature=signature,
            owner=Ownership.of(info),
            track_store={key: info[key] for key in (STORE_KEY,) if key in info},
            newest=known.newest if known else {},
            tail=known.tail if known else journal.JournalTail(),
            stored=known.stored if known else journal.NewestValues(),
            totals=known.totals if known else _totals(folder, row),
            seen=(known.seen[0] if known else -1, UNKNOWN),
        )

    def current(self, stall_seconds: float) -> TaskRow:
        """Return the row with its newest points, and a message if its owner is dead; see `stalled_since`."""
        row = self.row
        path = f"{self.folder}/{RUN_LOGS}/{journal_name(self.run.index)}"  # faster than `Path`
        try:
            status = os.stat(path)
            size, written_at = status.st_size, status.st_mtime
        except OSError:
            size, written_at = 0, 0.0
        stored = stored_signature(self.folder) if self.track_store else UNKNOWN
        if (size, stored) != self.seen:
            if 0 < size < self.seen[0]:  # another journal
                self.newest, self.stored = {}, journal.NewestValues()
            self.seen = (size, stored)
            if self.track_store:
                # Metrics that are tracked rarely may not be among the newest points any more.
                self.stored.add(newest_beside(self.track_store, self.run.index, self.folder))
                self.newest = self.stored.values
            elif size:
                self.newest = self.tail.read(path)
        if self.newest:
            row = with_values(row, figures=figures_of(self.run, self.newest))
        steps = progress_of(row.figures, self.totals)
        if steps is not None:
            row = replace(row, steps=steps, progress=row.progress or steps.step / steps.total)
        if time.time() - written_at > stall_seconds:
            silent_since = stalled_since(stall_seconds, self.folder, self.run)
            if silent_since is not None:
                row = replace(row, silent_since=silent_since)
        if self.owner.is_orphaned(self.folder, self.run) and task_signature(self.folder) == self.signature:
            # It has not just ended normally: an owner writes the result before it exits.
            row = replace(row, message=self._why_over())
        return row

    def _why_over(self) -> str:
        if is_copied_run(self.folder, self.run.index):
            return COPIED
        return INTERRUPTED if self.owner.here else LOST_CONTACT % (self.owner.host or "an unknown host")


def task_signature(folder: str, tasks: int | None = None) -> Signature:
    """Return the signature of the task file in a folder, `UNKNOWN` without one. With a descriptor of a
    folder `tasks`, the path is relative to it.
    """
    try:
        return signature_of(os.stat(f"{folder}/{TASK_INFO}", dir_fd=tasks))
    except OSError:
        return UNKNOWN


def _totals(folder: str, row: TaskRow) -> Mapping[str, tuple[float, str]]:
    """Return the numbers of steps in the configuration of a task."""
    found: Mapping[str, Any] = {}
    if row.kind == PYTHON:
        with suppress(OSError, Unreadable, ValueError):  # the latter for an impossible name of the file
            found = FlatReader().read(read_text(Path(folder, row.config_file), follow=False))
    return totals_among({**found, **row.swept})


def _is_same(one: Run, other: Run) -> bool:
    """Return whether both are the same run: another task may have taken the name of one that is gone."""
    return (one.index, one.attempt, one.started_at) == (other.index, other.attempt, other.started_at)
