"""An in-memory index of the tasks of a workspace, refreshed by reading what changed on disk."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.memory import paused_collector, release_free_memory
from pyruns_jupyter.core.common.natural_order import in_natural_order
from pyruns_jupyter.core.config.cache import ConfigCache
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, settled_signature, signature_of, tick_of
from pyruns_jupyter.core.fs.parallel import map_files
from pyruns_jupyter.core.metrics.goals import Goals
from pyruns_jupyter.core.metrics.peer_tracks import STORE_KEY
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, TASK_INFO, is_task_name
from pyruns_jupyter.core.taskfile.runs import COMPLETED, QUEUED, RUNNING, latest
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, parse_last_points, unreadable
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, scan_folders

from .aggregates import TaskAggregates
from .live_row import LiveRow, task_signature
from .row import PYTHON, SHELL, SHOWN_STATUSES, Shape, TaskRow, damaged_row, row_from, shown_statuses
from .row_cache import CachedRows, read_rows, write_rows
from .unstarted import QueuedTask, QueuedTasks

_MIN_UNCACHED = 500  # rows; fewer are read as quickly from the task files
_CACHE_SECONDS = 60.0
_MAX_DURATIONS = 101  # latest runs that the typical duration is based on
_MAX_REMOVED = 10_000  # removed names that are remembered for `changes_since`
_CLOCK_SKEW = 60.0  # s, between this machine and a file server


class Changes(Struct, frozen=True):
    """New and changed rows, and the names of removed tasks; `revision` is that of the index."""

    changed: list[TaskRow]
    removed: list[str]
    revision: int

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


class TaskIndex:
    """All tasks of one workspace, which other threads may read while `refresh` runs: `rows` and `counts` are
    replaced, never changed, and then `revision` is. `rows` are in the natural order of their names.
    """

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.workspace = workspace
        self.epoch = os.urandom(8).hex()
        self.revision = 0
        self.names_revision = 0  # at which a task last appeared or disappeared; to be read before `rows`
        self.rows: dict[str, TaskRow] = {}
        self.counts: dict[str, int] = dict.fromkeys(SHOWN_STATUSES, 0)
        self._signatures: dict[str, Signature] = {}
        # Files that changed since an earlier refresh, and when we noticed that (monotonic, s).
        self._fresh: dict[str, tuple[Signature, float]] = {}
        self._stored: set[str] = set()  # tasks with points in a file of their own, which may be in use
        self._unsettled: set[str] = set()  # tasks that have to be read again
        self._unfinished: set[str] = set()  # folders without a task file
        self._has_refreshed = False
        self._uncached = 0  # rows that were read since all were stored for the next index
        self._cache_at = 0.0  # monotonic; not before that again
        self._live: dict[str, LiveRow] = {}
        self._stall_seconds = 0.0  # see `stalled_since`
        self._queued = QueuedTasks(workspace)
        self._changed_at: dict[str, int] = {}  # revision of the last change, in this order
        self._removed: deque[tuple[int, str]] = deque()
        self._forgotten = 0  # removed names are remembered only after this revision
        self._shapes: dict[Shape, int] = {}  # and the number of rows that have it
        self._durations: deque[float] = deque(maxlen=_MAX_DURATIONS)  # s, of completed runs, the latest last
        self.aggregates = TaskAggregates(workspace.paths)
        self._configs: ConfigCache | None = None
        self._configs_at = 0  # the revision that the configurations belong to
        # The first two are held while files are read, and taken before `_lock`.
        self._refresh_lock = threading.Lock()
        self._configs_lock = threading.Lock()
        self._lock = threading.Lock()

    def refresh(self, names: Iterable[str] | None = None) -> Changes:
        """Read the disk and return the changes since the last refresh.

        With `names`, only these tasks are looked at, those that run, and those that may have changed at the
        moment when they were read.
        """
        with self._refresh_lock:
            try:
                if self._has_refreshed:
                    changes = self._refresh(names)
                else:
                    with paused_collector():
                        changes = self._refresh(None)
                    release_free_memory(len(self.rows))
            except BaseException:
                # What was read is in no row yet, so it is read again.
                self._signatures.clear()
                self._live.clear()
                raise
            rows = self._to_cache()
        if rows:
            write_rows(self.workspace.tasks, rows)
        return changes

    def changes_since(self, revision: int) -> Changes | None:
        """Return the changes after `revision`, None if that is too old, or in the future."""
        with self._lock:
            if revision > self.revision or revision < self._forgotten:
                return None
            changed = [self.rows[name] for name in self._changed_after(revision)]
            return Changes(changed, sorted(self._removed_after(revision)), self.revision)

    def shapes(self) -> dict[Shape, int]:
        """Return the number of rows for each set of swept values and metrics."""
        with self._lock:
            return dict(self._shapes)

    @property
    def typical_duration(self) -> float | None:
        """The median duration of the latest hundred completed runs (s), None before the first one."""
        from statistics import median  # slow to import

        durations = tuple(self._durations)
        return median(durations) if durations else None

    def goals(self) -> Goals:
        """Return the goals of the metrics of the workspace."""
        return Goals(Settings.load(self.workspace.root).metrics, self.workspace.folder)

    def columns(self) -> tuple[list[str], list[str]]:
        """Return the names of all swept values and of all metrics of the rows."""
        shapes = self.shapes()
        swept = dict.fromkeys(name for names, _ in shapes for name in names)
        metrics = dict.fromkeys(name for _, names in shapes for name in names)
        return [*swept], [*metrics]

    def configs(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the configuration of each script task in `rows`, flattened to dotted keys.

        A configuration that is missing, damaged or larger than 256 KiB is empty. The first call reads all
        files; later ones read those of changed tasks and check some of the others, so that an edited one is
        found within a few calls. Results of earlier calls are not modified.
        """
        with self._configs_lock:
            with self._lock:
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
            configs = self._configs.update(changed, removed)
            release_free_memory(len(changed))
            return configs

    def _changed_after(self, revision: int) -> list[str]:
        if revision == 0:
            return [*self.rows]
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

    @property
    def is_settled(self) -> bool:
        """Whether no folder may still become a task: some programs create the folder first."""
        return not self._unfinished

    def _refresh(self, names: Iterable[str] | None) -> Changes:
        self._stall_seconds = 60 * Settings.load(self.workspace.root).silent_after_minutes
        is_first = not self._has_refreshed
        cached = read_rows(self.workspace.tasks) if is_first else CachedRows({}, {}, {})
        ordered, known = self.rows or cached.rows, cached.signatures or self._signatures
        folder, live = f"{self.workspace.tasks}/", self._live
        new, known, gone = self._tasks_among(names, known, ordered)
        self._unsettled.clear()
        self._unfinished.clear()
        with _opened(self.workspace.tasks) as tasks:
            start = folder if tasks is None else ""
            looks = map_files(lambda name: task_signature(f"{start}{name}", tasks), [*known])
            pairs = zip(known.items(), looks, strict=True)
            unread = [name for (name, signature), look in pairs if look != signature or look == UNKNOWN]
        stale = set(unread)
        unread += new
        adopted = self._adopt(cached, known, stale)
        rows = self.rows or adopted
        changed = [
            one.current(self._stall_seconds)
            for name, one in live.items()
            if name in known and name not in stale
        ]
        contents = map_files(lambda name: _content_of(f"{folder}{name}"), unread)
        for name, content in zip(unread, contents, strict=True):
            row = self._read(name, f"{folder}{name}", content)
            if row is None:  # no task, or gone since we looked
                self._unfinished.add(name)
                continue
            if self._signatures[name] == UNKNOWN:
                self._unsettled.add(name)
            changed.append(row)
        changed = self._queued.marked([row for row in changed if row != rows.get(row.name)], rows)
        removed = sorted((gone | self._unfinished) & rows.keys())
        self._has_refreshed = True
        if changed or removed or adopted:
            with self._lock:
                self._apply(changed, removed, adopted, ordered)
        return Changes([*self.rows.values()] if is_first else changed, removed, self.revision)

    def _tasks_among(
        self, names: Iterable[str] | None, known: dict[str, Signature], rows: dict[str, TaskRow]
    ) -> tuple[list[str], dict[str, Signature], set[str]]:
        """Return the names of the folders that may be new tasks, the signatures of the known tasks that there
        still are, and the names of those that are gone; with `names`, of these and those that may change.
        """
        if names is not None:
            wanted = {*names, *self._live, *self._unsettled, *self._unfinished}
            present = [*_folders_of(self.workspace.tasks, wanted)]
            new = [name for name in present if name not in known]
            here = {name: known[name] for name in present if name in known}
            return new, here, (wanted & rows.keys()).difference(present)
        present = scan_folders(self.workspace.tasks)
        unknown = [name for name in present if name not in known]
        new = [name for name in unknown if is_task_name(name)]
        if len(present) - len(unknown) == len(rows) == len(known):  # mostly none is gone
            return new, known, set()
        gone = rows.keys() - set(present)
        return new, {name: one for name, one in known.items() if name not in gone}, gone

    def _adopt(self, cached: CachedRows, known: dict[str, Signature], stale: set[str]) -> dict[str, TaskRow]:
        """Return the stored rows of those tasks whose file is as it was when they were stored."""
        adopted = cached.rows
        if stale or len(known) < len(adopted):
            adopted = {name: row for name, row in adopted.items() if name in known and name not in stale}
        if adopted:
            self._signatures = known
        for name, batch in cached.batches.items():
            if name in adopted:
                self._queued[name] = QueuedTask(adopted[name], batch, known[name])
        return adopted

    def _apply(
        self,
        changed: list[TaskRow],
        removed: list[str],
        adopted: dict[str, TaskRow],
        ordered: Iterable[str],
    ) -> None:
        """Apply changes, at a cost proportional to their number, apart from copying `rows`.

        `adopted` are the rows of the first refresh that come before `changed`. `ordered` are the names whose
        order is known.
        """
        revision = self.revision + 1
        base, counts = self.rows or adopted, dict(self.counts)
        ended = [row for row in (*adopted.values(), *changed) if _has_completed(self.rows.get(row.name), row)]
        ended.sort(key=lambda row: row.finished_at or 0.0)
        self._durations.extend(row.duration for row in ended[-_MAX_DURATIONS:] if row.duration is not None)
        new = {row.name: row for row in changed}
        before = [base[name] for name in (*new, *removed) if name in base]
        self._count(counts, adopted.values(), 1)
        self._count(counts, changed, 1)
        self._count(counts, before, -1)
        rows = {**base, **new}
        for name in new.keys() & self._changed_at.keys():
            del self._changed_at[name]
        if self.revision:  # all are newer than revision 0
            self._changed_at.update(dict.fromkeys(new, revision))
        for name in removed:
            del rows[name]
            self._changed_at.pop(name, None)
            self._signatures.pop(name, None)
            self._fresh.pop(name, None)
            self._live.pop(name, None)
            self._queued.pop(name, None)
            self._removed.append((revision, name))
        self.aggregates.forget([*removed, *(row.name for row in changed if row.status != RUNNING)])
        while len(self._removed) > _MAX_REMOVED:
            self._forgotten = self._removed.popleft()[0]
        is_longer = not new.keys() <= base.keys()
        if is_longer:
            rows = {name: rows[name] for name in in_natural_order(rows, ordered)}
        self.rows, self.counts = rows, counts
        if is_longer or adopted or removed:
            self.names_revision = revision
        self.revision = revision

    def _count(self, counts: dict[str, int], rows: Collection[TaskRow], by: int) -> None:
        for status, number in Counter(shown_statuses(rows)).items():
            counts[status] += by * number
        for shape, number in Counter(row.shape for row in rows).items():
            left = self._shapes.get(shape, 0) + by * number
            if left:
                self._shapes[shape] = left
            else:
                del self._shapes[shape]

    def _read(self, name: str, folder: str, content: _Content) -> TaskRow | None:
        """Return the row of a task from its file, None if there is none."""
        before = self._live.pop(name, None)
        self._queued.pop(name, None)
        self._signatures[name] = UNKNOWN  # read it again next time, unless this succeeds
        if content is None:
            self._signatures.pop(name)
            return None
        if isinstance(content, Unreadable):
            return self._damaged(name, folder, content)
        data, status = content
        self._signatures[name] = self._settled(name, status)
        try:
            info = parse_last_points(data, f"{folder}/{TASK_INFO}")
        except Unreadable as error:
            return self._damaged(name, folder, error)
        self._uncached += 1
        return self._row(name, folder, info, signature_of(status), before)

    def _to_cache(self) -> list[tuple[Signature, TaskRow, str | None]]:
        """Return all rows that the next index may use, if many of them were read since they were stored."""
        now = time.monotonic()
        if self._uncached < max(_MIN_UNCACHED, len(self.rows) // 10) or now < self._cache_at:
            return []
        found = []
        for name, row in self.rows.items():
            signature, queued = self._signatures.get(name, UNKNOWN), self._queued.get(name)
            if signature != UNKNOWN and row.readable and name not in self._live and name not in self._stored:
                found.append((signature, queued.row if queued else row, queued.batch if queued else None))
        self._cache_at = now + _CACHE_SECONDS
        if len(found) < len(self.rows) // 2:
            return []  # they are only being made
        self._uncached = 0
        return found

    def _settled(self, name: str, status: os.stat_result) -> Signature:
        """Return the signature of a file that is about to be read; `UNKNOWN` if it has to be read again.

        A file that changed since an earlier refresh may change again within the same tick of its time stamps,
        whatever the clock of a file server. Only the first refresh has to rely on clocks.
        """
        signature, now = signature_of(status), time.monotonic()
        if not self._has_refreshed and settled_signature(status, _CLOCK_SKEW) != UNKNOWN:
            return signature
        seen, since = self._fresh.get(name, (UNKNOWN, now))
        if seen != signature:
            self._fresh[name] = (signature, now)
        elif now - since >= tick_of(status):
            del self._fresh[name]
            return signature
        return UNKNOWN

    def _row(
        self, name: str, folder: str, info: TaskInfo, signature: Signature, before: LiveRow | None
    ) -> TaskRow:
        row = row_from(info, folder)
        if STORE_KEY in info:
            self._stored.add(name)
        if row.status == QUEUED:
            queue = own_facts(info).get("queue")
            if isinstance(queue, dict):
                self._queued[name] = QueuedTask(row, str(queue.get("batch")), signature)
        run = latest(info) if row.status == RUNNING else None
        if run is None:
            return row
        self._live[name] = live = LiveRow.of(row, run, info, folder, signature, before)
        return live.current(self._stall_seconds)

    def _damaged(self, name: str, folder: str, error: Unreadable) -> TaskRow:
        try:
            changed_at = os.lstat(f"{folder}/{TASK_INFO}").st_mtime
        except OSError:
            changed_at = None
        kind = SHELL if self.workspace.name == SHELL_WORKSPACE else PYTHON
        return damaged_row(name, kind, changed_at, error.message)


_Content = tuple[bytes, os.stat_result] | Unreadable | None


def _content_of(folder: str) -> _Content:
    """Return the content of the task file in a folder, None if there is none."""
    path = f"{folder}/{TASK_INFO}"
    try:
        return read_whole(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return unreadable(path, error)
    except Unreadable as error:
        return error


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """Yield a descriptor of a folder, None where that is not possible: relative paths are found sooner."""
    descriptor = None
    if os.stat in os.supports_dir_fd:  # not on Windows
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _folders_of(tasks: Path, names: Iterable[str]) -> Iterator[str]:
    """Yield those of these names that a folder in `tasks` has which can be a task."""
    if os.path.islink(tasks) or os.path.islink(tasks.parent):
        return
    for name in names:
        with suppress(OSError, ValueError):
            if is_task_name(name) and stat.S_ISDIR(os.lstat(f"{tasks}/{name}").st_mode):
                yield name


def _has_completed(before: TaskRow | None, row: TaskRow) -> bool:
    """Return whether a run has completed since the row was read before."""
    if row.status != COMPLETED or row.duration is None:
        return False
    return before is None or (before.status, before.run) != (COMPLETED, row.run)
