"""The tasks of a workspace in memory, refreshed by looking at what changed on disk. Never writes."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.config.cache import ConfigCache
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, settled_signature, signature_of, tick_of
from pyruns_jupyter.core.logs.time_index import stalled_seconds
from pyruns_jupyter.core.metrics import journal
from pyruns_jupyter.core.metrics.peer_tracks import STORE_KEY, stored_signature
from pyruns_jupyter.core.metrics.read import newest_beside
from pyruns_jupyter.core.taskfile.ownership import COPIED, Ownership, is_copied_run
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS, SHELL_WORKSPACE, TASK_INFO, journal_name
from pyruns_jupyter.core.taskfile.runs import COMPLETED, QUEUED, RUNNING, STATUSES, Run, latest
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, parse_last_points, unreadable
from pyruns_jupyter.core.trust.engine_key import BATCHES, other_owner, trusted_engine
from pyruns_jupyter.core.trust.signatures import Origin, claim_path, origin
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, scan_tasks

from .row import PYTHON, SHELL, Shape, TaskRow, damaged_row, figures_of, row_from

INTERRUPTED = (
    "The run was interrupted: its process and its supervisor are gone, and no exit code was written. "
    "Stop it, or run it again."
)
QUEUED_ELSEWHERE = (
    "Queued in another copy of this project, on another machine, or by an earlier release: it is not started "
    "here. Use 'Queue again here' or run the task."
)
QUEUED_NOWHERE = "Marked as queued, but no batch contains it: nothing starts it. Stop it, or run it again."
SILENT = (
    "The lease of this run on %s has run out: whether it is still running cannot be known here. "
    "Stop it, or run it again, to end it."
)
_ORIGIN_SECONDS = 5.0  # between two looks at where the batches of queued tasks come from
_DURATIONS = 101  # runs whose length tells how long others take
_REMEMBERED = 10_000  # removed names, for those who ask what changed
_CLOCKS_DIFFER = 60.0  # s, those of this machine and of a file server


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
    track_store: TaskInfo  # what the task file says of points that are stored elsewhere
    newest: dict[str, Any]
    seen: tuple[int, Signature] = (-1, UNKNOWN)


@dataclass
class _Queued:
    """What is known of a queued task: its row without a message."""

    row: TaskRow
    batch: str
    signature: Signature


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
        # Files that changed since an earlier look, and when we saw that (monotonic, s).
        self._fresh: dict[str, tuple[Signature, float]] = {}
        self._looked = False
        self._live: dict[str, _Live] = {}
        self._queued: dict[str, _Queued] = {}
        self._unstarted: dict[str, str] = {}  # batches of which nothing is started here, and why
        self._known_batches: set[str] = set()  # of the last look at where they come from
        self._origins_at = float("-inf")  # monotonic
        self._changed_at: dict[str, int] = {}  # what changed last stands last
        self._removed: deque[tuple[int, str]] = deque()
        self._forgotten = 0  # up to this revision, removed names are not remembered any more
        self._shapes: dict[Shape, int] = {}  # and how many rows have it
        self._durations: deque[float] = deque(maxlen=_DURATIONS)  # s, of runs that completed, the latest last
        self._configs: ConfigCache | None = None
        self._configs_at = 0  # the revision that the configurations belong to
        self._configs_lock = threading.Lock()  # held while files are read; taken before `_lock`
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
            changed = [self.rows[name] for name in self._changed_after(revision)]
            return Changes(changed, sorted(self._removed_after(revision)), self.revision)

    def shapes(self) -> dict[Shape, int]:
        """Return how many rows have which swept values and figures."""
        with self._lock:
            return dict(self._shapes)

    @property
    def typical_duration(self) -> float | None:
        """Seconds that a run takes which completes: median of the latest hundred, None before the first."""
        durations = tuple(self._durations)
        return median(durations) if durations else None

    def columns(self) -> tuple[list[str], list[str]]:
        """Return the names of all swept values and of all figures that rows have."""
        swept: dict[str, None] = {}
        figures: dict[str, None] = {}
        for its_swept, its_figures in self.shapes():
            swept.update(dict.fromkeys(its_swept))
            figures.update(dict.fromkeys(its_figures))
        return [*swept], [*figures]

    def configs(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the configuration of each script task in `rows`, flattened to dotted keys.

        A configuration that is missing, damaged or larger than 256 KiB is empty. The first call reads all
        files; later ones those of tasks that changed, and look at some of the others, so that an edited one
        is noticed within a few calls. What was returned earlier stays as it was.
        """
        with self._configs_lock:
            with self._lock:  # not while files are read: `refresh` needs it
                if self._configs is None or self._configs_at < self._forgotten:
                    self._configs, self._configs_at = ConfigCache(str(self.workspace.tasks)), 0
                changed, removed = [], self._removed_after(self._configs_at)
                for name in self._changed_after(self._configs_at):
                    row = self.rows[name]
                    if row.kind == PYTHON and row.readable:
                        changed.append((name, row.config_file))
                    else:
                        removed.add(name)
                self._configs_at = self.revision
            return self._configs.update(changed, removed)

    def _changed_after(self, revision: int) -> list[str]:
        names = []
        for name, at in reversed(self._changed_at.items()):
            if at <= revision:
                break
            names.append(name)
        return names

    def _removed_after(self, revision: int) -> set[str]:
        names = set()
        for at, name in reversed(self._removed):
            if at <= revision:
                break
            if name not in self.rows:
                names.add(name)
        return names

    def _refresh(self) -> Changes:
        found: set[str] = set()
        changed: list[TaskRow] = []
        rows, signatures, live = self.rows, self._signatures, self._live
        for name, folder in scan_tasks(self.workspace.tasks, rows):
            known = signatures.get(name, UNKNOWN)
            row: TaskRow | None
            if known == UNKNOWN or _signature(folder) != known:
                row = self._read(name, folder)
                if row is None:
                    continue  # no task, or gone since we looked
            else:
                row = self._beside(live[name]) if name in live else None
            found.add(name)
            if row is not None and row != rows.get(name):
                changed.append(row)
        changed = self._marked_unstarted(changed)
        removed = [name for name in rows if name not in found]
        self._looked = True
        if changed or removed:
            self._apply(changed, removed)
        return Changes(changed, removed, self.revision)

    def _apply(self, changed: list[TaskRow], removed: list[str]) -> None:
        """Take over what is different; costs follow that, but for copying `rows`."""
        revision = self.revision + 1
        rows, counts = dict(self.rows), dict(self.counts)
        ended = [row for row in changed if _has_completed(rows.get(row.name), row)]
        ended.sort(key=lambda row: row.finished_at or 0.0)
        self._durations.extend(row.duration for row in ended if row.duration is not None)
        for row in changed:
            self._count(counts, rows.get(row.name), -1)
            self._count(counts, row, 1)
            rows[row.name] = row
            self._changed_at.pop(row.name, None)
            self._changed_at[row.name] = revision
        for name in removed:
            self._count(counts, rows.pop(name), -1)
            self._changed_at.pop(name, None)
            self._signatures.pop(name, None)
            self._fresh.pop(name, None)
            self._live.pop(name, None)
            self._queued.pop(name, None)
            self._removed.append((revision, name))
        while len(self._removed) > _REMEMBERED:
            self._forgotten = self._removed.popleft()[0]
        self.rows, self.counts, self.revision = rows, counts, revision

    def _count(self, counts: dict[str, int], row: TaskRow | None, by: int) -> None:
        if row is None:
            return
        counts[row.status] += by
        shape = (tuple(row.swept), tuple(row.figures))
        number = self._shapes.get(shape, 0) + by
        if number:
            self._shapes[shape] = number
        else:
            del self._shapes[shape]

    def _read(self, name: str, folder: str) -> TaskRow | None:
        """Return the row of a task as its file is now, None when there is none."""
        before = self._live.pop(name, None)
        self._queued.pop(name, None)
        self._signatures[name] = UNKNOWN  # look again, unless all goes well: nothing tells what will help
        path = f"{folder}/{TASK_INFO}"
        try:
            data, status = read_whole(path)
            self._signatures[name] = self._settled(name, status)
            info = parse_last_points(data, path)
        except (FileNotFoundError, NotADirectoryError):
            self._signatures.pop(name)
            return None
        except OSError as error:
            return self._damaged(name, folder, unreadable(path, error))
        except Unreadable as error:
            return self._damaged(name, folder, error)
        return self._row(name, folder, info, signature_of(status), before)

    def _settled(self, name: str, status: os.stat_result) -> Signature:
        """Return the signature of a file that is about to be read; `UNKNOWN` when it has to be read again.

        What changed since an earlier look may change once more within the same tick, whatever the clock of a
        file server makes of it. Only the first look has no earlier one and goes by the clocks.
        """
        signature, now = signature_of(status), time.monotonic()
        if not self._looked and settled_signature(status, _CLOCKS_DIFFER) != UNKNOWN:
            return signature
        seen, since = self._fresh.get(name, (UNKNOWN, now))
        if seen != signature:
            self._fresh[name] = (signature, now)
        elif now - since >= tick_of(status):
            del self._fresh[name]
            return signature
        return UNKNOWN

    def _row(
        self, name: str, folder: str, info: TaskInfo, signature: Signature, before: _Live | None
    ) -> TaskRow:
        row = row_from(info, folder)
        if row.status == QUEUED:
            queue = own_facts(info).get("queue")
            if isinstance(queue, dict):
                self._queued[name] = _Queued(row, str(queue.get("batch")), signature)
        run = latest(info) if row.status == RUNNING else None
        if run is None:
            return row
        self._live[name] = live = _Live(
            row=row,
            run=run,
            folder=folder,
            signature=signature,
            owner=Ownership.of(info),
            track_store={key: info[key] for key in (STORE_KEY,) if key in info},
            newest=before.newest if before and _is_same(before.run, run) else {},
        )
        return self._beside(live)

    def _marked_unstarted(self, changed: list[TaskRow]) -> list[TaskRow]:
        """Return the changed rows, with a message at those that are queued but are not going to be started;
        rows whose batch turned out to be foreign or gone, or was taken over, are added.
        """
        if not self._queued:
            return changed
        now, looked = time.monotonic(), False
        new = {self._queued[row.name].batch for row in changed if row.name in self._queued}
        was_unstarted = bool(self._unstarted)
        if now - self._origins_at > _ORIGIN_SECONDS or not new <= self._known_batches:
            self._origins_at, looked = now, True
            self._known_batches = {queued.batch for queued in self._queued.values()}
            self._unstarted = _unstarted_batches(self.workspace.root, self._known_batches)
        rows = {row.name: row for row in changed}
        for name in self._queued if looked and (self._unstarted or was_unstarted) else [*rows]:
            if name in self._queued:
                queued = self._queued[name]
                rows[name] = replace(queued.row, message=self._why_unstarted(name, queued))
        return [row for row in rows.values() if row != self.rows.get(row.name)]

    def _why_unstarted(self, name: str, queued: _Queued) -> str | None:
        """Return why a queued task is not going to be started, None if it is."""
        why = self._unstarted.get(queued.batch)
        if why == QUEUED_NOWHERE and _signature(f"{self.workspace.tasks}/{name}") != queued.signature:
            return None  # it is not queued any more: a batch goes after the last of its tasks
        return why

    def _damaged(self, name: str, folder: str, error: Unreadable) -> TaskRow:
        try:
            changed_at = os.lstat(f"{folder}/{TASK_INFO}").st_mtime
        except OSError:
            changed_at = None
        kind = SHELL if self.workspace.name == SHELL_WORKSPACE else PYTHON
        return damaged_row(name, kind, changed_at, error.message)

    def _beside(self, live: _Live) -> TaskRow:
        """Return the row of a running task with the newest points, and whether its owner is dead."""
        row = live.row
        path = Path(live.folder, RUN_LOGS, journal_name(live.run.index))
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        stored = stored_signature(live.folder) if live.track_store else UNKNOWN
        if (size, stored) != live.seen:
            live.seen = (size, stored)
            # What is tracked seldom may not be among the newest points any more.
            live.newest |= newest_beside(live.track_store, live.run.index, live.folder)
            live.newest |= journal.tail_latest(path) if size else {}
        if live.newest:
            row = replace(row, figures=figures_of(live.run, live.newest))
        silent_since = stalled_seconds(self.workspace.root, live.folder, live.run)
        if silent_since is not None:
            row = replace(row, silent_since=silent_since)
        if live.owner.gone(live.folder, live.run) and _signature(live.folder) == live.signature:
            # Not merely ended a moment ago: an owner writes the end, then goes.
            row = replace(row, message=_why_over(live))
        return row


