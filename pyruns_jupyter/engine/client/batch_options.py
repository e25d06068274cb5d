"""The options of a batch as users and programs give them, and as they are stored for where the tasks run."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.byte_sizes import slurm_size
from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, shown
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, scan_tasks
from pyruns_jupyter.engine.cluster.slurm import COMMANDS
from pyruns_jupyter.engine.gpus.request import PEAK
from pyruns_jupyter.engine.memory.reservations import check_memory
from pyruns_jupyter.engine.queue.options import EXECUTOR_OPTIONS, MAX_JOBS, OPTIONS, After, QueueOptions

_MARGIN = 1.1  # a look a second may miss the very peak
_END_SECONDS = 60.0  # more than its own time limit, so that a run ends before the cluster ends it


def parse_options(
    workspace: WorkspaceFolder, given: Mapping[str, object], settings: Settings | None = None
) -> QueueOptions:
    """Return the options of a batch of tasks of `workspace` that a user gave (see `OPTIONS`).

    Times are seconds or texts such as `10m`, `gpu_memory` GiB or `auto` (what completed runs have used, and a
    tenth more), `memory` an amount such as `16G`, `cluster` a mapping of what a job asks for, `after` and
    `after_any` names of tasks, `workspace/task` for those of another workspace of the project.

    Raises:
        InvalidInput: if one cannot be used or would have no effect, with it as `field`.
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
        known["jobs"] = MAX_JOBS  # the cluster knows how many it has room for
    names = [(name, True) for name in known.get("after", ())]
    names += [(name, False) for name in known.pop("after_any", ())]
    known["after"] = tuple(_after(workspace.name, name, ok) for name, ok in names)
    options = QueueOptions(**known).check()
    options.check_effects(executor, given.keys())
    return options


def _measured_gpu_memory(workspace: WorkspaceFolder) -> float:
    """Return the GiB that a run needs of each GPU: a tenth more than any completed run has used."""
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
            "gpu_memory must be GiB, or 'auto', but no completed run of the workspace was measured.",
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
    """Return where the tasks of a batch run whose options name `executor`, or none."""
    return str(executor) if executor else settings.cluster.of(workspace)[0]


def resolve_options(
    options: QueueOptions, settings: Settings, workspace: str, environment: Mapping[str, str]
) -> QueueOptions:
    """Return the options of a batch of tasks of a workspace as they are stored: completed by the settings.

    Raises:
        InvalidInput: if they ask for what the executor does not have, or it cannot be used from here.
    """
    engine, usual = settings.cluster.of(workspace)
    engine = options.engine or engine
    options.check_effects(engine, EXECUTOR_OPTIONS)
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
