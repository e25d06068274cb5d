"""The interface of a metric source, and what the sources that read files have in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.fs.regular_files import open_regular

SLICE_BYTES = 64 * 1024  # that one call of `read` parses at most
MAX_KEY_LENGTH = 300  # characters
STEP = "step"  # the key of a step whose format has no name for it
_MAX_INTEGER = 1 << 63  # larger ones, which a float may not be able to hold, do not count


class Point(NamedTuple):
    """Values that were logged together. The step is one of them. `time`: epoch seconds, None if unknown."""

    time: float | None
    values: dict[str, float]


class SourceError(Exception):
    """A source cannot be read any further; the message is a sentence for the user."""


class NotMetrics(Exception):
    """The file has no metrics, although its name suggests them."""


def is_number(value: Any) -> bool:
    """Return whether a value of a file is a number that counts."""
    return type(value) is float or (type(value) is int and -_MAX_INTEGER <= value < _MAX_INTEGER)


class Source:
    """A file with metrics, to which a run may still write.

    Attributes:
        path: the file.
        offset: how far it has been read: bytes, or rows of a database.
        has_more: whether more can be read at once.
        waits: whether what was added could not be read now, because another program uses the file.
        has_ended: whether the run has ended, so that nothing is added any longer; the caller sets it.
        notice: a sentence for the user about what does not count; empty if everything does.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        self.has_more = self.waits = self.has_ended = False
        self.notice = ""

    def read(self) -> list[Point]:
        """Return the next points, in order; none when nothing was added, or only a part of a record.

        Raises:
            SourceError: when the rest cannot be read.
            NotMetrics: when it has no metrics.
            OSError: when the file cannot be read now.
        """
        raise NotImplementedError


class FileSource(Source):
    """A file that only grows. A subclass parses its bytes."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        super().__init__(path, offset)
        self.size = 0

    def read(self) -> list[Point]:
        """See `Source`."""
        data = self._next_bytes()
        points, used = self.parse(data)
        self.offset += used
        self.has_more = used > 0 and self.offset < self.size
        return points

    def parse(self, data: bytes) -> tuple[list[Point], int]:
        """Return the points in the bytes at `offset`, and how many bytes were used.

        Raises:
            SourceError: when they are not valid.
        """
        raise NotImplementedError

    def _next_bytes(self) -> bytes:
        descriptor = open_regular(self.path)
        try:
            self.size = os.fstat(descriptor).st_size
            if self.size < self.offset:
                raise SourceError("The file has become smaller, so it is not read any further.")
            os.lseek(descriptor, self.offset, os.SEEK_SET)
            return os.read(descriptor, min(SLICE_BYTES, self.size - self.offset))
        finally:
            os.close(descriptor)
