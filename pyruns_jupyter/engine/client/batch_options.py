"""The options of a batch: parsing those of the user, and completing them for the executor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pyruns_jupyter.core.common.byte_sizes import slurm_size
from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, shown
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL, SLURM
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, scan_tasks
from pyruns_jupyter.engine.cluster.base import cluster_of
from pyruns_jupyter.engine.gpus.request import PEAK
from pyruns_jupyter.engine.memory.reservations import check_memory
from pyruns_jupyter.engine.queue.options import EXECUTOR_OPTIONS, MAX_JOBS, OPTIONS, After, QueueOptions

_MARGIN = 1.1  # one measurement per second may miss the peak
_END_SECONDS = 60.0  # added to the time limit of a run for that of its job, so that the run ends first


def parse_options(
    workspace: WorkspaceFolder, given: Mapping[str, object], settings: Settings | None = None
) -> QueueOptions:
    """Return the options that a user gave (see `OPTIONS`) for a batch of tasks of `workspace`.

    Times are seconds or texts such as `10m`; `gpu_memory` is GiB or `auto` (the peak of completed runs plus
    10 %), `memory` an amount such as `16G`, `cluster` a mapping of the resources of a job. `after` and
    `after_any` are names of tasks, `workspace/task` for those of another workspace of the project.

    Raises:
        InvalidInput: if one is not valid or would have no effect, with it as `field`.
    """
    settings = settings or Settings.load(workspace.root)
    unknown = given.keys() - OPTIONS.keys()
    if unknown:
        raise InvalidInput(
            f"Unknown run option {shown(min(unknown))}. Valid options: {', '.join(OPTIONS)}.",
            field=min(unknown),
        )
    if given.get("gpu_memory") == "auto":
        given = {**given, "gpu_memory": _measured_gpu_memory(workspace)}
    known: dict[str, Any] = {key: OPTIONS[key].kind.parse(key, value) for key, value in given.items()}
    executor = executor_of(settings, workspace.name, known.get("engine"))
    if known.get("memory") is not None and executor == LOCAL:
        check_memory(known["memory"])
    if "jobs" not in known and executor != LOCAL:
        known["jobs"] = MAX_JOBS  # the cluster has its own limits
    names = [(name, True) for name in known.get("after", ())]
    names += [(name, False) for name in known.pop("after_any", ())]
    known["after"] = tuple(_after(workspace.name, name, ok) for name, ok in names)
    options = QueueOptions(**known).check()
    options.check_effects(executor, given.keys())
    return options


def _measured_gpu_memory(workspace: WorkspaceFolder) -> float:
    """Return the GiB that a run needs of each GPU: the peak of all completed runs plus 10 %."""
    most = 0.0
    for _, folder in scan_tasks(workspace.tasks):
        try:
            info = read_task(Path(folder))
        except (PyrunsError, OSError):
            continue
        for run in runs.runs(info):
            if run.status == runs.COMPLETED:
                most = max(most, _peak(run.environment))
    if not most:
        raise InvalidInput(
            "gpu_memory cannot be 'auto' because no completed run in this workspace has used a GPU. "
            "Enter the GPU memory in GiB.",
            field="gpu_memory",
        )
    return math.ceil(most * _MARGIN / 1024 * 10) / 10


def _peak(environment: dict[str, Any]) -> float:
    found = environment.get(PEAK)
    values = found.values() if isinstance(found, dict) else ()
    numbers = (value for value in values if type(value) in (int, float) and 0 <= value < 1e12)
    return float(max(numbers, default=0.0))


def _after(workspace: str, name: str, ok: bool) -> After:
    place, _, task = name.rpartition("/")
    return After(place or workspace, task, ok)


def executor_of(settings: Settings, workspace: str, executor: object) -> str:
    """Return the executor of a batch whose options have `executor`, or None."""
    return str(executor) if executor else settings.cluster.of(workspace)[0]


def resolve_options(
    options: QueueOptions, settings: Settings, workspace: str, environment: Mapping[str, str]
) -> QueueOptions:
    """Return the options of a batch of tasks of a workspace as they are stored, completed by the settings.

    Raises:
        InvalidInput: if one has no effect with the executor, or the executor cannot be used on this machine.
    """
    engine, usual = settings.cluster.of(workspace, options.engine)
    options.check_effects(engine, EXECUTOR_OPTIONS)
    if engine == LOCAL:
        return options
    obstacle = cluster_of(engine, environment, settings.cluster.access_of(engine)).obstacle()
    if obstacle:
        raise InvalidInput(f"engine: {engine} {obstacle}", field="engine")
    own = options.cluster
    if options.gpus is not None:
        own = replace(own, gpus=str(options.gpus))
    if options.memory is not None:
        own = replace(own, memory=slurm_size(options.memory))
    need = own.over(usual)
    if engine == SLURM and options.time_limit is not None and own.time is None:
        grace = settings.stop_grace_seconds if options.grace is None else options.grace
        need = replace(need, time=options.time_limit + grace + _END_SECONDS)
    resume = options.resume
    if resume is None and "resume" not in settings.values:
        resume = True  # the usual default of clusters
    return replace(options, engine=engine, cluster=need, resume=resume)
