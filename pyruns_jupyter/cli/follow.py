"""Print a log in chunks, once or until its run ends."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable
from pathlib import Path

from pyruns_jupyter.api import Task
from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.logs.reader import LogFollower, LogReset, tail_offset
from pyruns_jupyter.core.taskfile.runs import ACTIVE, COMPLETED

from .context import Context

_POLL_SECONDS = 0.1
_CHUNK = 256 * 1024  # bytes


def follow_log(context: Context, task: Task, run: int | None, tail: int | None) -> int:
    """Print the log of a run (by default the next or latest one) until the run ends.

    Returns 0 if the run completed, otherwise 1.
    """
    index = run or max(1, len(task.runs) + (1 if task.status == "queued" else 0))

    def status() -> str:
        history = task.runs
        return history[index - 1].status if index <= len(history) else task.status

    path = task.log_path(index)
    while not path.is_file():
        if task.status not in ACTIVE:
            raise NotFound(f"Run {index} of task {task.name!r} has no log because the task is {task.status}.")
        time.sleep(_POLL_SECONDS)
    print_log(context, path, tail, lambda: status() not in ACTIVE)
    return 0 if status() == COMPLETED else 1


def print_log(
    context: Context, path: Path, tail: int | None, has_ended: Callable[[], bool] = lambda: True
) -> None:
    """Print a log in chunks (it may be larger than the memory) until `has_ended` returns true."""
    follower = LogFollower(path, tail_offset(path, tail) if tail else 0)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while True:
            is_last = has_ended()  # before reading, so that the end of the log is not missed
            try:
                while data := follower.read(_CHUNK):
                    context.write(decoder.decode(data))
            except LogReset:  # another run replaced the log: the next read starts at its beginning
                continue
            if is_last:
                break
            time.sleep(_POLL_SECONDS)
    finally:
        follower.close()
    context.write(decoder.decode(b"", final=True))
