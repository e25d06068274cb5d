"""What is written around the output of a run: banners of its log, `error.log` and `queue.log`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.regular_files import open_regular_to_append
from pyruns_jupyter.core.taskfile.paths import TaskPaths

_START, _FINISH = "=" * 20 + " START " + "=" * 20, "=" * 20 + " FINISH " + "=" * 20


def line(text: str) -> bytes:
    """Return a line of our own for a log."""
    return f"[PYRUNS] {one_line(text)}\n".encode("utf-8", "replace")


def one_line(text: str) -> str:
    """Return a text without line breaks: what follows one, even in a path, could look like our line."""
    return text.replace("\r", "\\r").replace("\n", "\\n") if "\n" in text or "\r" in text else text


def start_banner(task: str, started: str, source: str, more: Sequence[str] = ()) -> bytes:
    """Return the first lines of a log; `more` are sentences about the code that runs."""
    lines = (_START, f"Task {task} started at {started}", "=" * len(_START), f"Source {source}", *more)
    return b"".join(map(line, lines))


def finish_banner(task: str, finished: str, *, exit_code: int | None, duration: float, status: str) -> bytes:
    """Return the last lines of a log; `duration` is in seconds."""
    lines = [_FINISH, f"Task {task} finished at {finished}", "=" * len(_FINISH)]
    lines += [f"Exit code: {'none' if exit_code is None else exit_code}", f"Duration: {duration:.3f}s"]
    if status == "cancelled":
        lines.append("Final status: cancelled")
    return b"".join(map(line, lines))


def open_log(path: Path) -> int:
    """Return a descriptor that appends to a log, which is created if it does not exist; see
    `open_regular_to_append`.
    """
    return open_regular_to_append(path, mode=0o644)


def append(path: Path, data: bytes) -> None:
    """Append to a log, creating it. A log that cannot be written is ignored."""
    with suppress(OSError):
        descriptor = open_log(path)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)


def add_error(paths: TaskPaths, headline: str, facts: Mapping[str, Any]) -> None:
    """Append a block to the task's `error.log`, as `append` does."""
    rule = "=" * 70
    told = (one_line(f"{key}={value}") for key, value in facts.items())
    lines = ["", "", rule, f"[PYRUNS] {headline}", *told, rule, ""]
    with suppress(OSError):
        paths.run_logs.mkdir(exist_ok=True)
    append(paths.run_logs / "error.log", "\n".join(lines).encode("utf-8", "replace"))


def add_queue_stop(paths: TaskPaths) -> None:
    """Note in `error.log` that a queued task was stopped."""
    facts = {"reason": "cancelled_by_user", "previous_status": "queued"}
    add_error(paths, f"Queued task stopped at {stamp()}", facts)


def note_queued(paths: TaskPaths, text: str) -> None:
    """Append a line to the task's `queue.log`, which other programs show for a queued task."""
    with suppress(OSError):
        paths.run_logs.mkdir(exist_ok=True)
    append(paths.run_logs / "queue.log", line(text))


def printable(text: str) -> str:
    """Return a text that UTF-8 can encode: bytes of a path that are not text become `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()
