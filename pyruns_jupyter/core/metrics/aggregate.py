"""Read the records and curves of a journal, complete or downsampled, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular

from .columns import columns_of
from .downsample import CurveDownsampler
from .expressions import MAX_LAST
from .journal import MAX_DEPTH, MAX_KEYS, RECORD, Remaining, complete_lines, entries
from .statistics import CurveStatistics, numeric

WHOLE_BYTES = 1024 * 1024  # a journal up to this size is copied completely into the task file
POINTS_KEPT = 1000  # of a curve in the task file if the journal is larger
VALUES_KEPT = 20_000  # of all curves together, in the same case
ROOM_BYTES = 16 * 1024 * 1024  # of a task file: this program and others read it completely

_TAIL_BYTES = 64  # before the offset: a new journal can have the inode of the old one, and be larger
_MAX_TEXT = 200  # characters of a text in a downsampled curve
_TOO_DEEP = 1 << 60


class JournalReader:
    """The records and curves of a journal; each call of `feed` reads the new lines.

    `points` is the maximum number of values of a curve, `total` that of all curves; None keeps all. A longer
    curve is reduced to evenly chosen values, among them the first and the last, so that curves that were
    tracked together stay aligned. `downsampler` gets the same points. The last numbers of the curves `recent`
    are kept as well.
    """

    def __init__(
        self,
        points: int | None = None,
        total: int | None = None,
        downsampler: CurveDownsampler | None = None,
        *,
        recent: Collection[str] = (),
    ) -> None:
        self.records: dict[str, Any] = {}
        self.offset = 0
        self._points, self._total, self._recent = points, total, recent
        self._downsampler = downsampler
        self._curves: dict[str, _Curve] = {}
        self._imported: set[str] = set()  # keys whose values are from metric sources
        self._file: tuple[int, int] | None = None
        self._tail = b""

    def tracks(self) -> dict[str, list[Any]]:
        """Return a copy of the curves."""
        limit = self._limit()
        return {key: curve.values(limit) for key, curve in self._curves.items()}

    def statistics(self) -> dict[str, CurveStatistics]:
        """Return the statistics of all values of the curves."""
        return {key: curve.statistics for key, curve in self._curves.items()}

    def recent(self, key: str) -> list[float | None]:
        """Return the last values of one of the curves `recent`, None for those that are not numbers."""
        curve = self._curves.get(key)
        return [] if curve is None or curve.recent is None else [*curve.recent]

    def feed(self, path: Path, *, to_end: bool = True, remaining: Remaining | None = None) -> None:
        """Read the lines since the last call. A missing journal is empty; a replaced one is read from the
        start.

        `to_end` also reads the text after the last line break; otherwise the next call does. `remaining` is
        called before each part is read.

        Raises:
            OSError: when it cannot be read.
            TimeoutError: from `remaining`; the next call continues from here.
        """
        try:
            descriptor = open_regular(path)
        except (FileNotFoundError, NotADirectoryError):
            self._reset(None)
            return
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            file = (status.st_dev, status.st_ino)
            if file != self._file or status.st_size < self.offset:
                self._reset(file)
            stream.seek(self.offset - len(self._tail))
            if stream.read(len(self._tail)) != self._tail:
                self._reset(file)
                stream.seek(0)
            for data, can_be_parsed in complete_lines(stream, to_end=to_end, remaining=remaining):
                self.offset += len(data)
                self._tail = data[-_TAIL_BYTES:]
                if can_be_parsed:
                    self._add(data)

    def _reset(self, file: tuple[int, int] | None) -> None:
        self._file, self.offset, self._tail = file, 0, b""
        self.records, self._curves, self._imported = {}, {}, set()
        if self._downsampler is not None:
            self._downsampler.clear()

    def _add(self, data: bytes) -> None:
        found = entries(data)
        columns = columns_of(found, self._curves, self._imported)
        for key in columns.replaced:
            self._curves.pop(key, None)
        if self._downsampler is not None:
            self._downsampler.take(columns)
        for entry in found:
            record = entry.get(RECORD)
            if type(record) is dict:
                self.records.update(record)
        limit = self._limit()
        for key, (values, _) in columns.values.items():
            curve = self._curves.get(key)
            if curve is None:
                if limit is not None and len(self._curves) >= MAX_KEYS:
                    continue
                curve = self._curves[key] = _Curve(key in self._recent)
            curve.extend(values, limit)

    def _limit(self) -> int | None:
        if self._points is None or self._total is None:
            return self._points
        return min(self._points, max(2, self._total // max(1, len(self._curves))))


class _Curve:
    """Every n-th value of a curve, the statistics of all, and the last ones if they are needed."""

    def __init__(self, has_recent: bool) -> None:
        self.statistics = CurveStatistics()
        self.recent: deque[float | None] | None = deque(maxlen=MAX_LAST) if has_recent else None
        self._kept: list[Any] = []
        self._stride = 1
        self._count = 0
        self._last: Any = None

    def extend(self, values: list[Any], limit: int | None) -> None:
        chosen = values[-self._count % self._stride :: self._stride]
        self._kept += chosen if limit is None else map(_short, chosen)
        self._count += len(values)
        self.statistics.add(values)
        if self.recent is not None:
            self.recent.extend(map(numeric, values[-MAX_LAST:]))
        self._last = values[-1] if limit is None else _short(values[-1])
        if limit is not None:
            self._thin(limit)

    def _thin(self, limit: int) -> None:
        while len(self._kept) > max(1, limit - 1) and self._count > limit:
            del self._kept[1::2]
            self._stride *= 2

    def values(self, limit: int | None) -> list[Any]:
        if limit is not None:
            self._thin(limit)
        last_is_kept = (self._count - 1) % self._stride == 0
        return [*self._kept] if last_is_kept else [*self._kept, self._last]


def _short(value: Any) -> Any:
    if type(value) is float or type(value) is int:
        return value
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else value[: _MAX_TEXT - 1] + "…"
    if isinstance(value, (list, dict)) and _size_of(value, 4) > 16 * _MAX_TEXT:
        return "…"
    return value


def read_journal(path: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return the records of a journal (a later value replaces an earlier one) and its curves, in order.

    A missing journal is empty; incomplete and invalid lines are skipped.

    Raises:
        OSError: when it cannot be read.
    """
    reader = JournalReader()
    reader.feed(path)
    return reader.records, reader.tracks()


