"""Diagnosis of a project: problems, their consequences, and repairs.

An examination changes nothing. A repair does what a front end or the scheduler would do at the next
opportunity, or what the user is advised to do.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError, Unreadable, os_sentence
from pyruns_jupyter.core.fs.filesystem import local_locks, write_problem
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.provenance.snapshots import pruning
from pyruns_jupyter.core.provenance.snapshots.store import CODE
from pyruns_jupyter.core.provenance.snapshots.trees import KEPT
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import Ownership
from pyruns_jupyter.core.taskfile.paths import ENGINE, EnginePaths
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.unstarted import QUEUED_ELSEWHERE
from pyruns_jupyter.core.trust.engine_key import EngineKey, require_engine, trusted_engine
from pyruns_jupyter.core.trust.signatures import DAMAGED_SUFFIX
from pyruns_jupyter.core.trust.unused_keys import find_unused_keys, remove_unused_key
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.gpus.policy import POLICY_NAME, PolicyFile, untrusted_policy
from pyruns_jupyter.engine.gpus.reservations import Reservations
from pyruns_jupyter.engine.queue import batches, kept_ends
from pyruns_jupyter.engine.queue.entries import is_lost, queue_facts
from pyruns_jupyter.engine.queue.launch import ON_WINDOWS, ensure_scheduler, is_paused, scheduler_alive
from pyruns_jupyter.engine.queue.status import read_queue

from .requeue import is_stuck
from .submit import end_abandoned

MANY_TASKS = 100_000  # tasks of a workspace; docs/scaling.md says why
_MIN_FREE_BYTES = 1_000_000_000
_MIN_FREE_FILES = 10_000
_MAX_LISTED = 5  # names in a message


@dataclass(frozen=True)
class Finding:
    """A problem; `advice` is what to do, and `repair`, if any, does it and returns a sentence about the
    result.

    `severity` is `error` (something does not work), `warning` (it may not work now or soon) or `note`.
    """

    severity: str
    what: str
    advice: str = ""
    repair: Callable[[], str] | None = None


def examine(root: Path, *, gpus: bool = True) -> list[Finding]:
    """Return the problems of the project whose `_pyruns_` folder is `root`.

    Without `gpus` the driver is not queried.

    Raises:
        OSError: when the folder itself cannot be read.
    """
    found = [*_disk(root), *_settings(root), *_engine(root), *_stored_code(root), *_unused_keys()]
    for workspace in workspaces_in(root):
        found += _workspace(workspace)
    if gpus:
        found += _gpus(root)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda one: order[one.severity])


def _disk(root: Path) -> Iterator[Finding]:
    if sys.platform == "win32":
        yield Finding("warning", ON_WINDOWS)
    if not os.access(root, os.W_OK | os.X_OK):
        text, problem = f"{root} is not writable.", write_problem(root)
        if problem is not None and problem.errno == errno.EROFS:
            text = os_sentence(problem)
        yield Finding("error", text, "You can only read its tasks.")
        return
    usage = shutil.disk_usage(root)
    if usage.free < _MIN_FREE_BYTES:
        severity = "error" if usage.free < _MIN_FREE_BYTES // 100 else "warning"
        free = f"{usage.free / 1e6:,.0f} MB of {usage.total / 1e9:,.0f} GB are free on the disk of {root}."
        yield Finding(severity, free, "If the disk is full, runs stall. Empty the trash with 'purge'.")
    if hasattr(os, "statvfs"):
        status = os.statvfs(root)
        if status.f_files > 0 and status.f_favail < _MIN_FREE_FILES:
            yield Finding("warning", f"The disk of {root} has room for only {status.f_favail:,} more files.")
    lock = FileLock(EnginePaths(root).door_lock)
    if lock.path.exists():
        try:
            lock.try_acquire(shared=True)
            lock.release()
        except OSError as error:
            yield Finding(
                "error",
                f"Files cannot be locked in {root}: {error.strerror}.",
                "Tasks cannot be started without locks. Mount the network file system with support "
                "for locks.",
            )
    option = local_locks(root)
    if option:
        yield Finding(
            "warning",
            f"The disk of {root} is mounted with '{option}', so other machines do not see its locks.",
            "Run tasks of this project on one machine only, or mount the disk without that option.",
        )


def _settings(root: Path) -> Iterator[Finding]:
    settings = Settings.load(root)
    if settings.problem:
        yield Finding("error", settings.problem, "Fix the settings file.")


def _engine(root: Path) -> Iterator[Finding]:
    paths = EnginePaths(root)
    if is_paused(root):
        yield Finding("note", "The queue is paused.", "Resume it with 'unpause'.")
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(paths.batches)):
            if name.endswith(DAMAGED_SUFFIX):
                path = paths.batches / name
                yield Finding(
                    "warning",
                    f"{path} is a damaged batch file, which was renamed.",
                    "Queue its tasks again and delete the file.",
                )
    for content in kept_ends.kept_ends(root):
        if not kept_ends.can_be_written(root, content):
            yield Finding(
                "warning",
                f"The result of a run of {content['workspace']}/{content['task']} is stored in {paths.ends}, "
                "because its task file cannot be read.",
                "Restore the task file from a backup. The result is then written to it.",
            )
    yield from _foreign(root)
    key = trusted_engine(root)
    if key is not None and not scheduler_alive(root) and batches.has_work(key):
        yield Finding(
            "warning",
            "Tasks are queued, but no scheduler is running.",
            "Open the project to start one.",
            lambda: _start_scheduler(paths),
        )


def _foreign(root: Path) -> Iterator[Finding]:
    """Report files in the engine folder that are ignored."""
    if not batches.batch_ids(root) and not os.path.lexists(root / ENGINE):
        return
    try:
        require_engine(root)
    except (PyrunsError, OSError) as error:
        if batches.batch_ids(root) or isinstance(error, OSError):
            yield Finding("warning", str(error), "No queued task starts until this is fixed.")
            return
    waiting = sum(batch.waiting for batch in read_queue(root).batches if batch.foreign)
    if waiting:
        yield Finding(
            "warning",
            f"{waiting:,} tasks were queued in another copy of this project, on another machine, or by an "
            "older version. They do not start here.",
            "Use 'requeue' to requeue them here.",
        )


def _unused_keys() -> Iterator[Finding]:
    found = find_unused_keys()
    if not found:
        return

    def remove() -> str:
        removed = sum(remove_unused_key(folder) for folder in found)
        return f"Removed {removed} unused keys."

    yield Finding(
        "note",
        f"{found[0].parents[2]} holds {len(found)} keys of project folders that no longer exist and were not "
        "used for a year, and the code that is stored for their runs.",
        "A repair deletes them. Mount all disks with old projects first. If the key of a project is deleted, "
        "its queued tasks must be queued again.",
        remove,
    )


def _stored_code(root: Path) -> Iterator[Finding]:
    folder = root / CODE
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    kept = [name for name in names if name.startswith(KEPT)]
    if kept:
        yield Finding(
            "note",
            "Files that runs wrote next to their code could not be moved to the project. "
            f"They are kept in {folder}: {_list(kept)}.",
            "Move files that you need out of these folders, and delete the folders.",
        )
    key = trusted_engine(root)
    if key is None:
        return
    try:
        found = pruning.find_unneeded(root)
    except (PyrunsError, OSError):
        return  # an unreadable file may refer to stored code
    if found.files:
        yield Finding(
            "note",
            f"{_code_text(found)} in {folder} that no run of a task uses.",
            "It was stored for tasks that no longer exist.",
            lambda: f"{_code_text(pruning.prune(key))} was removed.",
        )


def _code_text(found: pruning.Unneeded) -> str:
    count = "1 snapshot" if found.snapshots == 1 else f"{found.snapshots} snapshots"
    return f"Stored code ({count}, {found.size / 1e6:,.1f} MB)"


def _start_scheduler(paths: EnginePaths) -> str:
    ensure_scheduler(paths)
    return "A scheduler was started."


def _workspace(workspace: WorkspaceFolder) -> Iterator[Finding]:
    problem = workspace.problem() or workspace.tasks_problem()
    if problem:
        yield Finding("error", f"{workspace.name}: {problem}")
    index = TaskIndex(workspace)
    try:
        index.refresh()
    except (PyrunsError, OSError) as error:
        yield Finding("error", f"{workspace.name}: {error}")
        return
    if len(index.rows) > MANY_TASKS:
        yield Finding(
            "warning",
            f"{workspace.name} has {len(index.rows):,} tasks. "
            f"Above {MANY_TASKS:,}, lists and filters take seconds.",
            "Archive and delete finished tasks, or continue in another folder.",
        )
    lost: list[str] = []
    for name, row in index.rows.items():
        if not row.readable:
            yield Finding(
                "error",
                f"{workspace.name}/{name}: {row.message}",
                "Restore the file from a backup, or move the task to the trash ('delete').",
            )
        if row.status == runs.RUNNING:
            yield from _owner(workspace, name)
        is_queued_here = row.status == runs.QUEUED and row.message != QUEUED_ELSEWHERE
        if is_queued_here and is_stuck(workspace.paths(name).folder):
            lost.append(name)
    lost.sort()
    if lost:
        yield Finding(
            "error",
            f"{workspace.name}: {_list(lost)} are marked as queued but belong to no batch.",
            "A repair restores their previous status, so that they can be queued again.",
            lambda: _put_back(workspace, lost),
        )


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more


def _owner(workspace: WorkspaceFolder, name: str) -> Iterator[Finding]:
    folder = workspace.paths(name).folder
    try:
        info = read_task(folder)
    except (NotFound, Unreadable):
        return
    run = runs.latest(info)
    if run is None or not Ownership.of(info).is_orphaned(folder, run):
        return
    key = trusted_engine(workspace.root)
    if queue_facts(info) and not is_lost(info, workspace.root, key):
        yield Finding(
            "warning",
            f"{workspace.name}/{name} lost its supervisor.",
            "A scheduler will end its run.",
            lambda: _start_scheduler(EnginePaths(workspace.root)),
        )
        return
    yield Finding(
        "error",
        f"{workspace.name}/{name} is marked as running, but its supervisor and its process no longer exist.",
        "A repair marks its run as failed.",
        lambda: _end(folder, key),
    )


def _end(folder: Path, key: EngineKey | None) -> str:
    with edit_task(folder) as info:
        ended = end_abandoned(info, folder, key)
    return (
        f"{folder.name} was marked as failed." if ended else f"{folder.name} is owned by a supervisor again."
    )


def _put_back(workspace: WorkspaceFolder, names: list[str]) -> str:
    done = 0
    for name in names:
        with suppress(Conflict, NotFound, Unreadable), edit_task(workspace.paths(name).folder) as info:
            if is_lost(info, workspace.root, trusted_engine(workspace.root)):
                done += runs.unclaim(info, attempt=str(queue_facts(info).get("attempt")))
    return f"The status of {done} of {len(names)} tasks was restored."


def _gpus(root: Path) -> Iterator[Finding]:
    from pyruns_jupyter.system.gpu import inventory

    found = inventory()
    wanted = Settings.load(root).gpus.enabled
    if found.state == "error":
        yield Finding("error", str(found.message), "Tasks that need GPUs wait until the driver responds.")
    elif found.state == "none" and wanted:
        yield Finding("warning", f"Tasks request GPUs (gpu_scheduler_enabled). {found.message}")
    yield from _gpu_policy()


def _gpu_policy() -> Iterator[Finding]:
    reservations = Reservations()
    if not reservations.is_common:
        return
    try:
        PolicyFile(reservations.folder).read()
    except PyrunsError as error:
        yield Finding("error", error.message, "Tasks that need GPUs wait until it is corrected.")
    reason = untrusted_policy(reservations.folder)
    if reason:
        path = reservations.folder / POLICY_NAME
        yield Finding("warning", f"The GPU policy {path} is ignored because {reason}.")
