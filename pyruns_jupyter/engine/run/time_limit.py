"""The time limit of a run, and the signal that announces it."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable

from pyruns_jupyter.engine.processes.native import signal_handling
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.engine.queue.options import QueueOptions


class TimeLimit:
    """Watches the time limit of one run.

    Attributes:
        due: when `beat` is to be called again (monotonic).
        is_reached: whether the limit was reached.
    """

    def __init__(self, options: QueueOptions, note: Callable[[bytes], None]) -> None:
        """To be called when the script starts. `note` writes a line to the log."""
        self._note = note
        self._number = 0
        self._limit_at = self._signal_at = math.inf
        self.is_reached = False
        if options.time_limit is not None:
            self._limit_at = time.monotonic() + options.time_limit
            if options.signal is not None:
                self._number = getattr(signal, f"SIG{options.signal.partition('@')[0]}")
                self._signal_at = self._limit_at - options.signal_seconds
        self.due = min(self._limit_at, self._signal_at)

    def beat(self, now: float) -> bool:
        """Send the signal when it is time; return whether the limit is reached now."""
        if now >= self._signal_at:
            self._signal_at = math.inf
            self.forward(self._number)
        self.is_reached = self.is_reached or now >= self._limit_at
        self.due = math.inf if self.is_reached else min(self._limit_at, self._signal_at)
        return self.is_reached

    def forward(self, number: int) -> None:
        """Send a signal to the processes of the run that handle it: it would end all others."""
        count, name = signal_handling(number), signal.Signals(number).name
        if count:
            processes = "process" if count == 1 else "processes"
            self._note(run_files.line(f"Sent {name} to {count} {processes} of this run."))
        else:
            self._note(run_files.line(f"No process of this run handles {name}, so it was not sent."))
