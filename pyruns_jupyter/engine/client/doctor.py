"""Explaining a sick project: what is wrong, what follows from it, what can be repaired.

Looking changes nothing. A repair is what a front end or the scheduler would do by itself at the next
occasion, or what a person is told to do.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.fs.filesystem import local_locks
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.provenance import snapshots
from pyruns_jupyter.core.provenance.snapshots.store import CODE
from pyruns_jupyter.core.provenance.snapshots.trees import KEPT, TREES
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import Ownership
from pyruns_jupyter.core.taskfile.paths import ENGINE, EnginePaths
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks.index import QUEUED_ELSEWHERE, TaskIndex
from pyruns_jupyter.core.trust.engine_key import EngineKey, require_engine, trusted_engine
from pyruns_jupyter.core.trust.signatures import DAMAGED_SUFFIX
from pyruns_jupyter.core.trust.unused_keys import find_unused_keys, remove_unused_key
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue import batches, kept_ends
from pyruns_jupyter.engine.queue.entries import is_lost, queue_facts
from pyruns_jupyter.engine.queue.launch import ensure_scheduler, is_paused, scheduler_alive
from pyruns_jupyter.engine.queue.status import read_queue

from .submit import end_abandoned

MANY_TASKS = 100_000  # tasks of a workspace; docs/scaling.md says why
_LITTLE = 1_000_000_000  # bytes
_MIN_FREE_FILES = 10_000
_LISTED = 5  # tasks named in a sentence


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    `advice` says what to do; `repair`, when there is one, does it and returns what was done as a sentence.
    `severity` is `error` (something does not work), `warning` (it may not, or soon will not) or `note`.
    """

    severity: str
    what: str
    advice: str = ""
    repair: Callable[[], str] | None = None