def compact(
    path: Path,
    taken: int = 0,
    downsampler: CurveDownsampler | None = None,
    statistics: dict[str, CurveStatistics] | None = None,
) -> tuple[dict[str, Any], dict[str, list[Any]], bool]:
    """Return the records and curves for a task file, and whether these are complete.

    A journal of up to 1 MiB is returned completely. The curves of a larger one have at most 1000 evenly
    chosen values, among them the first and the last, because other programs read all of a task file. `taken`
    is the size of the task file in bytes: the larger it is, the fewer values are returned. `downsampler` gets
    all points, `statistics` those of each curve.

    Raises:
        OSError: when it cannot be read.
    """
    try:
        small = path.stat().st_size <= WHOLE_BYTES
    except (FileNotFoundError, NotADirectoryError):
        return {}, {}, True
    points, total = (None, None) if small else (POINTS_KEPT, VALUES_KEPT)
    reader = JournalReader(points, total, downsampler)
    reader.feed(path)
    if statistics is not None:
        statistics.update(reader.statistics())
    room = max(0, ROOM_BYTES - taken)
    tracks = reader.tracks()
    records, all_records = _fitting(reader.records, room // 2)
    room -= sum(_size_of(value, 4) for value in records.values())
    if _size_of(tracks, 3) <= room:
        return records, tracks, small and all_records
    points = POINTS_KEPT
    tracks = {key: [_short(value) for value in values] for key, values in tracks.items()}
    while _size_of(tracks, 3) > room and points > 1:
        points //= 2
        tracks = {key: evenly(values, points) for key, values in tracks.items()}
    tracks, _ = _fitting(tracks, room)
    return records, tracks, False


def evenly(values: list[Any], points: int) -> list[Any]:
    """Return at most `points`, but at least two, evenly chosen values, among them the first and the last."""
    if len(values) <= max(points, 2):
        return values
    stride = -(-len(values) // max(points - 1, 1))
    return [*values[:-1:stride], values[-1]]


def _fitting(values: dict[str, Any], room: int) -> tuple[dict[str, Any], bool]:
    """Return the first values that fit into `room` bytes, and whether these are all."""
    fitting: dict[str, Any] = {}
    for key, value in values.items():
        weight = _size_of(value, 4) + len(key)
        if weight <= room:
            room -= weight
            fitting[key] = value
    return fitting, len(fitting) == len(values)


def _size_of(value: Any, depth: int) -> int:
    """Return the approximate size of a value in a task file, where each item has an indented line."""
    if isinstance(value, str):
        return 2 * depth + 4 + 6 * len(value) if not value.isascii() else 2 * depth + 4 + len(value)
    if isinstance(value, (list, dict)):
        if depth > MAX_DEPTH:
            return _TOO_DEEP
        if isinstance(value, list):
            return 4 * depth + 4 + sum(_size_of(item, depth + 1) for item in value)
        return 4 * depth + 4 + sum(len(key) + _size_of(item, depth + 1) for key, item in value.items())
    if isinstance(value, int) and not -(1 << 60) < value < (1 << 60):
        return 2 * depth + value.bit_length() // 3 + 4
    return 2 * depth + 20
