"""The stack dumps of one run: on request, and once when the run stalls.

A thread of the supervisor makes them, because the kernel may let only the ancestors of a process read it.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.logs.time_index import quiet_since
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.engine.processes.descendants import descendants

from .command import RunCommand

_LOOK_SECONDS = 10.0  # between two looks whether a run without output has logged metrics
_BUSY_SECONDS = 0.5  # until the next call while a dump is being made
_MAX_ERROR = 300  # characters
_FINISH_SECONDS = 5.0  # for a dump that is being made when the run has ended


class RunStacks:
    """Writes the stack dumps of a run into one file, which has the latest.

    Attributes:
        due: when `beat` is to be called again (monotonic), unless there is a request.
    """

    def __init__(
        self, paths: Callable[[], TaskPaths], run: int, command: RunCommand, stall_minutes: float
    ) -> None:
        """`paths` returns where the task is now. A run stalls after `stall_minutes` without output or
        metrics, never if this is 0.
        """
        self._paths, self._run, self._command = paths, run, command
        self._stall_seconds = 60 * stall_minutes or math.inf
        self._began, self._served_at = time.time(), 0.0
        self._dumped_for: float | None = None  # the stall (its begin) that has been dumped
        self._thread: Thread | None = None
        self._is_cancelled = Event()
        self.due = time.monotonic() + self._stall_seconds

    def beat(self, now: float, output_at: float, requested_at: float) -> None:
        """Start a dump if one is due. The last output was at `output_at` (monotonic), the last request at
        `requested_at` (epoch seconds).
        """
        if self._thread is not None and self._thread.is_alive():
            self.due = max(self.due, now + _BUSY_SECONDS)  # a request is served after it
            return
        # Not a later time: the clocks of those who request may differ.
        if requested_at and requested_at != self._served_at:
            self._served_at = requested_at
            self._start("On request")
        elif now >= self.due:
            self.due = self._next_look(now, output_at)

    def _next_look(self, now: float, output_at: float) -> float:
        """Dump the stacks of a stalled run; return when to look again."""
        if now - output_at < self._stall_seconds:
            return output_at + self._stall_seconds
        since = quiet_since(self._paths().folder, self._run, self._began)
        left = self._stall_seconds - (time.time() - since)
        if left <= 0 and since != self._dumped_for:
            self._dumped_for = since
            self._start(f"The run had produced no output or metrics for {duration_text(time.time() - since)}")
        return now + max(left, _LOOK_SECONDS)

    def _start(self, reason: str) -> None:
        pids = descendants(os.getpid())  # before the programs that read them start
        self._thread = Thread(target=self._dump, args=(pids, reason), name="pyruns-stacks", daemon=True)
        with suppress(RuntimeError):  # the system has no room for a thread
            self._thread.start()

    def _dump(self, pids: list[int], reason: str) -> None:
        try:
            from .stack_dump import dump_stacks  # slow to import, and few stacks are read

            text = dump_stacks(pids, self._command, self._is_cancelled)
        except Exception as error:  # noqa: BLE001  # whatever the system reports, the run continues
            text = f"The stacks cannot be read: {type(error).__name__}: {error}"[:_MAX_ERROR]
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        head = f"Stacks of run {self._run} at {when}. {reason}.\n\n"
        with suppress(OSError, PyrunsError):  # such as a full disk: the one who asked waits in vain
            data = (head + text + "\n").encode("utf-8", "replace")
            write_atomic(self._paths().stacks(self._run), data, durable=False)

    def finish(self) -> None:
        """Wait some seconds for a dump that is being made. The run has ended."""
        self.due = math.inf
        self._is_cancelled.set()
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join(_FINISH_SECONDS)
