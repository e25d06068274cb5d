"""Whether a file is still the one we read: by time of change, size and inode."""

from __future__ import annotations

import os
import time

Signature = int  # 64 bits of the three: thousands are kept, and chance does not make two of them equal
UNKNOWN: Signature = 0  # of a file that has to be looked at again

# A file changed so shortly before it was read may change again within the same tick of the file system's
# clock.
_TICK = 50_000_000  # ns
_COARSE_TICK = 2_000_000_000  # ns, where times are whole seconds


def signature_of(status: os.stat_result) -> Signature:
    """Return what changes when the file does."""
    return hash((status.st_mtime_ns, status.st_size, status.st_ino)) or 1


def settled_signature(status: os.stat_result) -> Signature:
    """Return the signature of a file that is about to be read; `UNKNOWN` when a change soon after might not
    show in it.
    """
    mtime = status.st_mtime_ns
    tick = _TICK if mtime % 1_000_000_000 else _COARSE_TICK
    return signature_of(status) if abs(time.time_ns() - mtime) >= tick else UNKNOWN
