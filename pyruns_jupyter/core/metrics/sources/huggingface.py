"""The metrics of the Trainer of Hugging Face: the dictionaries that it prints, and `trainer_state.json`.

The Trainer prints a dictionary per line, `{'loss': 0.5, 'epoch': 1.0}`, with numbers as they are or in
quotes. Each checkpoint has a `trainer_state.json`, whose `log_history` is a list of all dictionaries so far,
with steps.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.downsample import STEP_KEYS

from .base import (
    MAX_KEY_LENGTH,
    SLICE_BYTES,
    STEP,
    FileSource,
    NotMetrics,
    Point,
    Source,
    SourceError,
    is_number,
)

PRINTED_FORMAT, STATE_FORMAT, FAMILY = "printed dictionaries", "Trainer state", "Hugging Face"
_STATE_NAME = "trainer_state.json"
_MAX_STATE = 16 * 1024 * 1024  # bytes; parsed, each of them can take twenty
_MAX_PRINTED = 8 * 1024  # bytes of a dictionary
_IGNORED = ("total_flos",)
_KEY, _NUMBER = rb"'([^'\\\r\n]{1,300})': ", rb"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|-?inf|nan)"
_ITEM = _KEY + rb"(?:'" + _NUMBER + rb"'|" + _NUMBER + rb")"
_PRINTED = rb"\{" + _ITEM + rb"(?:, " + _ITEM + rb")*\}"


def recognizes_state(path: str) -> bool:
    """Return whether a path can be that of the state of a Trainer."""
    return os.path.basename(path) == _STATE_NAME


class PrintedFile(FileSource):
    """A log with printed dictionaries. Those without a step do not count."""

    def parse(self, data: bytes) -> tuple[list[Point], int]:
        """See `FileSource`."""
        points = []
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not end and len(data) >= SLICE_BYTES:
            end = len(data)  # not a line that could have such a dictionary
        printed = re.compile(_PRINTED)  # not at the top: supervisors import this
        at = data.find(b"{'", 0, end)
        while at >= 0:
            found = printed.match(data, at, min(end, at + _MAX_PRINTED))
            if found is not None:
                values = {
                    item[1].decode("utf-8", "replace"): _number(item[2] or item[3])
                    for item in re.finditer(_ITEM, found[0])
                }
                if any(key in values for key in STEP_KEYS) and any(key not in STEP_KEYS for key in values):
                    points.append(Point(None, _kept(values)))
            at = data.find(b"{'", at + 2 if found is None else found.end(), end)
        return points, end


def _number(text: bytes) -> float:
    return int(text) if text.isdigit() and len(text) < 19 else float(text)


class TrainerState(Source):
    """The state of a Trainer in a checkpoint. A later checkpoint has all points of an earlier one."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        super().__init__(path, offset)
        self._stamp: tuple[int, int] | None = None

    def read(self) -> list[Point]:
        """See `Source`. Points are returned anew when the file is written anew."""
        with os.fdopen(open_regular(self.path), "rb") as stream:
            status = os.fstat(stream.fileno())
            stamp = status.st_mtime_ns, status.st_size
            if stamp == self._stamp:
                return []
            if status.st_size > _MAX_STATE:
                raise SourceError(f"It has more than {_MAX_STATE >> 20} MiB, so it is not read.")
            data = stream.read(_MAX_STATE)
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            return []  # it is being written
        self._stamp = stamp
        self.offset = len(data)
        history = content.get("log_history") if isinstance(content, dict) else None
        if not isinstance(history, list):
            raise NotMetrics
        return [Point(None, values) for entry in history if (values := _state_values(entry))]


def _state_values(entry: Any) -> dict[str, float]:
    if not isinstance(entry, dict) or type(entry.get(STEP)) is not int:
        return {}
    values = {
        key: value for key, value in entry.items() if is_number(value) and 0 < len(key) <= MAX_KEY_LENGTH
    }
    if STEP not in values:
        return {}
    return _kept(values)


def _kept(values: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in values.items() if key not in _IGNORED}
