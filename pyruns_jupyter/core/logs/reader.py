"""Reading logs by byte offset; the bytes are returned unchanged."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.fs.regular_files import open_below

# CSI and OSC sequences, and the short ones (ECMA-48). The text after an OSC without an end is not hidden.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_LOG_NAME = re.compile(r"run([1-9][0-9]{0,3})\.log")
MAX_TEXT = 256 * 1024 * 1024  # bytes of a log that are returned as one text
_COMPARED_BYTES = 64  # before our position; if they have changed, the log was rewritten


class LogReset(Exception):
    """The log was truncated or replaced, so that the part read so far is outdated. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def last_logged_run(run_logs: Path) -> int:
    """Return the number of the last run that has a log in the folder `run_logs`, 0 if none has."""
    try:
        names = os.listdir(run_logs)
    except OSError:
        return 0
    found = (_LOG_NAME.fullmatch(name) for name in names)
    return max((int(match[1]) for match in found if match), default=0)


def log_size(path: Path) -> int | None:
    """Return the size of a log in bytes, None if there is none; a folder or a FIFO is not a log."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def log_problem(path: Path) -> str | None:
    """Return why a log cannot be read (a sentence); None if it can, or does not exist."""
    try:
        os.close(_open(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."
    except Unreadable as error:
        return error.message
    return None


def read_range(path: Path, offset: int, limit: int) -> bytes:
    """Return at most `limit` bytes of a log from byte `offset` on; fewer only at its end.

    Raises:
        NotFound: if there is no such log.
        Unreadable: if it is not a regular file.
    """
    descriptor = open_log_file(path)
    try:
        return _read_at(descriptor, max(0, offset), limit)
    finally:
        os.close(descriptor)


def read_text(path: Path) -> str:
    """Return a whole log as text, "" if there is none.

    Raises:
        InvalidInput: if it has more than 256 MiB.
    """
    size = log_size(path)
    if size is not None and size > MAX_TEXT:
        raise InvalidInput(
            f"{path} has {size >> 20} MiB, but at most {MAX_TEXT >> 20} MiB are read at once. Read its end "
            "(log_tail), or open the file (log_path)."
        )
    return "" if size is None else read_range(path, 0, size).decode("utf-8", "replace")


def last_drawn(text: str) -> str:
    """Return a text without escape sequences, and with the last version of redrawn lines (`\\r`)."""
    lines = ESCAPES.sub("", text).split("\n")
    return "\n".join(next((part for part in reversed(line.split("\r")) if part), "") for line in lines)


def open_log_file(path: Path) -> int:
    """Return a descriptor for reading a log. Never waits for a writer (of a FIFO).

    Raises:
        NotFound: if there is no such log.
        Unreadable: if it is not a regular file.
    """
    try:
        return _open(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"Task {path.parent.parent.name!r} has no log {path.name} yet.") from None


def tail_offset(path: Path, nbytes: int, end: int | None = None) -> int:
    """Return the offset of the last `nbytes` bytes of a log, or before `end`, moved to the next line.

    Within a single long line, it is moved to the next redrawn version (`\\r`), if there is one. The offset in
    a missing log is 0.
    """
    size = log_size(path)
    if size is not None and end is not None:
        size = min(size, end)
    if size is None or size <= nbytes:
        return 0
    start = size - nbytes
    try:
        data = read_range(path, start - 1, min(nbytes, 1024 * 1024) + 1)
    except NotFound:
        return 0
    for mark in (b"\n", b"\r"):
        found = data.find(mark)
        if found >= 0 and start + found < size:
            return start + found
    # Not in the middle of a character.
    for skipped in range(4):
        if skipped + 1 < len(data) and data[skipped + 1] & 0xC0 != 0x80:
            return start + skipped
    return start


class LogFollower:
    """Reads a log from `offset` on while it grows, and detects that it was truncated or replaced.

    The log may be created later. It may be moved with its task: reading an open log continues.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        self.size = 0  # of the log at the last read
        self._descriptor: int | None = None
        self._before = b""

    def read(self, limit: int) -> bytes:
        """Return at most `limit` new bytes, empty if there are none yet.

        Raises:
            LogReset: if the log was truncated or replaced; the next call reads from its start.
        """
        if self._descriptor is None:
            try:
                self._descriptor = _open(self.path)
            except (OSError, Unreadable):
                return b""
        mine = os.fstat(self._descriptor)
        try:
            named: os.stat_result | None = os.stat(self.path)
        except OSError:
            named = None
        if named is not None and (named.st_dev, named.st_ino) != (mine.st_dev, mine.st_ino):
            self._reset("The log was replaced by another file.")
        self.size = mine.st_size
        if self.size < self.offset:
            self._reset("The log was truncated.")
        back = len(self._before)
        data = _read_at(self._descriptor, self.offset - back, back + limit)
        if data[:back] != self._before:
            self._reset("The log was rewritten.")
        new = data[back:]
        self.offset += len(new)
        self._before = data[-_COMPARED_BYTES:]
        return new

    def jump(self, nbytes: int) -> bool:
        """Skip to the last `nbytes` bytes, from the start of a line, and return whether that skipped any."""
        try:
            offset = tail_offset(self.path, nbytes)
        except (OSError, Unreadable):  # `read` finds out what happened to the log
            return False
        if offset <= self.offset:
            return False
        self.offset, self._before = offset, b""
        return True

    def close(self) -> None:
        """Close the file; `read` reopens it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _reset(self, reason: str) -> None:
        self.close()
        self.offset = 0
        self._before = b""
        raise LogReset(reason)


def _open(path: Path) -> int:
    """Return a descriptor for reading a log.

    Raises:
        OSError: if it does not exist, cannot be read, or `run_logs` is a link.
        Unreadable: if it is not a regular file.
    """
    return open_below(path.parent.parent, path.parts[-2:])


def _read_at(descriptor: int, offset: int, limit: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    parts: list[bytes] = []
    while limit > 0:
        part = os.read(descriptor, min(limit, 1024 * 1024))
        if not part:
            break
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)
