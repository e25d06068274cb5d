"""How long the notebook kernels of this server that use GPUs have been idle."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ..system.samples import GpuProcess, Sample


def with_idle_times(sample: Sample, manager: Any) -> Sample:
    """Return a sample with the idle times (s) of the kernels among the processes of GPUs.

    `manager` is the server's kernel manager.
    """
    if not any(process["kernel"] for gpu in sample["gpus"] for process in gpu["processes"]):
        return sample
    gpus = [
        {**gpu, "processes": [_with_idle_time(process, manager) for process in gpu["processes"]]}
        for gpu in sample["gpus"]
    ]
    return {**sample, "gpus": gpus}  # type: ignore[typeddict-item]  # `**` loses the types


def _with_idle_time(process: GpuProcess, manager: Any) -> GpuProcess:
    kernel = process["kernel"]
    if kernel is None or kernel not in manager:
        return process
    found = manager.get_kernel(kernel)
    since = getattr(found, "last_activity", None)
    if since is None or getattr(found, "execution_state", None) != "idle":
        return process
    idle = (datetime.now(timezone.utc) - since).total_seconds()
    return {**process, "idle": max(0.0, round(idle, 1))}
