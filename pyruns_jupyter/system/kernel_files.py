"""Reading the small files that a kernel makes at the moment when they are read."""

from __future__ import annotations

import os
from pathlib import Path

_PIECE = 64 * 1024


def read_kernel_file(path: str | Path) -> bytes:
    """Return the content of a file in `/proc` or `/sys`; a file object takes twice as long.

    Raises:
        OSError: if it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = piece = os.read(descriptor, _PIECE)
        while piece:  # the kernel returns a part of a long file at a time
            piece = os.read(descriptor, _PIECE)
            found += piece
        return found
    finally:
        os.close(descriptor)
