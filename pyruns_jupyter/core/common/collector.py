"""Python's garbage collector, which looks again and again at what is only being made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Collect no garbage inside the block, in any thread of the process."""
    if not gc.isenabled():  # another block enables it
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
