"""Read words of a query as numbers, durations and times, and write values."""

from __future__ import annotations

import datetime
from contextlib import suppress
from functools import lru_cache
from typing import Any

from msgspec import Struct

from pyruns_jupyter.core.common.timestamps import duration

# Formats of times with the length of the period that they name; that of a month depends on the month.
_FORMATS = {
    "%Y-%m": None,
    "%Y-%m-%d": datetime.timedelta(days=1),
    "%Y-%m-%dT%H:%M": datetime.timedelta(minutes=1),
    "%Y-%m-%dT%H:%M%z": datetime.timedelta(minutes=1),
    "%Y-%m-%dT%H:%M:%S": datetime.timedelta(seconds=1),
    "%Y-%m-%dT%H:%M:%S%z": datetime.timedelta(seconds=1),
}
_DAYS = {"today": 0, "yesterday": 1}


class Moment(Struct, frozen=True):
    """The period that a word names (a month, a day, a minute), in epoch seconds, end excluded."""

    start: float
    end: float


def value_text(value: Any) -> str:
    """Return a parameter or a metric as it is written in a query."""
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
    """Return the number of a text (`3`, `1e-4`, `inf`, `nan`), None when it is not a number."""
    try:
        return float(text)
    except ValueError:
        return None


def moment(text: str, now: float) -> Moment | None:
    """Return the period of `2026-11`, `2026-11-01`, `2026-11-01T12:30` or `today`; None for other texts.

    Times are local unless they end with `Z` or an offset.
    """
    if text.lower() in _DAYS:
        today = datetime.datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return _period(today - datetime.timedelta(days=_DAYS[text.lower()]), datetime.timedelta(days=1))
    from calendar import monthrange  # slow to import, and few queries have dates

    for form, length in _FORMATS.items() if text[:1].isdecimal() else ():
        with suppress(ValueError, OverflowError, OSError):
            start = datetime.datetime.strptime(text.replace(" ", "T", 1), form)
            return _period(start, length or datetime.timedelta(days=monthrange(start.year, start.month)[1]))
    return None


def _period(start: datetime.datetime, length: datetime.timedelta) -> Moment:
    return Moment(start.timestamp(), (start + length).timestamp())


def measure(text: str) -> float | None:
    """Return the number or the seconds of a duration; None for other texts."""
    found = number(text)
    return duration(text) if found is None else found


def is_measure(text: str) -> bool:
    """Return whether a text is a number, a duration or a time."""
    return measure(text) is not None or moment(text, 0.0) is not None
