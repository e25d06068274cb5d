"""Writing a log in pieces: as it is, or while it grows until its run ends."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable
from pathlib import Path

from pyruns_jupyter.api import Task
from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.logs.reader import LogFollower, LogReset, log_size, tail_offset
from pyruns_jupyter.core.taskfile.runs import ACTIVE, COMPLETED

from .context import Context

_PAUSE = 0.1  # seconds between looks at a log that did not grow
_CHUNK = 256 * 1024


def follow_log(context: Context, task: Task, run: int | None, tail: int | None) -> int:
    """Write the log of a run (by default the coming or latest one) until the run ends.

    Returns 0 when the run completed, 1 when it did not.
    """
    index = run or max(1, len(task.runs) + (1 if task.status == "queued" else 0))
    path = task.log_path(index)
    while not path.is_file():
        if task.status not in ACTIVE:
            raise NotFound(f"The task {task.name!r} has no log of run {index}: it is {task.status}.")
        time.sleep(_PAUSE)
    follower = LogFollower(path, tail_offset(path, tail) if tail else 0)
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    while True:
        # The state is read before the log: what was written until the end is then surely seen.
        ended = _status(task, index) not in ACTIVE
        try:
            grown = _drain(context, follower, decode)
        except LogReset:
            follower, grown = LogFollower(path, 0), True
        if ended:
            return 0 if _status(task, index) == COMPLETED else 1
        if not grown:
            time.sleep(_PAUSE)


def write_log(context: Context, path: Path, tail: int | None) -> None:
    """Write a log as it is now, in pieces: it may be larger than the memory."""
    end = log_size(path) or 0
    follower = LogFollower(path, tail_offset(path, tail) if tail else 0)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while data := follower.read(min(_CHUNK, end - follower.offset)):
            context.write(decoder.decode(data))
    except LogReset:
        pass  # another run took its place
    finally:
        follower.close()
    context.write(decoder.decode(b"", final=True))


def _drain(context: Context, follower: LogFollower, decode: Callable[[bytes], str]) -> bool:
    grown = False
    while data := follower.read(_CHUNK):
        context.write(decode(data))
        grown = True
    return grown


def _status(task: Task, index: int) -> str:
    history = task.runs
    return history[index - 1].status if index <= len(history) else task.status
