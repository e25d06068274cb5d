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
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME, EnginePaths
from pyruns_jupyter.core.trust.engine_key import EngineKey, require_engine
from pyruns_jupyter.engine.queue.processes import become_daemon

LOCK_TIMEOUT = 0.5  # seconds; who only looks whether the lock is held has it for microseconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scheduler of the project whose `_pyruns_` folder is the only argument; return the exit code.

    It ends at once if another one lives, or the engine folder is not ours.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if len(words) != 1:
        print("usage: python -m pyruns_jupyter.engine.scheduler <_pyruns_ folder>", file=sys.stderr)
        return 2
    paths = EnginePaths(Path(words[0]).absolute())
    try:
        key = require_engine(paths.root)
    except (PyrunsError, OSError) as error:
        print(f"The scheduler does not start: {error}", file=sys.stderr)
        return 1
    lock = FileLock(paths.scheduler_lock)
    try:
        lock.acquire(timeout=LOCK_TIMEOUT)
    except Busy:
        return 0
    become_daemon()
    _say_who(lock, key)
    os.chdir(paths.root.parent)

    # After the lock: a scheduler that is not needed should not load all this.
    from pyruns_jupyter.engine.queue.project_registry import announce

    from .loop import Scheduler
    from .router import EngineRouter

    announced = announce(paths.root)
    if not Scheduler(key, lock, EngineRouter(key)).run():
        if announced is not None:
            announced.release()  # the next one is called otherwise
        _follow(lock)
    return 0


def _follow(lock: FileLock) -> None:
    """Start a scheduler where our folder is now: the project was moved, and we know only the old paths.

    The working folder is the project's, under whatever name.
    """
    from pyruns_jupyter.engine.queue.launch import ensure_scheduler

    with suppress(OSError, PyrunsError):
        paths = EnginePaths(Path(os.getcwd()) / ROOT_NAME)
        if lock.is_at(paths.scheduler_lock):
            lock.release()
            ensure_scheduler(paths)


def _say_who(lock: FileLock, key: EngineKey) -> None:
    from pyruns_jupyter.core.common.host_identity import host_name

    who = {"pid": os.getpid(), "host": host_name(), "started": time.time()}
    with suppress(OSError):  # for people only: a full disk stops nothing
        lock.write(json.dumps({**who, "key": key.id}).encode())
