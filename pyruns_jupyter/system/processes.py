"""Who a process is: its user, its command, and which task or notebook it belongs to."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass

import psutil

COMMAND_LENGTH = 300  # characters of a command line that are shown
_LOOK_AT_MOST = 512  # known processes kept before the oldest are forgotten

# What the programs that start tasks put into a task's environment; children inherit it.
_TASK_DIR = "PYRUNS_TASK_DIR"
_TASK_CONFIG = "__PYRUNS_CONFIG__"
_NOTEBOOK = "JPY_SESSION_NAME"  # what Jupyter servers put into a kernel's; its children inherit it
_CONNECTION = re.compile(r"kernel-([0-9a-fA-F-]{36})\.json$")  # the connection file, an argument of kernels


@dataclass(frozen=True)
class Known:
    """Facts of a process that do not change while it lives."""

    user: str | None
    command: str | None
    task: str | None
    notebook: str | None
    kernel: str | None


_NOBODY = Known(None, None, None, None, None)


class ProcessBook:
    """Looks processes up once and remembers them by pid and create time."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, float], Known] = {}

    def look_up(self, pid: int) -> Known:
        """Return what is known of process `pid`; all None when it is gone or hidden from us."""
        try:
            process = psutil.Process(pid)
            key = (pid, process.create_time())
        except psutil.Error:
            return _NOBODY
        known = self._known.get(key)
        if known is None:
            known = _look_at(process)
            while len(self._known) >= _LOOK_AT_MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = known
        return known


def _look_at(process: psutil.Process) -> Known:
    user = command = task = notebook = kernel = None
    with contextlib.suppress(psutil.Error, KeyError):  # KeyError: a user id without a name
        user = process.username()
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
        command = " ".join(words)[:COMMAND_LENGTH] or process.name()
        kernel = next((found[1] for found in map(_CONNECTION.search, words) if found), None)
    with contextlib.suppress(psutil.Error, OSError):  # somebody else's process
        environment = process.environ()
        task = _task_of(environment)
        notebook = None if task else environment.get(_NOTEBOOK)
    return Known(user, command, task, notebook, kernel)


def _task_of(environment: dict[str, str]) -> str | None:
    folder = environment.get(_TASK_DIR) or environment.get(_TASK_CONFIG, "")
    while folder and os.path.dirname(folder) != folder:
        parent = os.path.dirname(folder)
        if os.path.basename(parent) == "tasks":  # the run's own copy of a configuration may lie deeper
            return os.path.basename(folder)
        folder = parent
    return None
