"""Metrics in the text of a log: `loss: 0.12`, `epoch=3 val_acc=0.9`, what progress bars show.

Regular expressions find them (see `metric_patterns`). A step holds for the lines after it, until another one
follows.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.metric_patterns import LogPatterns
from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.downsample import STEP_KEYS

from .base import SLICE_BYTES, FileSource, Point, SourceError

FORMAT = "log"
_LINE_SECONDS = 1.0  # for the expressions of the user in one line
_SLICE_SECONDS = 0.05  # after which the next call continues
_OWN = b"[PYRUNS] "  # the start of our own lines
_MAX_LINE = 4096  # bytes; longer lines do not count
_LINE = re.compile(rb"([^\r\n\x08]*)([\r\n\x08])")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

_TOO_LONG = (
    f"The patterns in log_metrics took more than {_LINE_SECONDS:g} s for a line, so the rest is not read."
)

_PREVIEW_BYTES, _PREVIEW_SECONDS = 4 * 1024 * 1024, 5.0
_ONLY_END = f"Only the last {_PREVIEW_BYTES >> 20} MiB of the log were searched."
_PREVIEW_LINES, _PREVIEW_TEXT, _PREVIEW_METRICS = 100, 300, 200  # the second: characters of a line


class Found(NamedTuple):
    """Numbers in a line. `offset` is where the line begins in the data, `steps` are part of `values`."""

    offset: int
    text: str
    values: dict[str, float]


class LogText(FileSource):
    """The text of a log. Versions of a line that a progress bar redraws count, unless they are the same."""

    def __init__(self, path: Path, offset: int, patterns: LogPatterns, *, is_cut: bool = False) -> None:
        """`is_cut`: whether `offset` is within a line."""
        super().__init__(path, offset)
        self._patterns = patterns
        self._steps: dict[str, float] = {}
        self._redrawn: dict[str, float] | None = None  # what the version before had
        self._is_cut = is_cut
        self.used = 0  # bytes of the data that `lines` has searched

    def parse(self, data: bytes) -> tuple[list[Point], int]:
        """See `FileSource`."""
        points = []
        try:
            for found in self.lines(data):
                steps = {key: value for key, value in found.values.items() if key in STEP_KEYS}
                if "epoch" in steps and steps["epoch"] != self._steps.get("epoch"):
                    self._steps = steps
                else:
                    self._steps |= steps
                if len(steps) < len(found.values):
                    points.append(Point(None, found.values | self._steps))
        except (TimeoutError, MemoryError):
            if not self.used:
                raise SourceError(_TOO_LONG) from None
            # What is before the line counts; the next call raises.
        return points, self.used

    def lines(self, data: bytes) -> Iterator[Found]:
        """Yield the complete lines that have numbers, for a short time.

        Raises:
            TimeoutError, MemoryError: when the expressions take too long or too much memory.
        """
        begin = time.monotonic()
        end = max(data.rfind(one) for one in (b"\n", b"\r", b"\b")) + 1
        is_long = not end and len(data) >= SLICE_BYTES
        self.used = len(data) if is_long else 0
        self._is_cut = self._is_cut or is_long
        for match in _LINE.finditer(data, 0, end):
            line, is_cut, self._is_cut = match[1], self._is_cut, False
            if not line:
                self.used = match.end()
                if match[2] == b"\n":
                    self._redrawn = None
                continue
            values = {}
            if len(line) <= _MAX_LINE and not is_cut and not line.startswith(_OWN):
                text = _COLOURS.sub("", line.decode("utf-8", "replace"))
                values = self._patterns.find(text, time.monotonic() + _LINE_SECONDS)
            if values and values != self._redrawn:
                yield Found(match.start(), text, values)
            self._redrawn = values if match[2] != b"\n" else None
            self.used = match.end()
            if time.monotonic() - begin > _SLICE_SECONDS:
                break


def preview(path: Path, patterns: LogPatterns) -> dict[str, Any]:
    """Return the `LogMetrics` of the last 4 MiB of a log, as far as they are found in 5 s.

    Raises:
        OSError: when it cannot be read.
    """
    metrics: dict[str, dict[str, Any]] = {}
    lines: list[dict[str, Any]] = []
    message: str | None = None
    deadline = time.monotonic() + _PREVIEW_SECONDS
    matched = 0
    with os.fdopen(open_regular(path), "rb", buffering=0) as stream:
        begin = offset = max(0, os.fstat(stream.fileno()).st_size - _PREVIEW_BYTES)
        source = LogText(path, begin, patterns, is_cut=begin > 0)
        while message is None:
            stream.seek(offset)
            data = stream.read(SLICE_BYTES)
            try:
                for found in source.lines(data):
                    matched += 1
                    if len(lines) < _PREVIEW_LINES:
                        at, text = offset + found.offset, found.text[:_PREVIEW_TEXT]
                        lines.append({"offset": at, "text": text, "values": found.values})
                    for key, value in found.values.items():
                        _count(metrics, key, value)
            except (TimeoutError, MemoryError):
                message = _TOO_LONG
                break
            if not source.used:
                break
            offset += source.used
            if time.monotonic() > deadline:
                message = f"The search was stopped after {_PREVIEW_SECONDS:g} s."
    return {
        "metrics": list(metrics.values()),
        "lines": lines,
        "matched": matched,
        "searched": [begin, offset],
        "messages": [one for one in (_ONLY_END if begin else None, message) if one is not None],
    }


def _count(metrics: dict[str, dict[str, Any]], key: str, value: float) -> None:
    metric = metrics.get(key)
    if metric is None:
        if len(metrics) < _PREVIEW_METRICS:
            metrics[key] = {
                "key": key,
                "is_step": key in STEP_KEYS,
                "count": 1,
                "first": value,
                "last": value,
            }
    else:
        metric["count"] += 1
        metric["last"] = value
