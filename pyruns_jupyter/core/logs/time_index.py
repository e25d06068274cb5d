"""Time stamps of logs, which the supervisor stores next to them, and detecting stalled runs.

`runN.times` has a line `<bytes> <epoch seconds>` for each mark: the size of the log at that time. The bytes
between two marks were written between their times. Runs of other programs and very short runs have no such
file.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.peer_tracks import STORE_NAME
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS, journal_name, log_name
from pyruns_jupyter.core.taskfile.runs import Run

_MAX_BYTES = 8 * 1024 * 1024  # of a file; ours are much smaller
_LINE = re.compile(rb"(\d{1,15}) (\d{1,12}(?:\.\d{1,6})?)", re.ASCII)

Mark = tuple[int, float]


def encode_mark(size: int, epoch: float) -> bytes:
    """Return the line for a log that had `size` bytes at `epoch` seconds."""
    return b"%d %.1f\n" % (size, epoch)


def read_marks(path: Path, begin: int, end: int, most: int) -> list[Mark]:
    """Return the marks for the bytes from `begin` to `end` of a log, as (bytes, epoch seconds): those
    between, and the first one after `end`. Downsampled to at most `most` marks.

    A missing file has none; damaged lines, and marks that go backwards, are skipped.
    """
    found: list[Mark] = []
    for mark in _marks(path):
        if mark[0] > begin:
            found.append(mark)
            if mark[0] >= end:
                break
    stride = -(-len(found) // max(1, most))
    # The last one is kept: only it has the time of the last bytes.
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


def stalled_since(limit: float, folder: Path | str, run: Run) -> float | None:
    """Return when run `run` of the task in `folder` last wrote output or metrics (epoch, s), if that is
    longer ago than `limit` seconds; else None, and if `limit` is 0.
    """
    if not limit:
        return None
    last = quiet_since(folder, run.index, run.started_at or 0.0)
    return last if last and time.time() - last > limit else None


def quiet_since(folder: Path | str, run: int, started_at: float) -> float:
    """Return when run `run` of the task in `folder`, started at `started_at`, last wrote output or metrics
    (epoch, s).

    Metrics that another program writes to the task file do not count: that file is written for other reasons
    too. If a file server's clock differs from ours, this is some seconds early or late.
    """
    last = started_at
    written = [f"{RUN_LOGS}/{log_name(run)}", f"{RUN_LOGS}/{journal_name(run)}"]
    for name in (*written, STORE_NAME, f"{STORE_NAME}-wal"):
        with suppress(OSError):
            last = max(last, os.stat(f"{folder}/{name}").st_mtime)
    return last
