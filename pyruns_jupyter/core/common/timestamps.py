"""Times in the format of task files (local time without a zone: `%Y-%m-%d_%H-%M-%S`); durations as text."""

from __future__ import annotations

import re
import time
from datetime import datetime
from functools import lru_cache

STAMP_FORMAT = "%Y-%m-%d_%H-%M-%S"
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)-(\d\d)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|min|sec|[smhdw]))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|min|sec|[smhdw])")


def stamp(epoch: float | None = None) -> str:
    """Return the time stamp of `epoch` seconds, by default of the current time."""
    return time.strftime(STAMP_FORMAT, time.localtime(epoch))


def parse_stamp(text: object) -> float | None:
    """Return the epoch seconds of a time stamp in this machine's zone; None if it is not one."""
    return _parse(text) if isinstance(text, str) and text else None


@lru_cache(maxsize=4096)  # tasks of a sweep have the same ones
def _parse(text: str) -> float | None:
    usual = _STAMP.fullmatch(text)
    try:
        if usual:  # several times faster
            return datetime(*map(int, usual.groups())).timestamp()  # type: ignore[arg-type]
        return datetime.strptime(text, STAMP_FORMAT).timestamp()
    except (ValueError, OverflowError, OSError):  # not a time stamp, or out of the range of this system
        return None


def duration(text: str) -> float | None:
    """Return the seconds of `90s`, `10m`, `1h30m`, `2d` or `1w`, None if it is not a duration."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text))


def duration_text(seconds: float | None) -> str:
    """Return a duration as text: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
