"""Find the metric files that belong to a run, without a change of its script.

A file belongs to the run if a process of the run has it open for writing, if it is in the artifacts folder of
the run, if its name or a file next to it has the pid of such a process, or if its content names the run. Any
other file that is new or has changed below the working folder belongs to the run only if no other run worked
in this folder at the same time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.metrics.sources.facts import facts_of
from pyruns_jupyter.core.metrics.sources.formats import Format, format_of, is_candidate
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME, RUN_LOGS, TASK_INFO
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.workspace import scan_tasks

_OWN_FOLDER = "Write it into the folder artifact_dir()."
OPEN, LOG, ARTIFACT = "open file", "log of the run", "artifacts folder"
PID, TAG, ALONE = "process ID", "tag of the run", "only run in its folder"

_MAX_FOLDERS, _MAX_DEPTH = 5000, 8
_CHECKED_ENTRIES = 256  # of a folder, after which the time is checked
_MAX_TRIED = 50  # files of unknown origin that are read to see whether they have metrics
_SNAPSHOT_SECONDS, _SCAN_SECONDS = 0.02, 0.05  # of CPU time, so that a busy host does not end a scan early
_WALL_FACTOR = 20  # how much longer a scan can take on a slow file system or a busy host
_SKIPPED = frozenset({ROOT_NAME, "node_modules", "__pycache__", "site-packages"})
_ENVIRONMENT = "pyvenv.cfg"  # which marks the folder of a virtual environment
_CLOCK_SECONDS = 0.02  # by which the time of a file can be behind the clock
_ACCESS_MODE = os.O_WRONLY | os.O_RDWR


class MetricFile(NamedTuple):
    """A file of the run. `offset` is where the part begins that the run wrote."""

    path: str
    format: Format
    offset: int
    reason: str


class _State(NamedTuple):
    inode: int
    size: int
    changed: int  # nanoseconds

    @classmethod
    def of(cls, status: os.stat_result) -> _State:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class MetricFiles:
    """The metric files of one run.

    Attributes:
        undecided: the message for each path whose run cannot be determined.
        shared: paths that belonged to the run until another process began to write to them, with a message.
        families: the families of formats of which the run has points.
    """

    def __init__(self, root: Path, task: Path, workdir: Path, artifacts: Path, attempt: str) -> None:
        """Look at the files that exist before the run starts. `workdir` has no links in its path."""
        self.undecided: dict[str, tuple[Format, str]] = {}
        self.shared: dict[str, str] = {}
        self.families: set[str] = set()
        self._root, self._task, self._workdir = root, task, workdir
        self._artifacts = artifacts
        self._attempt = attempt
        self._scanned_at = self._started = time.time()
        self._began = self._started - _CLOCK_SECONDS
        self._pids: set[int] = set()
        self._known: dict[str, MetricFile] = {}
        self._has_metrics: dict[str, tuple[int, bool]] = {}  # with the size at that time
        self._foreign: set[str] = set()  # marked as points of another run
        self._unsure: set[str] = set()
        self._decided_at: dict[str, float] = {}  # of files that belong to the only run in the folder
        scan = _FolderScan(_SNAPSHOT_SECONDS)
        self._before = {path: _State.of(status) for path, (_, status) in scan.files(str(workdir)).items()}
        self._is_complete = scan.is_complete

    @cached_property
    def _own(self) -> str:
        """The artifacts folder, which most runs do not have, without links in its path."""
        return os.path.realpath(self._artifacts)

    def add_pid(self, pid: int) -> None:
        """Count a process to those of the run. It may have ended, so another one may have its pid now."""
        self._pids.add(pid)

    def open_files(self, pids: set[int]) -> list[MetricFile]:
        """Return further files that processes of the run have open for writing."""
        self._pids |= pids
        found = []
        for path, file_format in _written_files(pids):
            known = self._known.get(path)
            if (known is not None and known.reason != ALONE) or _is_journal(path):
                continue
            if file_format.is_tagged is not None:
                found += self._tagged(path, file_format)
                continue
            if file_format.is_shared and not path.startswith(self._own + os.sep):
                continue
            with suppress(OSError):
                status = os.stat(path)
                if known is None:
                    found.append(self._add(path, file_format, status, OPEN))
                else:
                    self._known[path] = known._replace(reason=OPEN)
        return found

    def new_files(self) -> list[MetricFile]:
        """Return further files of the run in its folders, and update `undecided` and `shared`."""
        found, unsure = [], []
        scanned_at, before = time.time(), self._scanned_at
        scan = _FolderScan(_SCAN_SECONDS)
        own = scan.files(self._own) if os.path.isdir(self._artifacts) else {}
        for path, (file_format, status) in own.items():
            if path in self._known or status.st_mtime < self._began:
                continue
            if file_format.is_tagged is not None:
                found += self._tagged(path, file_format)
            else:
                found.append(self._add(path, file_format, status, ARTIFACT))
        for path, (file_format, status) in scan.files(str(self._workdir)).items():
            if path in self._known or status.st_mtime < self._began:
                continue
            if self._before.get(path) == _State.of(status) or file_format.is_shared:
                continue
            if file_format.is_tagged is not None:
                found += self._tagged(path, file_format)
                continue
            pid = file_format.writer_pid(path)
            if pid in self._pids:
                found.append(self._add(path, file_format, status, PID))
            elif pid is None or not os.path.exists(f"/proc/{pid}"):
                unsure.append((path, file_format, status))
        is_complete = self._is_complete and scan.is_complete
        self.undecided = {}
        others = list(_runs_in_folder(self._root, self._task, self._workdir, self._started)) if unsure else []
        formats = {file.format.name for file in self._known.values()}
        for path, file_format, status in unsure:
            # A file that was not there, or not changed, at the last scan is not of a run that had ended.
            since = self._started if path in self._unsure else before
            possible = [other for other in others if other.finished is None or other.finished >= since]
            if any(path in other.files for other in others):
                continue
            if not possible and is_complete:
                found.append(self._add(path, file_format, status, ALONE))
                self._decided_at[path] = scanned_at
                continue
            self._unsure.add(path)
            if file_format.writer_pid(path) is not None and file_format.name in formats:
                continue  # most likely of another run, as this one has its own
            if file_format.family not in self.families and self._has_points(
                path, file_format, status.st_size
            ):
                self.undecided[path] = file_format, _undecided_message(possible)
        self._find_shared()
        if scan.is_complete:
            self._scanned_at = scanned_at
        return found

    def _tagged(self, path: str, file_format: Format) -> list[MetricFile]:
        """Return a file of a format whose files are marked, if it is marked as one of this run."""
        if path in self._foreign or path in self._known or file_format.is_tagged is None:
            return []
        if not file_format.is_tagged(path, self._attempt):
            self._foreign.add(path)
            return []
        self._known[path] = MetricFile(path, file_format, 0, TAG)
        return [self._known[path]]

    def _has_points(self, path: str, file_format: Format, size: int) -> bool:
        known = self._has_metrics.get(path)
        if known is None and len(self._has_metrics) >= _MAX_TRIED:
            return False
        if known is None or (not known[1] and known[0] != size):
            has_points = False
            with suppress(Exception):  # whatever the file contains: the run continues
                has_points = bool(file_format.open(Path(path), 0, self._attempt).read())
            known = self._has_metrics[path] = size, has_points
        return known[1]

    def _add(self, path: str, file_format: Format, status: os.stat_result, reason: str) -> MetricFile:
        file = MetricFile(path, file_format, self._offset(path, status), reason)
        self._known[path] = file
        return file

    def _offset(self, path: str, status: os.stat_result) -> int:
        """Return where the part of a file begins that the run wrote: 0 if it wrote the file anew."""
        before, now = self._before.get(path), _State.of(status)
        if before is None or before.inode != now.inode or now.size < before.size:
            return 0
        if now.size == before.size and now.changed != before.changed:
            return 0
        return before.size

    def _find_shared(self) -> None:
        """Find files of the run that another process writes to."""
        mine = self._known.keys() - self.shared.keys()
        if not mine:
            return
        mine = {path for path in mine if self._known[path].reason != TAG}
        for pid in _all_pids():
            if pid not in self._pids:
                for path, _ in _written_files({pid}, mine):
                    if not _is_descendant(pid):
                        self.shared[path] = (
                            f"Another process ({pid}) also writes to this file, so its metrics are not "
                            f"shown. {_OWN_FOLDER}"
                        )
        alone = {path for path in mine if self._known[path].reason == ALONE}
        for path, _ in _written_files(self._pids, alone):  # so it is not that of another run
            self._known[path] = self._known[path]._replace(reason=OPEN)
            alone.discard(path)
        if not alone:
            return
        for other in _runs_in_folder(self._root, self._task, self._workdir, self._started):
            for path in alone:
                with suppress(OSError):
                    if self._decided_at[path] <= other.started < os.stat(path).st_mtime:
                        self.shared[path] = _undecided_message([other])


def _is_journal(path: str) -> bool:
    """Return whether a file is the journal of a run, wherever the project is now."""
    return os.path.basename(os.path.dirname(path)) == RUN_LOGS and f"{os.sep}{ROOT_NAME}{os.sep}" in path


def _undecided_message(others: list[_OtherRun]) -> str:
    if not others:
        return (
            "The working folder has too many files to determine whether this run wrote it, so its metrics "
            f"are not shown. {_OWN_FOLDER}"
        )
    names = ", ".join(other.name for other in others[:3])
    return (
        f"It cannot be determined whether this run or another one in the same working folder ({names}) wrote "
        f"it, so its metrics are not shown. {_OWN_FOLDER}"
    )


class _OtherRun(NamedTuple):
    """A run of another task: `files` are the metric files that its supervisor found."""

    name: str
    started: float
    finished: float | None
    files: frozenset[str]


def _runs_in_folder(root: Path, task: Path, workdir: Path, since: float) -> Iterator[_OtherRun]:
    """Yield the runs of other tasks of the project that worked in the same folder since a time.

    A running task is written regularly and an ended one at its end, so older task files are not read.
    """
    oldest = since - 2 * runs.HEARTBEAT_SECONDS
    for workspace in workspaces_in(root):
        for name, folder in scan_tasks(workspace.tasks):
            with suppress(OSError, PyrunsError):
                if folder == str(task) or os.stat(f"{folder}/{TASK_INFO}").st_mtime < oldest:
                    continue
                info = read_task(Path(folder))
                place = info.get("launch_workdir")
                if not isinstance(place, str) or not _are_related(place, workdir):
                    continue
                for run in runs.runs(info):
                    finished = None if run.status == runs.RUNNING else run.finished_at or 0.0
                    if finished is None or finished >= since:
                        real = os.path.realpath(place)
                        files = frozenset(
                            os.path.join(real, str(fact.get("path")))
                            for fact in facts_of(info, run.index)
                            if "reason" in fact
                        )
                        yield _OtherRun(name, run.started_at or 0.0, finished, files)


def _are_related(one: str, other: Path) -> bool:
    """Return whether one folder is the other one or contains it."""
    first, second = os.path.realpath(one), os.path.realpath(other)
    return os.path.commonpath((first, second)) in (first, second)


def _written_files(pids: set[int], wanted: set[str] | None = None) -> Iterator[tuple[str, Format]]:
    """Yield the metric files that processes have open for writing, only those that are `wanted` if given."""
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        try:
            descriptors = os.listdir(folder)
        except OSError:  # it has ended, it belongs to another user, or this is not Linux
            continue
        for descriptor in descriptors:
            with suppress(OSError, ValueError):
                path = os.readlink(f"{folder}/{descriptor}")
                if path[0] != "/" or (wanted is not None and path not in wanted):
                    continue
                file_format = format_of(path)
                if file_format is not None and _is_written(pid, descriptor):
                    yield path, file_format


def _is_written(pid: int, descriptor: str) -> bool:
    with open(f"/proc/{pid}/fdinfo/{descriptor}", "rb") as stream:
        for line in stream:
            if line.startswith(b"flags:"):
                return bool(int(line.split()[1], 8) & _ACCESS_MODE)
    return False


def _all_pids() -> Iterator[int]:
    """Yield the pids of all processes, on Linux only."""
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdecimal():
                yield int(name)


def _is_descendant(pid: int) -> bool:
    """Return whether a process is a descendant of this one, or has ended."""
    import psutil  # slow to import, and few runs write metric files

    with suppress(psutil.Error):
        return any(parent.pid == os.getpid() for parent in psutil.Process(pid).parents())
    return True


class _FolderScan:
    """Finds metric files below folders, for a limited time and in a limited number of folders."""

    def __init__(self, seconds: float) -> None:
        self.is_complete = True
        self._cpu_end = time.thread_time() + seconds
        self._end = time.monotonic() + seconds * _WALL_FACTOR
        self._room = _MAX_FOLDERS

    def _is_over(self) -> bool:
        return time.thread_time() > self._cpu_end or time.monotonic() > self._end

    def files(self, folder: str) -> dict[str, tuple[Format, os.stat_result]]:
        """Return format and status of the files below a folder. Links are not followed."""
        found: dict[str, tuple[Format, os.stat_result]] = {}
        level = [folder]
        for _ in range(_MAX_DEPTH):
            below: list[str] = []
            for place in level:
                self._room -= 1
                with suppress(OSError):
                    below += self._folder(place, found)
                if self._room <= 0 or self._is_over():
                    self.is_complete = False
                    return found
            level = below
        return found

    def _folder(self, folder: str, found: dict[str, tuple[Format, os.stat_result]]) -> list[str]:
        """Add the metric files directly in a folder; return the folders in it that can contain others."""
        below = []
        in_metrics = f"{os.sep}metrics" in folder
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                name = entry.name
                if name == _ENVIRONMENT:
                    return []
                if number % _CHECKED_ENTRIES == 0 and self._is_over():
                    break
                if entry.is_dir(follow_symlinks=False):
                    if name[0] != "." and name not in _SKIPPED:
                        below.append(entry.path)
                elif is_candidate(name, in_metrics):
                    file_format = format_of(entry.path)
                    if file_format is not None and entry.is_file(follow_symlinks=False):
                        found[entry.path] = file_format, entry.stat(follow_symlinks=False)
        return below
