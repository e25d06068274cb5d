"""A limit on the time that reading a text may take: texts of requests and projects can be made to cost much.

Loops whose length depends on such a text call `check_time`; without a limit that does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import InvalidInput

_limit: ContextVar[tuple[float, float]] = ContextVar("limit", default=(float("inf"), 0.0))


class TookTooLong(InvalidInput):
    """A configuration takes longer to read than it may."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let `check_time` raise once the `with` block has taken `seconds`; the limit of a block around it stays
    in force.
    """
    token = _limit.set(min(_limit.get(), (time.monotonic() + seconds, seconds)))
    try:
        yield
    finally:
        _limit.reset(token)


def check_time() -> None:
    """Check that the limit of this thread, if there is one, has not passed.

    Raises:
        TookTooLong: when it has.
    """
    deadline, seconds = _limit.get()
    if time.monotonic() > deadline:
        raise TookTooLong(
            f"This configuration takes longer than {seconds:g} s to read. Sweep fewer values, or give it "
            "fewer keys.",
            field="yaml",
        )
