"""For how long the notebooks that hold GPUs have been idle, as this server's kernels tell."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ..system.samples import GpuProcess, Sample


class Kernels:
    """The kernels of this server."""

    def __init__(self, manager: Any) -> None:
        """`manager` is the server's kernel manager."""
        self._manager = manager

    def labelled(self, sample: Sample) -> Sample:
        """Return a sample in which the kernels among the processes of GPUs say for how long they are idle."""
        if not any(process["kernel"] for gpu in sample["gpus"] for process in gpu["processes"]):
            return sample
        gpus = [
            {**gpu, "processes": [self._labelled(process) for process in gpu["processes"]]}
            for gpu in sample["gpus"]
        ]
        return {**sample, "gpus": gpus}  # type: ignore[typeddict-item]  # `**` forgets the types

    def _labelled(self, process: GpuProcess) -> GpuProcess:
        kernel = process["kernel"]
        if kernel is None or kernel not in self._manager:
            return process
        found = self._manager.get_kernel(kernel)
        since = getattr(found, "last_activity", None)
        if since is None or getattr(found, "execution_state", None) != "idle":
            return process
        idle = (datetime.now(timezone.utc) - since).total_seconds()
        return {**process, "idle": max(0.0, round(idle, 1))}
