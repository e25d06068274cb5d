"""A clock that a program moves, so that hours of a history are lived through in seconds."""

from __future__ import annotations

import time
from typing import Any


class Clock:
    """The time of the module `time`, until `release`."""

    def __init__(self, begin: float) -> None:
        """`begin` is in epoch seconds."""
        self.now = begin
        self._began = begin
        self._real = {
            name: getattr(time, name) for name in ("time", "time_ns", "monotonic", "localtime", "sleep")
        }
        replaced: dict[str, Any] = {
            "time": lambda: self.now,
            "time_ns": lambda: int(self.now * 1e9),
            "monotonic": lambda: 1000.0 + self.now - self._began,
            "localtime": lambda epoch=None: self._real["localtime"](self.now if epoch is None else epoch),
            "sleep": self.advance,
        }
        for name, function in replaced.items():
            setattr(time, name, function)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += max(0.0, seconds)

    def release(self) -> None:
        """Show the real time again."""
        for name, function in self._real.items():
            setattr(time, name, function)
