"""What the words of a query mean as numbers, durations and times, and how values are written."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pyruns_jupyter.core.common.timestamps import duration

_DATE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})"
    r"(?:-(?P<day>[0-9]{1,2})"
    r"(?:[T ](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?)?"
)
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
    found = _DATE.fullmatch(text)
    try:
        if found:
            return _moment(found)
        if text.lower() in _DAYS:
            today = datetime.datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
            start = today - datetime.timedelta(days=_DAYS[text.lower()])
            return Moment(start.timestamp(), (start + datetime.timedelta(days=1)).timestamp())
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _moment(found: re.Match[str]) -> Moment:
    year, month = int(found["year"]), int(found["month"])
    if not found["day"]:
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        return Moment(
            datetime.datetime(year, month, 1).timestamp(), datetime.datetime(*following, 1).timestamp()
        )
    start = datetime.datetime(year, month, int(found["day"]))
    if not found["hour"]:
        return Moment(start.timestamp(), (start + datetime.timedelta(days=1)).timestamp())
    start = start.replace(
        hour=int(found["hour"]), minute=int(found["minute"]), second=int(found["second"] or 0)
    )
    if found["zone"]:
        start = start.replace(tzinfo=_zone(found["zone"]))
    seconds = 1 if found["second"] else 60
    return Moment(start.timestamp(), start.timestamp() + seconds)


def _zone(text: str) -> datetime.timezone:
    if text == "Z":
        return datetime.timezone.utc
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return datetime.timezone(datetime.timedelta(minutes=-minutes if text[0] == "-" else minutes))


def measure(text: str) -> float | None:
    """Return the number, or the seconds of the duration, that a text is; None when it is neither."""
    found = number(text)
    return duration(text) if found is None else found


def is_measure(text: str) -> bool:
    """Tell whether a text is something that can be larger or smaller: a number, a duration or a time."""
    return measure(text) is not None or moment(text, 0.0) is not None
