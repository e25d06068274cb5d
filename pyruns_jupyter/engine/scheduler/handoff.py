"""How a scheduler leaves: giving its lock up so that no queueing is ever left without a scheduler."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.paths import EnginePaths


class ExitAttempt(Enum):
    """What became of a try to leave."""

    GONE = auto()  # the lock is given up
    WAIT = auto()  # somebody stands in the door
    STAY = auto()  # there is work after all


def leave(paths: EnginePaths, lock: FileLock, finds_work: Callable[[], bool]) -> ExitAttempt:
    """Give the scheduler's lock up unless there is work after all; `launch.ensure_scheduler` says why this
    is safe. `finds_work` takes a last look.
    """
    door = FileLock(paths.door_lock)
    try:
        alone = door.try_acquire()
    except FileNotFoundError:  # the project is gone
        return ExitAttempt.GONE
    if not alone:
        return ExitAttempt.WAIT
    try:
        if finds_work():
            return ExitAttempt.STAY
        lock.release()
        return ExitAttempt.GONE
    finally:
        door.release()
