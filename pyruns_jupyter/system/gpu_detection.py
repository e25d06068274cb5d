"""Whether this host has GPUs, for processes that must not load a driver."""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

_LIBRARY, _AMD_PACKAGE = "libnvidia-ml.so.1", "amdsmi"
_PACKAGE_PARENT = str(Path(__file__).resolve().parents[2])
_CODE = (
    f"import sys; sys.path.append({_PACKAGE_PARENT!r}); "
    "from pyruns_jupyter.system.gpu import inventory; sys.exit(0 if inventory().gpus else 3)"
)
_TIMEOUT_SECONDS = 10.0
_MAX_AGE_SECONDS = 60.0
_cached: tuple[float, bool] | None = None  # until when (monotonic), and the result


def has_gpus() -> bool:
    """Return whether a driver reports a GPU; cached for a minute. It may block: call it from a thread.

    Without the library of a driver the result is immediate; otherwise another process queries the driver,
    since it may hang.
    """
    global _cached
    if _cached is None or time.monotonic() >= _cached[0]:
        _cached = time.monotonic() + _MAX_AGE_SECONDS, _query()
    return _cached[1]


def _query() -> bool:
    if not has_driver():
        return False
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def has_driver() -> bool:
    """Return whether the library of a driver can be loaded; without one, there are no GPUs. Immediate."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return importlib.util.find_spec(_AMD_PACKAGE) is not None
    return True
