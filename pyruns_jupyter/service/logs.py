"""Bytes of a run's log by range."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.logs.reader import last_logged_run, log_size, read_range, tail_offset
from pyruns_jupyter.core.logs.time_index import read_marks
from pyruns_jupyter.core.taskfile.runs import slot_count
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .path_guard import check_inside

MAX_BYTES = 4 * 1024 * 1024  # bytes in one answer
DEFAULT_BYTES = 256 * 1024


@dataclass(frozen=True)
class LogRange:
    """Bytes of a log, where they begin, and how long the log is now."""

    data: bytes
    offset: int
    size: int


def read_log(
    workspace: WorkspaceFolder,
    name: str,
    *,
    run: int | None = None,
    offset: int | None = None,
    limit: int | None = None,
    tail: int | None = None,
    before: int | None = None,
) -> LogRange:
    """Return bytes of a run's log (by default the latest run's), as they were written.

    They begin at `offset`, or are the last `tail` bytes, or at most `limit` bytes that end at `before`; the
    latter two begin with a line.

    Raises:
        InvalidInput: when more than one of these is given.
        NotFound: when there is no such log.
    """
    if sum(one is not None for one in (offset, tail, before)) > 1:
        raise InvalidInput("Give one of 'offset', 'tail' and 'before'.", field="tail")
    path, size = find_log(workspace, name, run)
    if before is not None:
        end = min(before, size)
        begin = tail_offset(path, limit or DEFAULT_BYTES, end)
        return LogRange(read_range(path, begin, end - begin), begin, size)
    begin = tail_offset(path, tail) if tail is not None else offset or 0
    most = limit or (MAX_BYTES if tail is not None else DEFAULT_BYTES)
    data = read_range(path, begin, most) if begin < size else b""
    return LogRange(data, begin, max(size, begin + len(data)) if data else size)


def log_times(
    workspace: WorkspaceFolder, name: str, *, run: int | None, offset: int, end: int | None, limit: int
) -> dict[str, Any]:
    """Return the `LogTimes` of the bytes from `offset` to `end` of a run's log.

    Raises:
        NotFound: when there is no such log.
    """
    path, size = find_log(workspace, name, run)
    times = check_inside(path.with_suffix(".times"), workspace.existing(name).folder)
    return {"marks": read_marks(times, offset, size if end is None else end, limit)}


def find_log(workspace: WorkspaceFolder, name: str, run: int | None) -> tuple[Path, int]:
    """Return where the log of a run lies (by default of the latest one), and its length in bytes.

    Raises:
        NotFound: when there is no such log.
    """
    paths = workspace.existing(name)
    try:
        count = slot_count(read_task(paths.folder))
    except Unreadable:  # its logs can be read all the same
        count = last_logged_run(paths.run_logs)
    number = run or max(count, 1)
    path = check_inside(paths.log(number), paths.folder)
    size = log_size(path)
    if size is None:
        if number <= count:
            raise NotFound(f"The log of run {number} of {name!r} is gone.")
        if number == count + 1:
            raise NotFound(f"Run {number} of {name!r} has not started yet.")
        raise NotFound(f"The task {name!r} has no run {number}.")
    return path, size
