"""What a queueing asks for where it is to run: its options completed by the settings of the project."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace

from pyruns_jupyter.core.common.byte_sizes import slurm_size
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue.option_effects import EXECUTOR_OPTIONS, check_effects
from pyruns_jupyter.engine.queue.options import QueueOptions

from .slurm import COMMANDS

_END_SECONDS = 60.0  # more than its own time limit, so that a run ends before the cluster ends it


def resolve_options(
    options: QueueOptions, settings: Settings, workspace: str, environment: Mapping[str, str]
) -> QueueOptions:
    """Return the options of a queueing of tasks of a workspace as they are stored, with their engine.

    Raises:
        InvalidInput: when they ask for what the engine has not got, or it cannot be used from here.
    """
    engine, usual = settings.cluster.of(workspace)
    engine = options.engine or engine
    check_effects(options, engine, EXECUTOR_OPTIONS)
    if engine == LOCAL:
        return options
    missing = [name for name in COMMANDS if shutil.which(name, path=environment.get("PATH")) is None]
    if missing:
        raise InvalidInput(
            f"engine: {engine} needs {', '.join(missing)} on the PATH: this machine does not seem to be one "
            "that submits to a cluster.",
            field="engine",
        )
    own = options.cluster
    if options.gpus is not None:
        own = replace(own, gpus=str(options.gpus))
    if options.memory is not None:
        own = replace(own, memory=slurm_size(options.memory))
    need = own.over(usual)
    if options.time_limit is not None and own.time is None:
        grace = settings.stop_grace_seconds if options.grace is None else options.grace
        need = replace(need, time=options.time_limit + grace + _END_SECONDS)
    resume = options.resume
    if resume is None and "resume" not in settings.values:
        resume = True  # as clusters do with jobs, unless they are told not to
    return replace(options, engine=engine, cluster=need, resume=resume)


def engine_of(settings: Settings, workspace: str, engine: object) -> str:
    """Return the engine of a queueing that names `engine`, or none."""
    return str(engine) if engine else settings.cluster.of(workspace)[0]
