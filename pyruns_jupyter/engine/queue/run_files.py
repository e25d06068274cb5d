"""What stands around a run's output: banners of the log, `error.log`, `queue.log`, `runN.input.json`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.taskfile.paths import TaskPaths

_START, _FINISH = "=" * 20 + " START " + "=" * 20, "=" * 20 + " FINISH " + "=" * 20


def line(text: str) -> bytes:
    """Return one line of ours for a log."""
    return f"[PYRUNS] {one_line(text)}\n".encode("utf-8", "replace")


def one_line(text: str) -> str:
    """Return a text without line breaks, which a path may hold and which would look like a line of ours."""
    return text.replace("\r", "\\r").replace("\n", "\\n") if "\n" in text or "\r" in text else text


def start_banner(task: str, started: str, source: str, more: Sequence[str] = ()) -> bytes:
    """Return the lines that a log begins with; `more` are sentences about the code that runs."""
    lines = (_START, f"Task {task} started at {started}", "=" * len(_START), f"Source {source}", *more)
    return b"".join(map(line, lines))


def finish_banner(task: str, finished: str, *, exit_code: int | None, duration: float, status: str) -> bytes:
    """Return the lines that a log ends with; `duration` is in seconds."""
    lines = [_FINISH, f"Task {task} finished at {finished}", "=" * len(_FINISH)]
    lines += [f"Exit code: {'none' if exit_code is None else exit_code}", f"Duration: {duration:.3f}s"]
    if status == "cancelled":
        lines.append("Final status: cancelled")
    return b"".join(map(line, lines))


def open_log(path: Path) -> int:
    """Return a descriptor that appends to a log, which is created when missing (mode 0644).

    Raises:
        OSError: when that is not possible, also when something else than a file is in its place. Nothing that
            waits for a reader is waited for.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o644)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    except OSError as error:
        if error.errno != errno.ENXIO:  # a FIFO without a reader, or a socket
            raise
    raise OSError(errno.EEXIST, "something that is no file is in the way", str(path))


def append(path: Path, data: bytes) -> None:
    """Append to a log, creating it. Nothing is raised: a log that cannot be written stops nothing."""
    try:
        descriptor = open_log(path)
    except OSError:
        return
    try:
        os.write(descriptor, data)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def add_error(paths: TaskPaths, headline: str, facts: Mapping[str, Any]) -> None:
    """Append a block to the task's `error.log`. Nothing is raised, as by `append`."""
    rule = "=" * 70
    lines = [
        "",
        "",
        rule,
        f"[PYRUNS] {headline}",
        *(one_line(f"{key}={value}") for key, value in facts.items()),
        rule,
        "",
    ]
    with suppress(OSError):
        paths.run_logs.mkdir(exist_ok=True)
    append(paths.run_logs / "error.log", "\n".join(lines).encode("utf-8", "replace"))


def add_queue_stop(paths: TaskPaths) -> None:
    """Note in `error.log` that a waiting task was stopped."""
    facts = {"reason": "cancelled_by_user", "previous_status": "queued"}
    add_error(paths, f"Queued task stopped at {stamp()}", facts)


def note_queued(paths: TaskPaths, text: str) -> None:
    """Append a line to the task's `queue.log`, which other programs show for a task that waits."""
    with suppress(OSError):
        paths.run_logs.mkdir(exist_ok=True)
    append(paths.run_logs / "queue.log", line(text))


def printable(text: str) -> str:
    """Return a text as UTF-8 can hold it: bytes of a path that are no text become `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()
