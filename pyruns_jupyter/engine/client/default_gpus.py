"""The number of GPUs that tasks of a workspace get by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.request import gpu_count
from pyruns_jupyter.engine.gpus.visibility import VARIABLES, chosen_by, hides_all
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.system.gpu_detection import has_driver, has_gpus

from .batch_options import executor_of

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


class DefaultGpus(Struct, frozen=True):
    """The number of GPUs of a task, and the framework that its script imports if that is the reason."""

    count: int = 0
    framework: str = ""


def default_gpus(
    workspace: WorkspaceFolder, settings: Settings, environment: Mapping[str, str]
) -> DefaultGpus:
    """Return the default GPUs of tasks; `environment` is that of the front end that queues them.

    With `default_gpus: auto` a script or notebook that imports a GPU framework gets one GPU if the host has
    any. This does not apply if the settings have a variable such as CUDA_VISIBLE_DEVICES, or if one hides all
    GPUs from the front end.
    """
    count = gpu_count(QueueOptions(), settings)
    script = workspace.script
    if count or settings.default_gpus is not None or script is None or chosen_by(settings.global_env):
        return DefaultGpus(count)
    if hides_all(environment) or not has_driver():
        return DefaultGpus()
    # Imported here: slow, and most hosts have no GPUs.
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
    """Return the options of a batch of the tasks `names` with their default number of GPUs."""
    if options.gpus is not None or executor_of(settings, workspace.name, options.engine) != LOCAL:
        return options
    if gpu_count(options, settings):
        return options
    usual = default_gpus(workspace, settings, environment)
    if not usual.count or any(_chooses(workspace, name) for name in names):
        return options
    return replace(options, gpus=usual.count)


def _chooses(workspace: WorkspaceFolder, name: str) -> bool:
    """Return whether a task has a variable that chooses GPUs in its own environment."""
    try:
        variables = read_task(workspace.paths(name).folder).get("env")
    except (PyrunsError, OSError):
        return False
    return isinstance(variables, dict) and not variables.keys().isdisjoint(VARIABLES)
