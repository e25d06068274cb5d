"""What a supervisor observes of a run: metrics of other packages, alerts, system metrics and stacks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.visibility import visible_words
from pyruns_jupyter.engine.queue.jobs import Job

from .command import RunCommand
from .metric_import import MetricImport
from .run_alerts import RunAlerts
from .run_stacks import RunStacks
from .system_sampling import SystemSampling
from .wake_times import next_wake

_MAX_SECONDS = 5.0  # between two looks: each takes processor time from the run
_AGE_SHARE = 1 / 20  # of the run's time between two looks, up to that


class Observation:
    """Observes one run."""

    def __init__(
        self,
        job: Job,
        paths: Callable[[], TaskPaths],
        run: int,
        command: RunCommand,
        settings: Settings,
        write: Callable[[bytes], object],
    ) -> None:
        """`paths` returns where the task is now, `write` appends a line to the log. To be called before the
        command is started.
        """
        patterns = settings.log_patterns.of(job.workspace)
        rules = (*settings.alert_rules(job.workspace), *job.options.alerts)
        visible = visible_words(command.environment)
        self.metrics = MetricImport(job, paths, run, command.workdir, patterns)
        self.alerts = RunAlerts(rules, paths, run, write)
        self._system = SystemSampling(job, paths, run, visible, is_enabled=settings.system_metrics)
        self._stacks = RunStacks(paths, run, command, settings.silent_after_minutes)
        self._began = self._looked_at = self._look_at = time.monotonic()

    @property
    def has_more(self) -> bool:
        """Whether more can be read at once."""
        return min(self.metrics.due, self.alerts.due) <= self._looked_at

    def beat(self, now: float, quiet_since: float, stacks_requested_at: float) -> bool:
        """Do what is due, for a short time; return whether an alert rule stops the run. There was no output
        since `quiet_since`. Stacks were last requested at `stacks_requested_at` (epoch seconds).
        """
        self._stacks.beat(now, quiet_since, stacks_requested_at)
        is_early = now < self._look_at and not self.has_more
        if is_early and not self.alerts.is_silent_too_long(now, quiet_since):
            return False
        with suppress(Exception):  # when a run ends, an update may have replaced the package
            from . import stack_dump  # noqa: F401

        self._looked_at = now
        self._look_at = min(next_wake(now, _MAX_SECONDS), now + (now - self._began) * _AGE_SHARE)
        self._system.beat(now)
        self.metrics.beat(now)
        return self.alerts.beat(now, quiet_since)

    def finish(self, pid: int | None) -> None:
        """Read and store the rest. The run has ended; `pid` is its first process."""
        self._stacks.finish()
        self._system.finish()
        self.metrics.finish(pid)
        self.alerts.finish()
