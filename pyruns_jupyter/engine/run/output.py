"""The output of a run: its terminal or pipe, and how it is copied into the log, with time marks."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular_to_append
from pyruns_jupyter.core.logs.time_index import encode_mark
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.processes.native import do_not_block, open_terminal, read_available
from pyruns_jupyter.engine.queue import run_files

from .wake_times import next_wake

_CHUNK = 64 * 1024
_TERMINAL = 4096  # bytes that a terminal holds at least
_LINE_FEED = 10
_ROUND = 1024 * 1024  # bytes to copy before the caller gets its turn
_TAIL = 256 * 1024  # bytes of the end that are kept beyond the limit
_REST_BYTES = 1024  # that a program may be expected to write meanwhile
_EAGER_SECONDS, _BUSY_SECONDS = 5.0, 250.0  # without rests at the start, and after a full terminal
_MARK_SECONDS = 1.0  # between two time marks, at first
_MARK_SHARE = 1 / 5000  # of the run's time: a run of a day has a mark every 17 s


def open_output(settings: Settings, log: int) -> tuple[int | None, int]:
    """Return the descriptor to read a run's output from (None: the run writes to the log itself), and the one
    that the run writes to. Both are closed on exec; the first does not block.
    """
    if settings.terminal:
        return open_terminal(settings.terminal_columns, settings.terminal_rows)
    if settings.log_limit is None:
        return None, log
    ours, theirs = os.pipe()
    do_not_block(ours)
    return ours, theirs


class OutputCopier:
    """Copies bytes unchanged from a descriptor that does not block to a log.

    If the disk does not accept them, they wait here and the source is not read, so a full disk slows the
    program down instead of losing its output; then `is_stuck` is True, and `copy` tries again. Only what
    exceeds the largest file that the file system allows is dropped. Beyond `limit` bytes, only the last
    256 KiB are kept in memory, for `finish`. Our own lines do not count.

    Attributes:
        rests_until: when the source is to be read again (monotonic); until then it is not to be waited for.
    """

    def __init__(
        self,
        source: int | None,
        log: int,
        limit: int | None = None,
        path: Callable[[], Path] | None = None,
    ) -> None:
        """`source` is None when the program writes to the log itself. `path` returns where the log is now."""
        self.source = -1 if source is None else source
        self.is_open = source is not None
        self._log = log
        self._path = path
        self._room = limit
        self._tail = bytearray()
        self._beyond = 0  # bytes that came after the limit was reached
        self._waiting = memoryview(b"")
        self._size = os.fstat(log).st_size
        self._ends_line = True
        self._copied_at = self.rests_until = 0.0
        self._eager_until = time.monotonic() + _EAGER_SECONDS

    def has_grown(self) -> bool:
        """Whether there is new output of a program that writes to the log itself; else `copy` tells it."""
        if self.source != -1:
            return False
        try:
            size, self._size = self._size, os.fstat(self._log).st_size
        except OSError:
            return False
        return self._size != size

    @property
    def is_stuck(self) -> bool:
        """Whether bytes wait for room on the disk."""
        return bool(self._waiting)

    def put(self, data: bytes) -> None:
        """Write a line of our own after what was copied so far; it begins a line."""
        self._append(data if self._ends_line else b"\n" + data)

    def _append(self, data: bytes) -> None:
        self._write(memoryview(self._waiting.tobytes() + data))

    def copy(self) -> bool:
        """Copy what is available, about 1 MiB at most; return whether anything was copied."""
        if self._waiting and not self._write(self._waiting):
            return False
        total = 0
        while total < _ROUND:
            data = self._read()
            total += len(data)
            if not self._write(self._within_limit(data)) or len(data) < _CHUNK:
                break
        if total:
            self._rest(total)
        return total > 0

    def _rest(self, total: int) -> None:
        """Decide when to read again after `total` bytes, so that the program need not wait for it: to wake up
        takes longer than to read.
        """
        now = time.monotonic()
        if total >= _TERMINAL:
            self._eager_until = max(self._eager_until, now + _BUSY_SECONDS)
        if now >= self._eager_until:
            self.rests_until = min(next_wake(now), now + (now - self._copied_at) * _REST_BYTES / total)
        self._copied_at = now

    def finish(self) -> None:
        """Write the end of an output that exceeded the limit."""
        left_out, end = self._beyond - len(self._tail), bytes(self._tail)
        self._beyond, self._tail = 0, bytearray()
        if left_out:
            note = f"The log has reached log_limit_mb. {left_out:,} bytes are omitted here."
            end = b"\n" + run_files.line(note) + end[end.find(b"\n") + 1 :]
        if end:
            self._append(end)

    def _read(self) -> bytes:
        """Read until a chunk is full or little is available; a terminal returns at most 4 KiB at a time."""
        parts: list[bytes] = []
        size = 0
        while size < _CHUNK and self.is_open:
            try:
                part = read_available(self.source, _CHUNK)
            except BlockingIOError:
                break
            except OSError:  # EIO: all programs have closed the terminal
                part = b""
            self.is_open = bool(part)
            parts.append(part)
            size += len(part)
            if len(part) < _REST_BYTES:
                break  # the next read would most likely be in vain
        return b"".join(parts)

    def _within_limit(self, data: bytes) -> memoryview:
        """Return the part of new output that is written now."""
        whole = memoryview(data)
        if self._room is None:
            return whole
        part, beyond = whole[: self._room], whole[self._room :]
        self._room -= len(part)
        self._beyond += len(beyond)
        self._tail += beyond[-_TAIL:]
        del self._tail[:-_TAIL]
        return part

    def _write(self, data: memoryview) -> bool:
        """Write what the disk accepts, and let the rest wait; return whether nothing is left."""
        if data:
            self._ends_line = data[-1] == _LINE_FEED
        while data:
            try:
                data = data[os.write(self._log, data) :]
            except OSError as error:
                if error.errno == errno.EFBIG:
                    data = data[len(data) :]
                elif error.errno == errno.ESTALE and self._path is not None:
                    self._open_again(self._path())
                break
        self._waiting = data
        return not data

    def _open_again(self, path: Path) -> None:
        """Let the descriptor of the log be that of a newly opened one, since its server forgot the former."""
        with suppress(OSError):
            descriptor = run_files.open_log(path)
            try:
                os.dup2(descriptor, self._log, inheritable=False)
            finally:
                os.close(descriptor)


class TimeMarks:
    """Stores when the log of a run grew (see `core.logs.time_index`). Without room on the disk there are no
    marks.
    """

    def __init__(self, path: Path, log: int) -> None:
        """`log` is a descriptor of the log; the file at `path` is created with the first mark."""
        self._path = path
        self._log = log
        self._began = self._marked = time.monotonic()
        self._size = os.fstat(log).st_size
        self._descriptor: int | None = None
        self._is_over = False

    def update(self, now: float) -> None:
        """Add a mark if the log has grown and the last mark is old enough; `now` is monotonic."""
        if now - self._marked < max(_MARK_SECONDS, (now - self._began) * _MARK_SHARE) or self._is_over:
            return
        try:
            size = os.fstat(self._log).st_size
        except OSError:
            return
        if size == self._size:
            return
        self._marked, self._size = now, size
        try:
            if self._descriptor is None:
                self._descriptor = open_regular_to_append(self._path)
            os.write(self._descriptor, encode_mark(size, time.time()))
        except OSError:
            self.close()

    def finish(self) -> None:
        """Add the last mark, if there are any, and close the file."""
        if self._descriptor is not None:
            self._marked = float("-inf")
            self.update(time.monotonic())
        self.close()

    def close(self) -> None:
        """Add no more marks."""
        self._is_over = True
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
