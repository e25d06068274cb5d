"""Facts about processes: user, command, and the task or notebook to which a process belongs."""

from __future__ import annotations

import contextlib
import os
import re
from typing import NamedTuple

import psutil

from .samples import ProcessFacts

MAX_COMMAND = 300  # characters of a command line that are shown
_MAX_KNOWN = 512  # processes, after which the oldest are dropped

# Environment variables of tasks, which their child processes inherit.
_TASK_DIR = "PYRUNS_TASK_DIR"
_TASK_CONFIG = "__PYRUNS_CONFIG__"
_ATTEMPT = "PYRUNS_RUN_ATTEMPT_ID"
_NOTEBOOK = "JPY_SESSION_NAME"  # the same of kernels, set by Jupyter servers
_CONNECTION = re.compile(r"kernel-([0-9a-fA-F-]{36})\.json$")  # the connection file, an argument of kernels


class _Known(NamedTuple):
    facts: ProcessFacts
    attempt: str | None


_UNKNOWN = _Known(ProcessFacts(user=None, command=None, task=None, notebook=None, kernel=None), None)


class ProcessTable:
    """Reads the facts of each process once, and remembers them by pid and create time."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, float], _Known] = {}

    def facts_of(self, pid: int) -> ProcessFacts:
        """Return the facts of a process; all are None if it does not exist or is hidden from this user."""
        return self._read(pid).facts

    def attempt_of(self, pid: int) -> str | None:
        """Return the attempt of the run of a process ("" without one), None if the process does not exist."""
        return self._read(pid).attempt

    def _read(self, pid: int) -> _Known:
        try:
            process = psutil.Process(pid)
            key = (pid, process.create_time())
        except psutil.Error:
            return _UNKNOWN
        known = self._known.get(key)
        if known is None:
            known = _read_process(process)
            while len(self._known) >= _MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = known
        return known


def _read_process(process: psutil.Process) -> _Known:
    user = command = task = notebook = kernel = None
    attempt = ""
    with contextlib.suppress(psutil.Error, KeyError):  # KeyError: a user id without a name
        user = process.username()
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
        command = " ".join(words)[:MAX_COMMAND] or process.name()
        kernel = next((found[1] for found in map(_CONNECTION.search, words) if found), None)
    with contextlib.suppress(psutil.Error, OSError):  # a process of another user
        environment = process.environ()
        attempt = environment.get(_ATTEMPT, "")
        task = _task_of(environment)
        notebook = None if task else environment.get(_NOTEBOOK)
    facts = ProcessFacts(user=user, command=command, task=task, notebook=notebook, kernel=kernel)
    return _Known(facts, attempt)


def _task_of(environment: dict[str, str]) -> str | None:
    folder = environment.get(_TASK_DIR) or environment.get(_TASK_CONFIG, "")
    while folder and os.path.dirname(folder) != folder:
        parent = os.path.dirname(folder)
        if os.path.basename(parent) == "tasks":  # the copy of a configuration may be in a subfolder
            return os.path.basename(folder)
        folder = parent
    return None
