"""A run's log while it is written: all of it, or with a limit its beginning and its end."""

from __future__ import annotations

import os

from pyruns_jupyter.engine.queue import run_files

_TAIL = 256 * 1024  # bytes of the end that are kept beyond the limit


class LogFile:
    """Takes a program's output through a descriptor that appends; `limit` is in bytes, None without one.

    Beyond the limit the last 256 KiB wait in memory and are written by `finish`. Our own lines do not count.
    """

    def __init__(self, descriptor: int, limit: int | None = None) -> None:
        self._descriptor = descriptor
        self._room = limit
        self._tail = bytearray()
        self._beyond = 0  # bytes that came when there was no room any more

    @property
    def descriptor(self) -> int:
        """What appends to the file."""
        return self._descriptor

    def write(self, data: memoryview, *, ours: bool = False) -> memoryview:
        """Write as much as the disk takes; return what it does not take now. `ours`: a line of our own."""
        if self._room is not None and not ours:
            if len(data) > self._room:
                self._keep(data[self._room :])
                data = data[: self._room]
            self._room -= len(data)
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except OSError:
                return data
        return data

    def finish(self) -> memoryview:
        """Write the end of an output that went beyond the limit; return what the disk does not take now."""
        left_out, end = self._beyond - len(self._tail), bytes(self._tail)
        self._beyond, self._tail = 0, bytearray()
        if not end:
            return memoryview(b"")
        text = f"The log has reached log_limit_mb: {left_out:,} bytes are left out here."
        if not left_out:
            return self.write(memoryview(end), ours=True)
        line_end = end.find(b"\n") + 1
        return self.write(memoryview(b"\n" + run_files.line(text) + end[line_end:]), ours=True)

    def _keep(self, data: memoryview) -> None:
        self._beyond += len(data)
        self._tail += data[-_TAIL:]
        del self._tail[:-_TAIL]