def examine(root: Path, *, gpus: bool = True) -> list[Finding]:
    """Return what is wrong with the project whose `_pyruns_` folder is `root`.

    Without `gpus` the driver is not asked.

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
    if not os.access(root, os.W_OK | os.X_OK):
        yield Finding("error", f"{root} may not be written to.", "Tasks can be looked at only.")
        return
    usage = shutil.disk_usage(root)
    if usage.free < _LITTLE:
        severity = "error" if usage.free < _LITTLE // 100 else "warning"
        told = f"{usage.free / 1e6:,.0f} MB of {usage.total / 1e9:,.0f} GB are free on the disk of {root}."
        yield Finding(severity, told, "Runs wait when it is full. Empty the trash ('purge').")
    if hasattr(os, "statvfs"):
        status = os.statvfs(root)
        if status.f_files > 0 and status.f_favail < _MIN_FREE_FILES:
            yield Finding("warning", f"The disk of {root} takes {status.f_favail:,} more files only.")
    lock = FileLock(EnginePaths(root).door_lock)
    if lock.path.exists():
        try:
            lock.try_acquire(shared=True)
            lock.release()
        except OSError as error:
            yield Finding(
                "error",
                f"Files cannot be locked in {root}: {error.strerror}.",
                "Without locks nothing is started. A network file system has to be mounted with them.",
            )
    option = local_locks(root)
    if option:
        yield Finding(
            "warning",
            f"The disk of {root} is mounted with '{option}': locks of this machine are not seen by others.",
            "Run tasks of this project on one machine only, or mount the disk without that option.",
        )


def _settings(root: Path) -> Iterator[Finding]:
    settings = Settings.load(root)
    if settings.problem:
        yield Finding("error", settings.problem, "Correct the file.")


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
                    f"What was queued in {path} could not be understood and was set aside.",
                    "Queue those tasks again, then remove the file.",
                )
    for content in kept_ends.kept_ends(root):
        if not kept_ends.can_be_written(root, content):
            yield Finding(
                "warning",
                f"The end of a run of {content['workspace']}/{content['task']} is kept in {paths.ends}: its "
                "task file cannot be read.",
                "Restore the task file from a backup; then the end is written to it.",
            )
    yield from _foreign(root)
    key = trusted_engine(root)
    if key is not None and not scheduler_alive(root) and batches.has_work(key):
        yield Finding(
            "warning",
            "Tasks are queued, but no scheduler lives.",
            "Any look at the project starts one.",
            lambda: _start_scheduler(paths),
        )


def _foreign(root: Path) -> Iterator[Finding]:
    """Report what lies in the engine folder and is not acted on."""
    if not batches.batch_ids(root) and not os.path.lexists(root / ENGINE):
        return
    try:
        require_engine(root)
    except (PyrunsError, OSError) as error:
        if batches.batch_ids(root) or isinstance(error, OSError):
            yield Finding("warning", str(error), "Until then nothing that is queued there is started.")
            return
    waiting = sum(batch.waiting for batch in read_queue(root).batches if batch.foreign)
    if waiting:
        yield Finding(
            "warning",
            f"{waiting:,} tasks were queued in another copy of this project, on another machine, or by an "
            "earlier release; nothing of it is started here.",
            "'requeue' queues them again here.",
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
        f"{found[0].parents[2]} holds {len(found)} keys of project folders that are gone and were not used "
        "for a year, with the code that is stored for their runs.",
        "A repair removes them. Mount all disks with old projects first: without its key, what is queued in "
        "a project has to be queued again.",
        remove,
    )


def _stored_code(root: Path) -> Iterator[Finding]:
    folder = root / CODE
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    if TREES in names:  # earlier releases had them in the project
        yield Finding(
            "note",
            f"{folder / TREES} was made by an earlier release and is not used any more.",
            "Look for results of runs in it, then remove it.",
        )
    kept = [name for name in names if name.startswith(KEPT)]
    if kept:
        yield Finding(
            "note",
            "Files that runs wrote next to their code could not be moved to the project. "
            f"They are kept in {folder}: {_few(kept)}.",
            "Take what you need from these folders, then remove them.",
        )
    key = trusted_engine(root)
    if key is None:
        return
    try:
        found = snapshots.find_unneeded(root)
    except (PyrunsError, OSError):
        return  # what cannot be read may name stored code
    if found.files:
        yield Finding(
            "note",
            f"{_code_text(found)} in {folder} that no run of a task names.",
            "It was stored for tasks that do not exist any more.",
            lambda: f"{_code_text(snapshots.prune(key))} was removed.",
        )


def _code_text(found: snapshots.Unneeded) -> str:
    count = "1 snapshot" if found.snapshots == 1 else f"{found.snapshots} snapshots"
    return f"Stored code ({count}, {found.size / 1e6:,.1f} MB)"


def _start_scheduler(paths: EnginePaths) -> str:
    ensure_scheduler(paths)
    return "A scheduler sees to it."


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
            f"{workspace.name} has {len(index.rows):,} tasks: "
            f"from {MANY_TASKS:,} on, lists and searches take seconds.",
            "Pack what is done into an archive and remove it, or go on in another folder.",
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
        elif row.status == runs.QUEUED and row.message != QUEUED_ELSEWHERE and _is_lost(workspace, name):
            lost.append(name)
    lost.sort()
    if lost:
        yield Finding(
            "error",
            f"{workspace.name}: {_few(lost)} seem to wait, but nothing is behind it.",
            "They are put back to what they were, and can be queued again.",
            lambda: _put_back(workspace, lost),
        )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _owner(workspace: WorkspaceFolder, name: str) -> Iterator[Finding]:
    folder = workspace.paths(name).folder
    try:
        info = read_task(folder)
    except (NotFound, Unreadable):
        return
    run = runs.latest(info)
    if run is None or not Ownership.of(info).gone(folder, run):
        return
    key = trusted_engine(workspace.root)
    if queue_facts(info) and not is_lost(info, workspace.root, key):
        yield Finding(
            "warning",
            f"{workspace.name}/{name} lost its supervisor.",
            "A scheduler ends it.",
            lambda: _start_scheduler(EnginePaths(workspace.root)),
        )
        return
    yield Finding(
        "error",
        f"{workspace.name}/{name} seems to run, but its owner and its process are gone.",
        "It is ended as failed.",
        lambda: _end(folder, key),
    )


def _end(folder: Path, key: EngineKey | None) -> str:
    with edit_task(folder) as info:
        ended = end_abandoned(info, folder, key)
    return f"{folder.name} was ended as failed." if ended else f"{folder.name} has an owner by now."


def _is_lost(workspace: WorkspaceFolder, name: str) -> bool:
    try:
        info = read_task(workspace.paths(name).folder)
    except (NotFound, Unreadable):
        return False
    return is_lost(info, workspace.root, trusted_engine(workspace.root))


def _put_back(workspace: WorkspaceFolder, names: list[str]) -> str:
    done = 0
    for name in names:
        with suppress(Conflict, NotFound, Unreadable), edit_task(workspace.paths(name).folder) as info:
            if is_lost(info, workspace.root, trusted_engine(workspace.root)):
                done += runs.unclaim(info, attempt=str(queue_facts(info).get("attempt")))
    return f"{done} of {len(names)} were put back."


def _gpus(root: Path) -> Iterator[Finding]:
    from pyruns_jupyter.system.gpu import inventory

    found = inventory()
    wanted = Settings.load(root).gpus.enabled
    if found.state == "error":
        yield Finding("error", str(found.message), "Tasks that ask for GPUs wait until the driver answers.")
    elif found.state == "none" and wanted:
        yield Finding("warning", f"Tasks ask for GPUs (gpu_scheduler_enabled). {found.message}")
