"""Writing down when a log grew (see `core.logs.time_index`): rarely enough to cost nothing."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular_to_append
from pyruns_jupyter.core.logs.time_index import encode_mark

_EVERY = 1.0  # seconds between two marks, at first
_SHARE = 1 / 5000  # of the run's time: a run of a day has a mark every 17 s


class TimeMarks:
    """The marks of one run. Without room on the disk there are none."""

    def __init__(self, path: Path, log: int) -> None:
        """`log` is a descriptor of the log; the file at `path` is made with the first mark."""
        self._path = path
        self._log = log
        self._began = self._marked = time.monotonic()
        self._size = os.fstat(log).st_size
        self._descriptor: int | None = None
        self._is_over = False

    def look(self, now: float) -> None:
        """Leave a mark when the log has grown and the last one is old enough; `now` is monotonic."""
        if now - self._marked < max(_EVERY, (now - self._began) * _SHARE) or self._is_over:
            return
        size = os.fstat(self._log).st_size
        if size == self._size:
            return
        self._marked, self._size = now, size
        try:
            if self._descriptor is None:
                self._descriptor = open_regular_to_append(self._path)
            os.write(self._descriptor, encode_mark(size, time.time()))
        except OSError:
            self.close()

    def finish(self, now: float) -> None:
        """Leave the last mark, if there were any before, and write no more."""
        if self._descriptor is not None:
            self._marked = float("-inf")
            self.look(now)
        self.close()

    def close(self) -> None:
        """Write no more."""
        self._is_over = True
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
