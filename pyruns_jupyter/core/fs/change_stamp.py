"""Detecting that a file has changed since it was read: by its times, size and inode."""

from __future__ import annotations

import os
import time

Signature = int  # a 60-bit hash of the four; thousands of them are kept in memory, where 64 bits take more
UNKNOWN: Signature = 0  # the file has to be read again
_BITS = 2**60 - 1

# A file may change again within the same tick of the file system's clock.
_TICK = 0.05  # s
_COARSE_TICK = 2.0  # s, where times are whole seconds


def signature_of(status: os.stat_result) -> Signature:
    """Return a value that changes when the file does, even if its modification time is set back."""
    return hash((status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)) & _BITS or 1


def tick_of(status: os.stat_result) -> float:
    """Return how long after a change another one may leave the file's times unchanged (s)."""
    return _TICK if status.st_mtime_ns % 1_000_000_000 else _COARSE_TICK


def settled_signature(status: os.stat_result, margin: float = 0.0) -> Signature:
    """Return the signature of a file that is about to be read; `UNKNOWN` if the next change might not show.

    Clocks may differ by up to `margin` (s).
    """
    age = abs(time.time() - status.st_mtime)
    return signature_of(status) if age >= margin + tick_of(status) else UNKNOWN
