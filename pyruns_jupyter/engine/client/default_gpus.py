"""How many GPUs the tasks of a workspace get unless their batch says something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.request import gpu_count
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.system.gpupresence import has_gpus

from .batch_options import executor_of

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_HIDDEN = ("", "-1", "none", "void", "nodevfiles")  # values that hide every GPU


@dataclass(frozen=True)
class DefaultGpus:
    """How many GPUs a task gets; `framework` is what its script imports, where that is the reason."""

    count: int = 0
    framework: str = ""


def default_gpus(
    workspace: WorkspaceFolder, settings: Settings, environment: Mapping[str, str]
) -> DefaultGpus:
    """Return the GPUs that tasks get whose batch asks for none; `environment` is that of who queues them.

    With `default_gpus: auto` a script or notebook that imports a GPU framework gets one where the host has
    GPUs. A user who chooses or hides GPUs with CUDA_VISIBLE_DEVICES in the settings, or hides all of them
    from the front end, has decided already.
    """
    count = gpu_count(QueueOptions(), settings)
    script = workspace.script
    if count or settings.default_gpus is not None or script is None or _VISIBLE in settings.global_env:
        return DefaultGpus(count)
    if environment.get(_VISIBLE, "all").strip().lower() in _HIDDEN:
        return DefaultGpus()
    # Loaded by those that queue, not by the scheduler.
    from pyruns_jupyter.core.scripts.frameworks import imported_framework

    framework = imported_framework(script, workspace.within)
    return DefaultGpus(1, framework) if framework and has_gpus() else DefaultGpus()


def with_default_gpus(
    options: QueueOptions,
    workspace: WorkspaceFolder,
    names: Iterable[str],
    settings: Settings,
    environment: Mapping[str, str],
) -> QueueOptions:
    """Return the options of a batch of the tasks `names` with the GPUs that they get by default."""
    if options.gpus is not None or executor_of(settings, workspace.name, options.engine) != LOCAL:
        return options
    if gpu_count(options, settings):
        return options
    usual = default_gpus(workspace, settings, environment)
    if not usual.count or any(_chooses(workspace, name) for name in names):
        return options
    return replace(options, gpus=usual.count)


def _chooses(workspace: WorkspaceFolder, name: str) -> bool:
    """Return whether a task has CUDA_VISIBLE_DEVICES in its own environment."""
    try:
        variables = read_task(workspace.paths(name).folder).get("env")
    except (PyrunsError, OSError):
        return False
    return isinstance(variables, dict) and _VISIBLE in variables
