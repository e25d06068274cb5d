"""Memory while many objects are made at once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .c_library import c_library

_MANY = 10_000  # objects; fewer leave little free memory behind


@contextmanager
def paused_collector() -> Iterator[None]:
    """Collect no garbage inside the block, in any thread of the process: the collector would look again and
    again at what is only being made.
    """
    if not gc.isenabled():  # another block enables it
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def release_free_memory(made: int) -> None:
    """Give free memory back to the system after `made` objects were made: the C library of Linux would keep
    most of what was needed meanwhile.

    Source: malloc_trim(3).
    """
    if made >= _MANY and sys.platform == "linux" and hasattr(c_library(), "malloc_trim"):  # not in musl
        c_library().malloc_trim(0)
