"""The processes of Pyruns in the demo: schedulers and drivers of studies that take their steps in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pyruns_jupyter.core.common.errors import Busy
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import require_engine
from pyruns_jupyter.engine.scheduler.loop import Scheduler
from pyruns_jupyter.studies.driver import Driver
from pyruns_jupyter.studies.launch import driver_lock_path, read_marker

from .executor import DemoExecutors

_running: dict[Iterator[float], float] = {}  # steps -> when the next one is due (monotonic)
_is_advancing = False
on_start: list[Callable[[], None]] = []  # called after a process has started


def start(module: str, words: Sequence[str]) -> None:
    """Start a scheduler or a driver, unless one is running."""
    root = Path(words[0])
    try:
        steps = _scheduler(root) if module == "engine.scheduler" else _driver(root, *words[1:])
    except Busy:
        return
    _running[steps] = time.monotonic()
    for listener in on_start:
        listener()


def _scheduler(root: Path) -> Iterator[float]:
    lock = FileLock(EnginePaths(root).scheduler_lock)
    lock.acquire(timeout=0.0)
    return Scheduler(require_engine(root), lock, DemoExecutors).steps()


def _driver(root: Path, workspace: str, study: str) -> Iterator[float]:
    python = read_marker(require_engine(root), workspace, study).python
    lock = FileLock(driver_lock_path(root, python))
    lock.acquire(timeout=0.0)
    return Driver(root, python, lock).steps()


def advance() -> float | None:
    """Take the steps that are due; return when the next one is (monotonic), None if nothing runs.

    A step may wait, and call this function meanwhile: then nothing is done.
    """
    global _is_advancing
    if not _is_advancing:
        _is_advancing = True
        try:
            _take_steps()
        finally:
            _is_advancing = False
    return min(_running.values(), default=None)


def _take_steps() -> None:
    for steps, due in [*_running.items()]:
        if due <= time.monotonic():
            pause = next(steps, None)
            if pause is None:
                del _running[steps]
            else:
                _running[steps] = time.monotonic() + pause
