"""When what stands in a log was written: time marks that the supervisor leaves beside it.

`runN.times` has a line `<bytes> <epoch seconds>` for each mark: so long was the log then. What lies between
two marks was written between their times. There is no such file for runs of other programs and for very short
ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular

_MAX_BYTES = 8 * 1024 * 1024  # of a file; ours stay far below
_LINE = re.compile(rb"(\d{1,15}) (\d{1,12}(?:\.\d{1,6})?)", re.ASCII)

Mark = tuple[int, float]


def encode_mark(size: int, epoch: float) -> bytes:
    """Return the line that says that a log had `size` bytes at `epoch` seconds."""
    return b"%d %.1f\n" % (size, epoch)


def read_marks(path: Path, begin: int, end: int, most: int) -> list[Mark]:
    """Return the marks that tell when the bytes from `begin` to `end` of a log were written, as (bytes, epoch
    seconds): those between, and the first one behind. Of more than `most` every so-manieth.

    A missing file has none; damaged lines, and marks that go backwards, are passed over.
    """
    found: list[Mark] = []
    for mark in _marks(path):
        if mark[0] > begin:
            found.append(mark)
            if mark[0] >= end:
                break
    stride = -(-len(found) // max(1, most))
    # The last one stays: it is the only one that tells of the last bytes.
    return found[::-1][:: max(1, stride)][::-1]


def _marks(path: Path) -> Iterator[Mark]:
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            data = stream.read(_MAX_BYTES)
    except OSError:
        return
    last: Mark = (-1, 0.0)
    for line in data.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        mark = int(match[1]), float(match[2])
        if mark[0] > last[0] and mark[1] >= last[1]:
            yield mark
            last = mark