def _unstarted_batches(root: Path, batches: Iterable[str]) -> dict[str, str]:
    """Return those of the batches of which nothing is started here, with the reason; none if another user
    runs this project.
    """
    key = trusted_engine(root)
    if key is None and other_owner(root):
        return {}
    found = {}
    for batch in batches:
        with suppress(OSError, ValueError):
            is_claimed = os.path.lexists(claim_path(root, batch))  # before: it goes when the batch is there
            source = origin(root, BATCHES, f"{batch}.json", key)
            if source is Origin.FOREIGN:
                found[batch] = QUEUED_ELSEWHERE
            elif source in (Origin.GONE, Origin.DAMAGED) and not is_claimed:
                found[batch] = QUEUED_NOWHERE
    return found


def _why_over(live: _Live) -> str:
    if is_copied_run(live.folder, live.run.index):
        return COPIED
    return INTERRUPTED if live.owner.here else SILENT % (live.owner.host or "an unknown host")


def _has_completed(before: TaskRow | None, row: TaskRow) -> bool:
    """Return whether a run has completed that had not when the row was seen before."""
    if row.status != COMPLETED or row.duration is None:
        return False
    return before is None or (before.status, before.run) != (COMPLETED, row.run)


def _is_same(one: Run, other: Run) -> bool:
    """Return whether both are one run: a task of the same name may have taken the place of another."""
    return (one.index, one.attempt, one.started_at) == (other.index, other.attempt, other.started_at)


def _signature(folder: str) -> Signature:
    try:
        return signature_of(os.stat(f"{folder}/{TASK_INFO}"))
    except OSError:
        return UNKNOWN
