"""The launcher `pyruns` of Hydra, which queues the jobs of a multirun as tasks.

Hydra imports all modules of the namespace package `hydra_plugins` whenever an application starts. Therefore,
this module imports only what the configuration of the launcher needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, make_dataclass
from typing import TYPE_CHECKING, Any, Optional

from hydra.core.config_store import ConfigStore
from hydra.errors import CompactHydraException
from hydra.plugins.launcher import Launcher

from pyruns_jupyter.engine.queue.options import OPTIONS

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


class PyrunsLauncher(Launcher):
    """Queues the jobs of a multirun as tasks of their script."""

    def __init__(self, wait: bool = True, name: str | None = None, **options: Any) -> None:
        """Create the launcher.

        Args:
            wait: whether to wait for the tasks. Otherwise, the launcher returns no results.
            name: the prefix of the names of the tasks. By default, the name of the application.
            options: the run options of the tasks, which `Workspace.run` describes. None is the same as no
                option.
        """
        self._wait, self._name, self._options = wait, name, options

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Store what Hydra gives a launcher."""
        self._context, self._function, self._config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Queue the jobs, and return their results unless `wait` is false.

        Raises:
            CompactHydraException: see the errors of `launch_jobs`.
        """
        from pyruns_jupyter.core.common.errors import PyrunsError
        from pyruns_jupyter.hydra_launcher.launch import Multirun, launch_jobs

        multirun = Multirun(
            self._context, self._function, self._config, self._options, self._name, self._wait
        )
        try:
            return launch_jobs(multirun, job_overrides, initial_job_idx)
        except PyrunsError as error:
            raise CompactHydraException(error.message) from error  # shown without a traceback


# The run options are those of a queueing: each is declared in `QueueOptions` only.
PyrunsLauncherConf = make_dataclass(
    "PyrunsLauncherConf",
    [
        ("_target_", str, field(default=f"{__name__}.{PyrunsLauncher.__name__}")),
        ("wait", bool, field(default=True)),
        ("name", Optional[str], field(default=None)),  # noqa: UP045 - a value at run time
        *((name, Any, field(default=None)) for name in OPTIONS),
    ],
    namespace={"__module__": __name__},  # configurations with it are pickled
)

ConfigStore.instance().store(
    group="hydra/launcher", name="pyruns", node=PyrunsLauncherConf, provider="pyruns_jupyter"
)
