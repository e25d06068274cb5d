"""Running tasks that have fallen silent: neither output nor points for a while."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pyruns_jupyter.core.metrics.peer_tracks import STORE_NAME
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS, journal_name, log_name
from pyruns_jupyter.core.taskfile.runs import Run
from pyruns_jupyter.core.workspace.settings import Settings


def stalled_seconds(root: Path, folder: Path | str, run: Run) -> float | None:
    """Return when run `run` of the task in `folder` last wrote output or told a point (epoch, s), if that is
    longer ago than `silent_after_minutes` of the project `root` (the `_pyruns_` folder); else None.

    Points that the other program puts into the task file itself are no sign: that file is written for other
    reasons too. A file server's clock may differ from ours: then this is some seconds early or late.
    """
    patience = 60 * Settings.load(root).silent_after_minutes
    if not patience:
        return None
    last = run.started_at or 0.0
    signs = [f"{RUN_LOGS}/{log_name(run.index)}", f"{RUN_LOGS}/{journal_name(run.index)}"]
    for name in (*signs, STORE_NAME, f"{STORE_NAME}-wal"):
        try:
            last = max(last, os.stat(f"{folder}/{name}").st_mtime)
        except OSError:
            continue
    return last if last and time.time() - last > patience else None
