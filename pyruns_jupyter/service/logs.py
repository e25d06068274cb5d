"""Reading the log of a run by byte ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.common.metric_patterns import MAX_PATTERN, MAX_PATTERNS, LogPatterns
from pyruns_jupyter.core.logs.reader import (
    last_logged_run,
    log_size,
    open_log_file,
    read_range,
    tail_offset,
)
from pyruns_jupyter.core.logs.time_index import read_marks
from pyruns_jupyter.core.metrics.sources.log_text import preview
from pyruns_jupyter.core.taskfile.runs import slot_count
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .files import File, LogRange, check_inside
from .request import Count, RunNumber, TaskRequest

MAX_BYTES = 4 * 1024 * 1024  # of one response
DEFAULT_BYTES = 256 * 1024
MAX_MARKS = 10_000  # of one response

Size = Annotated[int, Meta(ge=1, le=MAX_BYTES)]


class LogRequest(TaskRequest, frozen=True):
    """A request for the log of a run; None is the latest run."""

    run: RunNumber | None = None


class LogRangeRequest(LogRequest, frozen=True):
    """A request for bytes of a log: from `offset`, the last `tail`, or `limit` bytes before `before`."""

    offset: Count | None = None
    limit: Size | None = None
    tail: Size | None = None
    before: Count | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.offset, self.tail, self.before)) > 1:
            raise InvalidInput("Specify only one of 'offset', 'tail' and 'before'.", field="tail")


class LogTimesRequest(LogRequest, frozen=True):
    """A request for the times at which the bytes from `offset` to `end` of a log were written."""

    offset: Count = 0
    end: Count | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_MARKS)] = 1000


class LogMetricsRequest(LogRequest, frozen=True):
    """A request for the metrics that patterns (default: those of the workspace) find in the text of a log."""

    pattern: Annotated[
        tuple[Annotated[str, Meta(max_length=MAX_PATTERN)], ...], Meta(max_length=MAX_PATTERNS)
    ] = ()


def read_log(workspace: WorkspaceFolder, wanted: LogRangeRequest) -> LogRange:
    """Return bytes of a log as they were written; with `tail` or `before`, from the start of a line.

    Raises:
        NotFound: if there is no such log.
    """
    path, size = find_log(workspace, wanted)
    limit, tail = wanted.limit, wanted.tail
    if wanted.before is not None:
        end = min(wanted.before, size)
        begin = tail_offset(path, limit or DEFAULT_BYTES, end)
        return LogRange(read_range(path, begin, end - begin), begin, size)
    begin = tail_offset(path, tail) if tail is not None else wanted.offset or 0
    most = limit or (MAX_BYTES if tail is not None else DEFAULT_BYTES)
    data = read_range(path, begin, most) if begin < size else b""
    return LogRange(data, begin, max(size, begin + len(data)) if data else size)


def log_file(workspace: WorkspaceFolder, wanted: LogRequest) -> File:
    """Return a log as a file to download.

    Raises:
        NotFound: if there is no such log.
    """
    path, _ = find_log(workspace, wanted)
    return File(lambda: open_log_file(path), f"{wanted.task}-{path.name}", "text/plain")


def log_times(workspace: WorkspaceFolder, wanted: LogTimesRequest) -> dict[str, Any]:
    """Return the `LogTimes` of a part of a log.

    Raises:
        NotFound: if there is no such log.
    """
    path, size = find_log(workspace, wanted)
    times = check_inside(path.with_suffix(".times"), workspace.existing(wanted.task).folder)
    end = size if wanted.end is None else wanted.end
    return {"marks": read_marks(times, wanted.offset, end, wanted.limit)}


def log_metrics(workspace: WorkspaceFolder, wanted: LogMetricsRequest) -> dict[str, Any]:
    """Return the `LogMetrics` of a log.

    Raises:
        InvalidInput: if a pattern is not valid.
        NotFound: if there is no such log.
        OSError: if the log cannot be read.
    """
    path, _ = find_log(workspace, wanted)
    stored = Settings.load(workspace.root).log_patterns.of(workspace.name)
    patterns = wanted.pattern or stored or ()
    try:
        found = preview(path, LogPatterns(patterns))
    except ValueError as error:
        message = str(error)
        raise InvalidInput(f"{message[:1].upper()}{message[1:]}.", field="pattern") from None
    return {
        "patterns": patterns,
        "is_active": stored is not None and tuple(patterns) == tuple(stored),
        **found,
    }


def find_log(workspace: WorkspaceFolder, wanted: LogRequest) -> tuple[Path, int]:
    """Return the path of a log and its size in bytes.

    Raises:
        NotFound: if there is no such log.
    """
    name = wanted.task
    paths = workspace.existing(name)
    try:
        count = slot_count(read_task(paths.folder))
    except Unreadable:  # the logs of a damaged task can still be read
        count = last_logged_run(paths.run_logs)
    number = wanted.run or max(count, 1)
    path = check_inside(paths.log(number), paths.folder)
    size = log_size(path)
    if size is None:
        if number <= count:
            raise NotFound(f"The log of run {number} of {name!r} was deleted.")
        if number == count + 1:
            raise NotFound(f"Run {number} of {name!r} has not started yet.")
        raise NotFound(f"The task {name!r} has no run {number}.")
    return path, size
