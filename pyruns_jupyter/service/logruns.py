"""Which run's log is meant, the state of that run, and where reading begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.logs.reader import log_size, tail_offset
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import ACTIVE, ENDED, RUNNING, runs, status_of
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task


@dataclass(frozen=True)
class RunState:
    """The state of a run: `over` when its log does not grow any more."""

    status: str
    exit_code: int | None
    over: bool


def latest_run(info: TaskInfo) -> int:
    """Return the run whose log people want to see: the one that waits or runs, else the last one."""
    count = len(runs(info))
    return count + 1 if status_of(info) in ACTIVE - {RUNNING} else max(count, 1)


def run_state(info: TaskInfo, run: int, *, waited: bool) -> RunState:
    """Return the state of run `run`; `waited` says that it was seen queued before.

    Raises:
        NotFound: when the task has no such run, and it is not the next one.
    """
    known = runs(info)
    status = status_of(info)
    if 1 <= run <= len(known):
        found = known[run - 1]
        current = run == len(known) and status == RUNNING
        return RunState(found.status, found.exit_code, found.status in ENDED or not current)
    if run == len(known) + 1:
        return RunState(status, None, waited and status not in ACTIVE)
    raise NotFound(f"The task {info.get('name', '')!r} has no run {run}.")


class RunWatch:
    """The state of a run, renewed when its task's file changes."""

    def __init__(self, paths: TaskPaths, run: int, state: RunState) -> None:
        self.state = state
        self._paths = paths
        self._run = run
        self._waited = state.status in ACTIVE
        self._seen: tuple[int, int, int] | None = None

    def look(self) -> None:
        """Read the task file again if it changed."""
        try:
            found = self._paths.info.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self.state = run_state(read_task(self._paths.folder), self._run, waited=self._waited)
                self._seen = seen
        except (OSError, NotFound):
            # Renamed, removed, or moved to the trash: an open log is read to its end, then that is all.
            self.state = RunState(self.state.status, self.state.exit_code, True)
        self._waited = self._waited or self.state.status in ACTIVE


def log_start(path: Path, offset: int | None, tail: int | None) -> tuple[int, int]:
    """Return where reading begins and how long the log is (0 when there is none yet)."""
    size = log_size(path) or 0
    if tail is not None and offset is None:
        return tail_offset(path, tail), size
    return offset or 0, size
