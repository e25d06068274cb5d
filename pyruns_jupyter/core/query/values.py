"""What the words of a query mean as numbers, durations and times, and how values are written."""

from __future__ import annotations

import datetime
from calendar import monthrange
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pyruns_jupyter.core.common.timestamps import duration

# Formats of points in time, with the stretch that each of them names; of a month it depends on the month.
_FORMATS = {
    "%Y-%m": None,
    "%Y-%m-%d": datetime.timedelta(days=1),
    "%Y-%m-%dT%H:%M": datetime.timedelta(minutes=1),
    "%Y-%m-%dT%H:%M%z": datetime.timedelta(minutes=1),
    "%Y-%m-%dT%H:%M:%S": datetime.timedelta(seconds=1),
    "%Y-%m-%dT%H:%M:%S%z": datetime.timedelta(seconds=1),
}
_DAYS = {"today": 0, "yesterday": 1}


@dataclass(frozen=True)
class Moment:
    """A stretch of time that a word names (a month, a day, a minute), in epoch seconds, the end excluded."""

    start: float
    end: float


def value_text(value: Any) -> str:
    """Return a swept value or figure as people write it in a query."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)


@lru_cache(maxsize=4096)
def number(text: str) -> float | None:
    """Return the number that a text is (`3`, `1e-4`, `inf`, `nan`), None when it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def moment(text: str, now: float) -> Moment | None:
    """Return the time that `2026-11`, `2026-11-01`, `2026-11-01T12:30` or `today` names, else None.

    Times are local unless they end in `Z` or an offset.
    """
    if text.lower() in _DAYS:
        today = datetime.datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return _stretch(today - datetime.timedelta(days=_DAYS[text.lower()]), datetime.timedelta(days=1))
    for form, length in _FORMATS.items() if text[:1].isdecimal() else ():
        with suppress(ValueError, OverflowError, OSError):
            start = datetime.datetime.strptime(text.replace(" ", "T", 1), form)
            return _stretch(start, length or datetime.timedelta(days=monthrange(start.year, start.month)[1]))
    return None


def _stretch(start: datetime.datetime, length: datetime.timedelta) -> Moment:
    return Moment(start.timestamp(), (start + length).timestamp())


def measure(text: str) -> float | None:
    """Return the number, or the seconds of the duration, that a text is; None when it is neither."""
    found = number(text)
    return duration(text) if found is None else found


def is_measure(text: str) -> bool:
    """Return whether a text is something that can be larger or smaller: a number, a duration or a time."""
    return measure(text) is not None or moment(text, 0.0) is not None
