"""Whether a file is still the one we read: by its times of change, size and inode."""

from __future__ import annotations

import os
import time

Signature = int  # 64 bits of the four: thousands are kept, and chance does not make two of them equal
UNKNOWN: Signature = 0  # of a file that has to be looked at again

# A file may change again within the same tick of the file system's clock.
_TICK = 0.05  # s
_COARSE_TICK = 2.0  # s, where times are whole seconds


def signature_of(status: os.stat_result) -> Signature:
    """Return what changes when the file does, also when its time of modification is set back."""
    return hash((status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)) or 1


def tick_of(status: os.stat_result) -> float:
    """Return how long after one change the next one may leave the file's times as they are (s)."""
    return _TICK if status.st_mtime_ns % 1_000_000_000 else _COARSE_TICK


def settled_signature(status: os.stat_result, margin: float = 0.0) -> Signature:
    """Return the signature of a file that is about to be read; `UNKNOWN` when a change soon after might not
    show in it, by clocks that differ by up to `margin` (s).
    """
    age = abs(time.time() - status.st_mtime)
    return signature_of(status) if age >= margin + tick_of(status) else UNKNOWN
