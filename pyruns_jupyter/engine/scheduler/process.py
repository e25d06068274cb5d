"""The scheduler of one project as a process: `python -m pyruns_jupyter.engine.scheduler <_pyruns_>`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.common.errors import Busy, PyrunsError
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.locks import FileLock, is_locked
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME, EnginePaths
from pyruns_jupyter.core.trust.engine_key import require_engine
from pyruns_jupyter.engine.processes.native import become_daemon

_LOCK_SECONDS = 0.5  # between two looks at who holds a lock


def take_lock(lock: FileLock) -> bool:
    """Take the lock of a daemon, which processes that only check it may hold for a moment; return False if
    another daemon holds it.

    Raises:
        OSError: if the file cannot be opened.
    """
    while True:
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Busy:
            if is_locked(lock.path):
                return False
        else:
            return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scheduler of the project whose `_pyruns_` folder is the only argument; return the exit code.

    It exits at once if another one is running, or the engine folder is not ours.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if len(words) != 1:
        print("usage: python -m pyruns_jupyter.engine.scheduler <_pyruns_ folder>", file=sys.stderr)
        return 2
    paths = EnginePaths(Path(words[0]).absolute())
    try:
        key = require_engine(paths.root)
    except (PyrunsError, OSError) as error:
        print(f"The scheduler cannot start: {error}", file=sys.stderr)
        return 1
    lock = FileLock(paths.scheduler_lock)
    if not take_lock(lock):
        return 0
    become_daemon()
    owner = {"pid": os.getpid(), "host": host_name(), "started": time.time()}
    with suppress(OSError):  # for information only: a full disk must not stop the scheduler
        lock.write(json.dumps({**owner, "key": key.id}).encode())
    os.chdir(paths.root.parent)

    # Imported after the lock is taken: a scheduler that exits at once should not load all this.
    from pyruns_jupyter.engine.queue.project_registry import announce

    from .loop import Scheduler

    announced = announce(paths.root)
    if not Scheduler(key, lock).run():
        if announced is not None:
            announced.release()  # the project has another name now
        _start_in_moved_project(lock)
    return 0


def _start_in_moved_project(lock: FileLock) -> None:
    """Start a scheduler in the new place of a moved project, the working folder of this process."""
    from pyruns_jupyter.engine.queue.launch import ensure_scheduler

    with suppress(OSError, PyrunsError):
        paths = EnginePaths(Path(os.getcwd()) / ROOT_NAME)
        if lock.is_at(paths.scheduler_lock):
            lock.release()
            ensure_scheduler(paths)
