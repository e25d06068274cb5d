"""Read all points of a run of another program in the order of their times, and write them as a journal."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.fs.locks import FILE_MODE
from pyruns_jupyter.core.fs.regular_files import set_mode
from pyruns_jupyter.core.metrics.downsample import STEP_KEYS
from pyruns_jupyter.core.metrics.journal import TRACK, encode
from pyruns_jupyter.core.metrics.sources.base import NotMetrics, SourceError
from pyruns_jupyter.core.metrics.sources.metric_names import (
    MAX_POINTS,
    MAX_SOURCES,
    MAX_VALUES,
    TOO_LONG,
    TOO_MANY,
    TOO_MANY_KEYS,
    MetricNames,
)

from .found_run import FoundRun, RunSource

_BUFFER_BYTES = 256 * 1024
# Time or -inf, step or -inf, time or None, values by name.
_Ordered = tuple[float, float, "float | None", dict[str, float]]


class RunPoints:
    """The points of one run.

    Attributes:
        count: the number of points.
        metrics: the number of values of each metric.
        first, last: the smallest and the largest time (epoch seconds), None if no point has one.
        is_whole: whether all points were read: the limits were not exceeded.
        facts: what a task file stores about the files (see `sources.facts`).
    """

    def __init__(self, run: FoundRun) -> None:
        self.count = 0
        self.metrics: dict[str, int] = {}
        self.first: float | None = None
        self.last: float | None = None
        self.is_whole = True
        self.facts: list[dict[str, Any]] = []
        self._run = run
        self._names = MetricNames()
        self._values = 0

    def read(self, stream: BinaryIO | None = None) -> None:
        """Read all points, and write them to a stream as a journal. Files that cannot be read completely get
        a notice of the run.

        Raises:
            OSError: when the stream cannot be written.
        """
        run = self._run
        opened = run.open()
        if len(opened) > MAX_SOURCES:
            run.add_notice(f"Only the first {MAX_SOURCES:,} metric files are imported.")
        ordered = [self._ordered(one) for one in opened[:MAX_SOURCES]]
        points = ordered[0] if len(ordered) == 1 else heapq.merge(*ordered, key=itemgetter(0, 1))
        lines: list[bytes] = []
        size = 0
        for moment, values in _joined(points):
            if stream is not None:
                try:
                    line = encode(TRACK, values, moment)
                except ValueError:
                    run.add_notice(TOO_LONG)
                    continue
                lines.append(line)
                size += len(line)
                if size > _BUFFER_BYTES:
                    stream.write(b"".join(lines))
                    lines, size = [], 0
            self._add(moment, values)
            if self.count > MAX_POINTS or self._values > MAX_VALUES:
                run.add_notice(TOO_MANY)
                self.is_whole = False
                break
        if self._names.is_full:
            run.add_notice(TOO_MANY_KEYS)
        if stream is not None:
            stream.write(b"".join(lines))

    def write(self, path: Path) -> None:
        """Read all points, and write them to a new file as a journal.

        Raises:
            OSError: when it cannot be written.
        """
        with path.open("xb") as stream:
            set_mode(stream.fileno(), FILE_MODE)
            self.read(stream)

    def _add(self, moment: float | None, values: dict[str, float]) -> None:
        self.count += 1
        self._values += len(values)
        metrics = self.metrics
        for name in values:
            metrics[name] = metrics.get(name, 0) + 1
        if moment is not None:
            self.first = moment if self.first is None else min(self.first, moment)
            self.last = moment if self.last is None else max(self.last, moment)

    def _ordered(self, opened: RunSource) -> Iterator[_Ordered]:
        """Yield the points of a file, with what they are ordered by. The time of a point without one is that
        of the point before it.
        """
        path, file_format, source = opened
        before, message, count = -math.inf, "", 0
        try:
            while True:
                for moment, values in self._names.named(path, file_format, source.read()):
                    count += 1
                    before = before if moment is None else moment
                    yield before, _step(values), moment, values
                if not source.has_more:
                    break
            message = source.notice
        except NotMetrics:
            return
        except SourceError as error:
            message = str(error)
        except OSError as error:
            message = f"The file cannot be read: {error.strerror or error}."
        except Exception as error:  # noqa: BLE001  # whatever the file contains, the others are read
            message = f"The file cannot be read: {type(error).__name__}."
        fact = {
            "format": file_format.name,
            "path": printable(path),
            "reason": "import",
            "offset": source.offset,
            "points": count,
        }
        self.facts.append({**fact, "message": message} if message else fact)
        if message:
            self._run.add_notice(f"{printable(path)}: {message}")


def _joined(points: Iterator[_Ordered]) -> Iterator[tuple[float | None, dict[str, float]]]:
    """Yield points, of which those that were logged together in several files are one."""
    last: _Ordered | None = None
    for point in points:
        if last is not None:
            if last[:2] == point[:2] and _fit(last[3], point[3]):
                last[3].update(point[3])
                continue
            yield last[2:]
        last = point
    if last is not None:
        yield last[2:]


def _fit(values: dict[str, float], others: dict[str, float]) -> bool:
    """Return whether two points have the same steps, and no metric in common."""
    return all(
        key in STEP_KEYS and values.get(key) == value if key in values else key not in STEP_KEYS
        for key, value in others.items()
    )


def _step(values: dict[str, float]) -> float:
    for key in STEP_KEYS:
        if key in values and math.isfinite(values[key]):
            return values[key]
    return -math.inf
