"""The metrics of a task: those of its script, and system metrics."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.metrics.read import run_metrics
from pyruns_jupyter.core.metrics.system_metrics import read_system, run_summary
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo

from .tables import TaskRun, count_text


class TaskMetrics(ABC):
    """The metrics of the runs of a task."""

    @property
    @abstractmethod
    def info(self) -> TaskInfo:
        """The content of the task file."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the task."""

    @property
    @abstractmethod
    def runs(self) -> list[TaskRun]:
        """All runs of the task, the oldest first."""

    @property
    @abstractmethod
    def _paths(self) -> TaskPaths: ...

    @abstractmethod
    def _latest(self) -> int: ...

    def tracks(self, run: int | None = None) -> dict[str, list[Any]]:
        """Return the tracked metrics of a run. The run may still be active.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Returns:
            The values of each metric by name, in the order in which they were tracked. This includes step
            metrics and times.

        Raises:
            NotFound: if the run does not exist.
        """
        return self._metrics(run)[1]

    def records(self, run: int | None = None) -> dict[str, Any]:
        """Return the recorded metrics of a run. The run may still be active.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Returns:
            The last recorded value of each metric by name.

        Raises:
            NotFound: if the run does not exist.
        """
        return self._metrics(run)[0]

    def system_metrics(self, run: int | None = None) -> dict[str, list[float | None]]:
        """Return the system metrics of a run: CPU, memory, disk and GPUs of its processes, and the network of
        the host. The run may still be active. A run of less than a second has none.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Returns:
            The values of each metric by name, such as `cpu_percent` (100 is one core), `memory_gib` or
            `gpu0_utilization_percent`; None where a value is missing. `time` are the times at which the
            intervals of the values end, in seconds since the epoch.
        """
        found = read_system(self._paths.system(run or self._latest()))
        return {"time": [*found.times], **found.values} if found.times else {}

    def system_summary(self, run: int | None = None) -> dict[str, float]:
        """Return the summary of the system metrics of a finished run.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Returns:
            The known values by name: `cpu_percent` and `gpu_utilization_percent` (means), `cpu_percent_max`,
            `memory_gib_max`, `gpu_hours`, `energy_kwh` (of the GPUs) and others; see the disk format.

        Raises:
            NotFound: if the run does not exist.
        """
        found = self._run(run)
        return {} if found is None else run_summary(self.info, found)

    def _metrics(self, run: int | None) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        found = self._run(run)
        if found is None:
            return {}, {}
        records, tracks, messages = run_metrics(self.info, found, self._paths)
        for message in messages:
            warnings.warn(message, RuntimeWarning, stacklevel=3)
        return records, tracks

    def _run(self, run: int | None) -> TaskRun | None:
        """Return a run, by default the latest one; None without runs."""
        history = self.runs
        index = run or len(history)
        if not history and run is None:
            return None
        if not 1 <= index <= len(history):
            count = count_text(len(history), "run")
            raise NotFound(f"The task {self.name!r} has no run {index}. It has {count}.")
        return history[index - 1]
