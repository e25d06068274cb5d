"""Duplicate tasks."""

from __future__ import annotations

import copy
import os
import shutil
import time
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, NotFound
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.atomic import dump_json, is_plain_file, write_new
from pyruns_jupyter.core.fs.locks import FILE_MODE
from pyruns_jupyter.core.taskfile import hydra_job, move_lock, runs
from pyruns_jupyter.core.taskfile.paths import (
    ARTIFACTS,
    CELL_CODE,
    CELL_GIVEN,
    RUN_LOGS,
    TASK_INFO,
    check_task_name,
)
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own, own_facts, payload_name, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .preview import free_name
from .staging import put_into_place, staging_folder

# Keys of a task file that belong to its runs or only to that task.
RUN_KEYS = frozenset(
    {
        *runs.SLOTS,
        *("runner_id", "runner_host", "lease_heartbeat", "lease_until", "queued_at", "_attempt_id"),
        *("cancel_requested_at", "launch_command", "launch_workdir", "launch_started_at", "launch_run_index"),
        *("track_store", "_gpu_wait_override", move_lock.KEY),
    }
)
_OWN_RUN_FACTS = frozenset(
    {"queue", "times", "messages", "failures", "aggregates", "alerts", "thinned", "metric_sources", "system"}
)
# A copy of a job of Hydra is an ordinary task: it must not write into the folder of the job.
_NOT_COPIED_FACTS = frozenset({"order", "trashed_at", hydra_job.KEY})
_TRACK_STORE = "tracks.sqlite3"


def duplicate(
    workspace: WorkspaceFolder,
    name: str,
    new_name: str | None = None,
    *,
    with_runs: bool = False,
    with_artifacts: bool = False,
) -> str:
    """Copy a task and return the name of the copy: `new_name`, by default a free name like that of the task.

    The copy has the same configuration, notes, tags and environment, and no runs. `with_runs` also copies the
    runs and their logs, `with_artifacts` their artifacts, which may be large.

    Raises:
        NameTaken: when a task has the name `new_name`; nothing is written.
        InvalidInput: when `new_name` is not a legal name.
        Conflict: when `with_runs` is set and the task is queued or running.
        NotFound, Unreadable, Busy: when the task cannot be read, or the copy cannot be written.
    """
    source = workspace.existing(name).folder
    target = free_name(workspace, name) if new_name is None else check_task_name(new_name)
    info = read_task(source)
    payload = payload_name(info)
    if not is_plain_file(source / payload):
        raise NotFound(f"The configuration {payload!r} of the task {name!r} is missing.")
    if with_runs and runs.status_of(info) in runs.ACTIVE:
        raise Conflict(f"The task {name!r} is {runs.status_of(info)}. Copy its runs after it has finished.")
    with staging_folder(workspace) as staging:
        folder = staging / target
        folder.mkdir()
        (folder / RUN_LOGS).mkdir()
        _copy_file(source / payload, folder / payload)
        for file in (CELL_CODE, CELL_GIVEN):
            if is_plain_file(source / file):
                _copy_file(source / file, folder / file)
        if with_runs:
            copy_tree(source / RUN_LOGS, folder / RUN_LOGS)
            if is_plain_file(source / _TRACK_STORE):
                _copy_file(source / _TRACK_STORE, folder / _TRACK_STORE)
        if with_artifacts:
            copy_tree(source / ARTIFACTS, folder / ARTIFACTS)
        made = _copied_info(info, target, with_runs=with_runs)
        write_new(folder / TASK_INFO, dump_json(made), durable=False)
        put_into_place(workspace, staging, [target])
    return target


def without_runs(info: TaskInfo) -> TaskInfo:
    """Return the content of a task file as it was before the first run."""
    fresh: dict[str, Any] = {
        key: copy.deepcopy(value) for key, value in info.items() if key not in RUN_KEYS or key in runs.SLOTS
    }
    for key in runs.SLOTS:
        fresh[key] = []
    fresh["status"] = runs.PENDING
    fresh["progress"] = 0.0
    fresh["run_index"] = 0
    for key in _OWN_RUN_FACTS & own_facts(fresh).keys():
        del own(fresh)[key]
    return fresh


def _copied_info(info: TaskInfo, name: str, *, with_runs: bool) -> TaskInfo:
    now = time.time()
    made = copy.deepcopy(info) if with_runs else without_runs(info)
    made.pop(move_lock.KEY, None)
    made["name"] = name
    made["created_at"] = stamp(now)
    made["pinned"] = False
    facts = own(made)
    facts["created_at"] = now
    for key in _NOT_COPIED_FACTS & facts.keys():
        del facts[key]
    return made


def _copy_file(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, FILE_MODE)


def copy_tree(source: Path, target: Path) -> None:
    """Copy the regular files below a folder, without links, pipes and the lock files of running tasks."""
    if source.is_symlink() or not source.is_dir():
        return
    for folder, folders, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(exist_ok=True)
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(folder, name))]
        for name in files:
            path = Path(folder, name)
            if is_plain_file(path) and not (name.startswith(".run") and name.endswith(".owner")):
                shutil.copyfile(path, here / name)
                shutil.copystat(path, here / name)
