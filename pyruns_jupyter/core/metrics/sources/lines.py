"""Text files with a point per line: CSV and TSV with a header, JSON lines.

Lightning's `metrics.csv`, Keras' CSVLogger, `results.csv` of ultralytics, the TSV files of DVCLive, and what
scripts write themselves. A file counts only if it has a column, or a key, with the name of a step. Some
programs write the whole file anew with each point, so what was read before is compared, and skipped.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.downsample import STEP_KEYS
from pyruns_jupyter.core.metrics.journal import entries

from .base import MAX_KEY_LENGTH, SLICE_BYTES, NotMetrics, Point, Source, SourceError, is_number

CSV_FORMAT, JSON_FORMAT = "CSV", "JSON lines"
_CSV_NAMES, _JSON_NAMES = (".csv", ".tsv"), (".jsonl", ".ndjson")
_MAX_COLUMNS = 2000  # of a table
_TAIL_BYTES = 64  # before the offset, to recognize that a file was written anew
_TRIED_LINES = 100  # without a step, after which JSON lines are not metrics
_DVC_FOLDER = f"{os.sep}plots{os.sep}metrics{os.sep}"
_TIMES = ("_timestamp", "timestamp", "time")
_EPOCHS = (1e9, 1e11)  # between them, a time is in seconds since 1970


def recognizes_csv(path: str) -> bool:
    """Return whether a path can be that of a table with metrics."""
    return path.endswith(_CSV_NAMES)


def recognizes_json(path: str) -> bool:
    """Return whether a path can be that of JSON lines."""
    return path.endswith(_JSON_NAMES)


class LineFile(Source):
    """A text file with a point per line. A subclass parses the lines."""

    HAS_HEADER = True  # whether the first line has the names of the columns

    def __init__(self, path: Path, offset: int = 0) -> None:
        """With an `offset`, the lines before it are from an earlier run."""
        super().__init__(path, offset)
        self._tail = b""
        self._lines = 0  # that were read of this run
        self._skip = 0  # lines to skip: they were read before the file was written anew
        self._before = b"", b""  # its first two lines then
        self._smaller: int | None = None
        self._first_line = b""
        self._first_row = b""

    def read(self) -> list[Point]:
        """See `Source`."""
        self.has_more = False
        with os.fdopen(open_regular(self.path), "rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size < self.offset:
                # It is being written anew, or it was truncated: wait until its size does not change.
                if size != self._smaller and not self.has_ended:
                    self._smaller = size
                    return []
                self._start_anew()
            self._smaller = None
            head = stream.read(len(self._first_line) or SLICE_BYTES)
            if self._first_line and head != self._first_line:
                self._start_anew()
                stream.seek(0)
                head = stream.read(SLICE_BYTES)
            if not self._first_line:
                end = head.find(b"\n") + 1 or self._rest_size(head)
                if not end:
                    if len(head) >= SLICE_BYTES:
                        raise NotMetrics
                    return []
                self._first_line = head[:end]
                self.offset = max(self.offset, self.begin(self._first_line))
            before = self.offset - len(self._tail)
            stream.seek(before)
            data = stream.read(SLICE_BYTES)
        if data[: len(self._tail)] != self._tail:
            self._start_anew()
            self.has_more = True
            return []
        rest = data[len(self._tail) :]
        used = rest.rfind(b"\n") + 1
        used += self._rest_size(rest[used:])
        if not used and len(data) >= SLICE_BYTES:
            raise SourceError(f"It has a line of more than {SLICE_BYTES >> 10} KiB, so the rest is not read.")
        self.offset += used
        self._tail = data[: len(self._tail) + used][-_TAIL_BYTES:]
        self.has_more = used > 0 and self.offset < size
        lines = rest[:used].splitlines()
        if lines and not self._first_row:
            self._first_row = lines[0]
            is_comparable = not self.HAS_HEADER or self._before[0] == self._first_line
            if is_comparable and self._before[1] != self._first_row:
                self._skip = self._lines = 0  # other points, not the same ones once more
        skipped = min(self._skip, len(lines))
        self._skip -= skipped
        self._lines += len(lines) - skipped
        return self.parse(lines[skipped:])

    def _start_anew(self) -> None:
        self._skip, self._before = self._lines, (self._first_line, self._first_row)
        self.offset, self._tail, self._first_line, self._first_row = 0, b"", b"", b""

    def _rest_size(self, rest: bytes) -> int:
        """Return the size of the text after the last line break if it counts as a line, else 0."""
        return len(rest) if self.has_ended and len(rest) < SLICE_BYTES and self.is_whole(rest) else 0

    def begin(self, line: bytes) -> int:
        """Take the first line of the file; return where the lines with points begin.

        Raises:
            NotMetrics: when the file has no metrics.
        """
        return 0

    def is_whole(self, line: bytes) -> bool:
        """Return whether a line without a line break at its end is certainly complete."""
        return False

    def parse(self, lines: list[bytes]) -> list[Point]:
        """Return the points of complete lines.

        Raises:
            NotMetrics: when the file has no metrics.
        """
        raise NotImplementedError


class TableFile(LineFile):
    """A CSV or TSV file. Empty cells and texts are no points."""

    _error: SourceError | None = None

    def begin(self, line: bytes) -> int:
        """See `LineFile`."""
        text = line.decode("utf-8-sig", "replace")
        self._delimiter = "\t" if self.path.suffix == ".tsv" else max(",;\t", key=text.count)
        try:
            names = [name.strip() for name in next(csv.reader([text], delimiter=self._delimiter), [])]
        except csv.Error:
            raise NotMetrics from None
        self._columns: list[tuple[int, str]] = []
        steps = 0
        if len(names) > _MAX_COLUMNS:
            self.notice = f"Only the first {_MAX_COLUMNS:,} columns are read."
        for place, name in enumerate(names[:_MAX_COLUMNS]):
            if name.lower() in STEP_KEYS:
                name = name.lower()
                steps += 1
            if 0 < len(name) <= MAX_KEY_LENGTH:
                self._columns.append((place, name))
        if not steps or len(self._columns) == steps:
            raise NotMetrics
        if self.path.suffix == ".tsv" and _DVC_FOLDER in str(self.path):
            # DVCLive: a file per metric, whose name is its path.
            metric = str(self.path.with_suffix("")).rpartition(_DVC_FOLDER)[2].replace(os.sep, "/")
            last = self._columns[-1]
            steps_only = [column for column in self._columns if column[1] in STEP_KEYS]
            self._columns = [*steps_only, (last[0], metric)]
        return len(line)

    def parse(self, lines: list[bytes]) -> list[Point]:
        """See `LineFile`."""
        if self._error is not None:
            raise self._error
        text = [line.decode("utf-8", "replace") for line in lines]
        points = []
        try:
            for row in csv.reader(text, delimiter=self._delimiter):
                values = {}
                count = len(row)
                for place, name in self._columns:
                    if place < count and (cell := row[place]) and (value := _number(cell)) is not None:
                        values[name] = value
                if _has_metric(values):
                    points.append(Point(_time_of(values), values))
        except csv.Error as error:
            self._error = SourceError(f"It is not a valid table ({error}), so the rest is not read.")
            if not points:
                raise self._error from None
            self.has_more = True  # what is before it counts; the next call raises
        return points


class JsonLinesFile(LineFile):
    """JSON lines. Objects without a step do not count; nested objects are joined by slashes."""

    HAS_HEADER = False
    _without_step = 0

    def is_whole(self, line: bytes) -> bool:
        """See `LineFile`."""
        try:
            return type(json.loads(line)) is dict
        except (ValueError, RecursionError):
            return False

    def parse(self, lines: list[bytes]) -> list[Point]:
        """See `LineFile`."""
        points = []
        for entry in entries(b"\n".join(lines)):
            values = flat(entry)
            if any(key in values for key in STEP_KEYS):
                if _has_metric(values):
                    points.append(Point(_time_of(values), values))
                self._without_step = -1
            elif self._without_step >= 0:
                self._without_step += 1
                if self._without_step > _TRIED_LINES:
                    raise NotMetrics
        return points


def _has_metric(values: dict[str, Any]) -> bool:
    return any(key not in STEP_KEYS for key in values)


def flat(entry: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, float]:
    """Return the numbers in an object; keys of nested objects are joined by slashes."""
    values: dict[str, float] = {}
    for key, value in entry.items():
        name = prefix + key
        if is_number(value):
            if len(name) <= MAX_KEY_LENGTH:
                values[name] = value
        elif type(value) is dict and depth < 3:
            values |= flat(value, f"{name}/", depth + 1)
    return values


def _number(cell: str) -> float | None:
    try:
        if "_" in cell:
            return None
        cell = cell.strip()
        return int(cell) if cell.isdecimal() and len(cell) < 19 else float(cell)
    except ValueError:
        return None


def _time_of(values: dict[str, float]) -> float | None:
    """Return the time of a point, in epoch seconds, if one of its values is that."""
    for key in _TIMES:
        value = values.get(key)
        if value is not None and _EPOCHS[0] < value < _EPOCHS[1]:
            return value
    return None
