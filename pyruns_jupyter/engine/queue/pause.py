"""Pausing the queue of a project: a file `_pyruns_/.engine/paused`. What runs goes on; nothing is started."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.atomic import dump_json, write_atomic
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import claim_engine

from .launch import ensure_running, wake


def pause(root: Path) -> bool:
    """Start nothing more in the project whose `_pyruns_` folder is `root`; tell whether it was not paused.

    Raises:
        OSError: when that cannot be written.
    """
    paths = EnginePaths(root)
    if is_paused(root):
        return False
    claim_engine(root)
    write_atomic(paths.paused, dump_json({"paused_at": time.time(), "host": host_name()}))
    wake(paths)
    return True


def resume(root: Path) -> bool:
    """Go on with the queue; tell whether it was paused.

    Raises:
        OSError: when the file cannot be removed.
    """
    paths = EnginePaths(root)
    if not is_paused(root):
        return False
    claim_engine(root)
    paths.paused.unlink(missing_ok=True)
    wake(paths)
    ensure_running(root)
    return True


def is_paused(root: Path) -> bool:
    """Tell whether the queue of a project is paused."""
    return os.path.lexists(EnginePaths(root).paused)
