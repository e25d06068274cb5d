"""Times as the task file stores them: local time without a zone, `%Y-%m-%d_%H-%M-%S`."""

from __future__ import annotations

import time
from datetime import datetime

STAMP_FORMAT = "%Y-%m-%d_%H-%M-%S"


def stamp(epoch: float | None = None) -> str:
    """Return the stamp of `epoch` seconds, by default of now."""
    return time.strftime(STAMP_FORMAT, time.localtime(epoch))


def parse_stamp(text: object) -> float | None:
    """Return the epoch seconds of a stamp in this machine's zone; None when it is not one."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return datetime.strptime(text, STAMP_FORMAT).timestamp()
    except (ValueError, OverflowError, OSError):  # no stamp, or a time that this system cannot count
        return None
