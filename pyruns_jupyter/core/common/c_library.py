"""The C library, for what Python has no function for."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes  # slow to import, and few commands need it


@cache
def c_library() -> ctypes.CDLL:
    """Return the C library of this process."""
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, path: Path | str = "") -> int:
    """Return the result of a C function.

    Raises:
        OSError: if it is negative, with the `errno` of the function.
    """
    if result < 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return result
