"""A time limit for parsing text, since text of requests and projects can be made expensive to parse.

Loops whose length depends on such text call `check_time`, which does nothing without a limit. The time is the
CPU time of the thread, so that a busy machine does not reject what takes a moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import InvalidInput

_limit: ContextVar[tuple[float, float]] = ContextVar("limit", default=(float("inf"), 0.0))


class TookTooLong(InvalidInput):
    """Parsing a configuration has exceeded the time limit."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let `check_time` raise once the `with` block has taken `seconds`; the limit of an outer block remains
    valid.
    """
    token = _limit.set(min(_limit.get(), (time.thread_time() + seconds, seconds)))
    try:
        yield
    finally:
        _limit.reset(token)


def check_time() -> None:
    """Check that the time limit of this thread, if there is one, is not exceeded.

    Raises:
        TookTooLong: if it is.
    """
    deadline, seconds = _limit.get()
    if time.thread_time() > deadline:
        raise TookTooLong(
            f"Parsing this configuration takes longer than {seconds:g} s. Sweep fewer values, or use fewer "
            "keys.",
            field="yaml",
        )
