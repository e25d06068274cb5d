"""The tasks of a workspace in memory, refreshed by looking at what changed on disk. Never writes."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import journal
from .errors import Unreadable
from .files import MAX_JSON_BYTES, parse_json
from .layout import RUN_LOGS, SHELL_WORKSPACE, TASK_INFO, journal_name
from .owners import Ownership
from .rows import PYTHON, SHELL, TaskRow, damaged_row, figures_of, row_from
from .runs import RUNNING, STATUSES, Run, latest
from .taskfile import TaskInfo
from .workspace import WorkspaceFolder, scan_tasks

__all__ = ["Changes", "TaskIndex", "TaskRow", "row_from"]

INTERRUPTED = (
    "The run was interrupted: its process and its supervisor are gone, and no exit code was written. "
    "Run the task again."
)
_REMEMBERED = 10_000  # removed names, for those who ask what changed
# A file changed so shortly before it was read may change again within the same tick of the file system's
# clock.
_TICK = 50_000_000  # ns
_COARSE_TICK = 2_000_000_000  # ns, where times are whole seconds

Signature = tuple[int, int, int]
_UNKNOWN: Signature = (0, 0, 0)


@dataclass(frozen=True)
class Changes:
    """What is different: rows that are new or changed, and names that are gone; `revision` is that of the
    index.
    """

    changed: list[TaskRow]
    removed: list[str]
    revision: int

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


@dataclass
class _Live:
    """What is looked at beside the task file while a task runs."""

    row: TaskRow  # without what was found beside the file
    run: Run
    folder: str
    signature: Signature
    owner: Ownership
    journal_size: int = -1
    newest: dict[str, Any] | None = None


class TaskIndex:
    """All tasks of one workspace. `refresh` may run in a thread; `rows` and `counts` are replaced, never
    changed.
    """

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.workspace = workspace
        self.epoch = secrets.token_hex(8)
        self.revision = 0
        self.rows: dict[str, TaskRow] = {}
        self.counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
        self._signatures: dict[str, Signature] = {}
        self._live: dict[str, _Live] = {}
        self._changed_at: dict[str, int] = {}
        self._removed: deque[tuple[int, str]] = deque()
        self._forgotten = 0  # up to this revision, removed names are not remembered any more
        self._lock = threading.Lock()

    def refresh(self) -> Changes:
        """Look at the disk and return what changed since the last look."""
        with self._lock:
            return self._refresh()

    def changes_since(self, revision: int) -> Changes | None:
        """Return what changed after `revision`, None when that is too long ago (or in the future) to tell."""
        with self._lock:
            if revision > self.revision or revision < self._forgotten:
                return None
            rows = self.rows
            changed = [rows[name] for name, at in self._changed_at.items() if at > revision]
            removed = {name for at, name in self._removed if at > revision and name not in rows}
            return Changes(changed, sorted(removed), self.revision)

    def _refresh(self) -> Changes:
        found: set[str] = set()
        changed: list[TaskRow] = []
        for name, folder in scan_tasks(self.workspace.tasks, self.rows):
            try:
                status = os.stat(f"{folder}/{TASK_INFO}")
            except OSError:
                continue
            signature = _signature(status)
            row: TaskRow | None
            if self._signatures.get(name) != signature:
                row = self._read(name, folder, status)
                if row is None:
                    continue  # gone since we looked
            elif name in self._live:
                row = self._beside(self._live[name])
            else:
                row = None
            found.add(name)
            if row is not None and row != self.rows.get(name):
                changed.append(row)
        removed = [name for name in self.rows if name not in found]
        if changed or removed:
            self._apply(changed, removed)
        return Changes(changed, removed, self.revision)

    def _apply(self, changed: list[TaskRow], removed: list[str]) -> None:
        revision = self.revision + 1
        rows = dict(self.rows)
        for row in changed:
            rows[row.name] = row
            self._changed_at[row.name] = revision
        for name in removed:
            del rows[name]
            self._changed_at.pop(name, None)
            self._signatures.pop(name, None)
            self._live.pop(name, None)
            self._removed.append((revision, name))
        while len(self._removed) > _REMEMBERED:
            self._forgotten = self._removed.popleft()[0]
        counts = dict.fromkeys(STATUSES, 0)
        for row in rows.values():
            counts[row.status] += 1
        self.rows, self.counts, self.revision = rows, counts, revision

    def _read(self, name: str, folder: str, status: os.stat_result) -> TaskRow | None:
        self._live.pop(name, None)
        self._signatures[name] = _signature(status)
        mtime = status.st_mtime_ns
        tick = _TICK if mtime % 1_000_000_000 else _COARSE_TICK
        if abs(time.time_ns() - mtime) < tick:
            self._signatures[name] = _UNKNOWN  # look again next time
        path = f"{folder}/{TASK_INFO}"
        try:
            info = _load(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._signatures[name] = _UNKNOWN  # permissions may change without a trace in the file's times
            return self._damaged(name, status, f"{path} cannot be read: {error.strerror or error}.")
        except Unreadable as error:
            return self._damaged(name, status, error.message)
        row = row_from(info, folder)
        if row.status != RUNNING:
            return row
        run = latest(info)
        if run is None:
            return row
        self._live[name] = live = _Live(
            row=row,
            run=run,
            folder=folder,
            signature=_signature(status),
            owner=Ownership.of(info),
        )
        return self._beside(live)

    def _damaged(self, name: str, status: os.stat_result, message: str) -> TaskRow:
        kind = SHELL if self.workspace.name == SHELL_WORKSPACE else PYTHON
        return damaged_row(name, kind, status.st_mtime, message)

    def _beside(self, live: _Live) -> TaskRow:
        """Return the row of a running task with the newest points, and whether its owner is dead."""
        row = live.row
        path = Path(live.folder, RUN_LOGS, journal_name(live.run.index))
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        if size != live.journal_size:
            live.journal_size = size
            live.newest = journal.tail_latest(path) if size else None
        if live.newest:
            row = replace(row, figures=figures_of(live.run, live.newest))
        if live.owner.gone(live.folder, live.run) and _same_file(live):
            row = replace(row, message=INTERRUPTED)
        return row


def _signature(status: os.stat_result) -> Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _same_file(live: _Live) -> bool:
    """Tell whether the task file is still the one we read: an owner writes the end, then goes."""
    try:
        return _signature(os.stat(f"{live.folder}/{TASK_INFO}")) == live.signature
    except OSError:
        return False


def _load(path: str) -> TaskInfo:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, min(size, MAX_JSON_BYTES) + 1)
        while data and len(data) <= MAX_JSON_BYTES:
            part = os.read(descriptor, 1024 * 1024)
            if not part:
                break
            data += part
    finally:
        os.close(descriptor)
    return parse_json(data, Path(path))
