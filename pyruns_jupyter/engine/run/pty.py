"""Pseudo-terminals, and carrying what a program writes there into its log file."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

from pyruns_jupyter.core.workspace.settings import Settings

from .log_file import LogFile

_CHUNK = 64 * 1024
_ROUND = 1024 * 1024  # bytes carried before the caller may look at other things


def open_terminal(columns: int, rows: int) -> tuple[int, int]:
    """Return a new pseudo-terminal as (our end, the program's end), both closed on exec.

    It changes nothing of what a program writes: a line feed stays a line feed. Our end does not block.
    """
    ours, theirs = os.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~(termios.ECHO | termios.ECHONL)
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.set_blocking(ours, False)
    return ours, theirs


def open_pipe() -> tuple[int, int]:
    """Return a new pipe as (our end, the program's end), both closed on exec. Our end does not block."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    return ours, theirs


def open_output(settings: Settings, log: LogFile) -> tuple[int | None, int]:
    """Return where a run's output is read from (None: nowhere, the run writes its log itself), and where the
    run writes to.
    """
    if settings.terminal:
        return open_terminal(settings.terminal_columns, settings.terminal_rows)
    if settings.log_limit is not None:
        return open_pipe()
    return None, log.descriptor


class Pump:
    """Carries bytes from a non-blocking descriptor to a log file, exactly as they come.

    When the disk does not take them they wait here and the source is not read, so that a full disk slows the
    program down instead of losing its output; `stuck` tells so, and `carry` tries again.
    """

    def __init__(self, source: int | None, log: LogFile) -> None:
        """`source` is None when the program writes its log itself."""
        self.source = -1 if source is None else source
        self.open = source is not None
        self._log = log
        self._waiting: memoryview | None = None

    @property
    def stuck(self) -> bool:
        """Whether bytes wait for room on the disk."""
        return self._waiting is not None

    def put(self, data: bytes) -> None:
        """Write a line of our own behind what was carried so far."""
        if self._waiting is None:
            self._settle(self._log.write(memoryview(data), ours=True))
        else:
            self._waiting = memoryview(self._waiting.tobytes() + data)

    def finish(self) -> None:
        """Write what a limit kept back, behind the program's last output."""
        if self._waiting is None:
            self._settle(self._log.finish())

    def carry(self) -> bool:
        """Carry what is there, about 1 MiB at most; return whether anything was carried."""
        if self._waiting is not None and not self._write(self._waiting, again=True):
            return False
        total = 0
        while total < _ROUND:
            parts, size = self._read_some()
            if not size:
                break
            total += size
            if not self._write(memoryview(b"".join(parts))):
                break
        return total > 0

    def _read_some(self) -> tuple[list[bytes], int]:
        """Read until a chunk is full or nothing is there; a terminal gives at most 4 KiB at a time."""
        parts: list[bytes] = []
        size = 0
        while size < _CHUNK and self.open:
            try:
                part = os.read(self.source, _CHUNK)
            except BlockingIOError:
                break
            except OSError:  # EIO: every program has closed its end
                part = b""
            if not part:
                self.open = False
                break
            parts.append(part)
            size += len(part)
        return parts, size

    def _write(self, data: memoryview, *, again: bool = False) -> bool:
        return self._settle(self._log.write(data, ours=again))

    def _settle(self, left: memoryview) -> bool:
        self._waiting = left if left else None
        return not left
