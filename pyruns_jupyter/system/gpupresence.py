"""Whether this host has NVIDIA GPUs, for a process that must not wait for their driver."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from pathlib import Path

_LIBRARY = "libnvidia-ml.so.1"
_PACKAGE_PARENT = str(Path(__file__).resolve().parents[2])
_CODE = (
    f"import sys; sys.path.append({_PACKAGE_PARENT!r}); "
    "from pyruns_jupyter.system.gpu import inventory; sys.exit(0 if inventory().gpus else 3)"
)
_ANSWER_SECONDS = 10.0
_KNOWN_SECONDS = 60.0
_known: tuple[float, bool] | None = None  # until when (monotonic), and what


def has_gpus() -> bool:
    """Return whether the driver shows a GPU; known for a minute. It may block: call it from a thread.

    Without the driver's library this is known at once. Another process asks the driver, which may hang.
    """
    global _known
    if _known is None or time.monotonic() >= _known[0]:
        _known = time.monotonic() + _KNOWN_SECONDS, _ask()
    return _known[1]


def _ask() -> bool:
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
