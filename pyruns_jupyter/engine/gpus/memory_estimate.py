"""How much GPU memory the tasks of a workspace need, from what their runs have used."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import scan_tasks

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

PEAK = "gpu_memory_peak_mb"  # in `run_environments`: MiB by the UUID of each GPU
_MARGIN = 1.1  # a look a second may miss the very peak


def memory_need(workspace: WorkspaceFolder) -> float | None:
    """Return the GiB that a run needs of each GPU: a tenth more than any completed run has used.

    None when none was measured.
    """
    most = 0.0
    for _, folder in scan_tasks(workspace.tasks):
        try:
            info = read_task(Path(folder))
        except (PyrunsError, OSError):
            continue
        for run in runs.runs(info):
            if run.status == runs.COMPLETED:
                most = max(most, _peak(run.environment))
    return math.ceil(most * _MARGIN / 1024 * 10) / 10 if most else None


def _peak(environment: dict[str, Any]) -> float:
    found = environment.get(PEAK)
    values = found.values() if isinstance(found, dict) else ()
    numbers = (value for value in values if type(value) in (int, float) and 0 <= value < 1e12)
    return float(max(numbers, default=0.0))
