"""The interface for front ends: queue tasks, and cancel one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import Conflict, PyrunsError, os_sentence
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.provenance.git_state import source_state
from pyruns_jupyter.core.provenance.snapshots import store
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import (
    COPIED,
    UNKNOWN_END,
    Ownership,
    abandoned_run,
    is_copied_run,
)
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own
from pyruns_jupyter.core.trust.engine_key import EngineKey, claim_engine, trusted_engine
from pyruns_jupyter.core.workspace.opening import keep_out_of_git
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue import batches, run_files
from pyruns_jupyter.engine.queue.entries import is_lost, queue_facts
from pyruns_jupyter.engine.queue.launch import (
    check_startable,
    ensure_running,
    ensure_scheduler,
    front_end_environment,
    wake,
)
from pyruns_jupyter.engine.queue.options import QueueOptions

from .batch_options import parse_options, resolve_options
from .default_gpus import with_default_gpus
from .dependencies import check_after, check_circles
from .skip_completed import already_completed

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


_MAX_NOTES = 100  # tasks
_MANY_TASKS = 50  # whose claims take so long that the scheduler is started first
_DEFAULT_OPTIONS = QueueOptions()


@dataclass(frozen=True)
class Submission:
    """The result of queueing tasks: the batch with its tasks in order, and the other tasks with the reason (a
    sentence): those that cannot be queued, and those that are skipped.

    `batch` is empty if nothing was queued.
    """

    batch: str
    queued: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchRequest:
    """A request to queue tasks of a workspace, checked as far as possible before the tasks exist.

    `options` are completed by `settings`, which are read once for the whole request; the tasks inherit
    `environment`. Requests with the same `group`, if it is not empty, share the limit `options.jobs`.
    """

    workspace: WorkspaceFolder
    options: QueueOptions
    settings: Settings
    environment: dict[str, str]
    group: str = ""

    @classmethod
    def parse(
        cls, workspace: WorkspaceFolder, given: Mapping[str, object], settings: Settings | None = None
    ) -> BatchRequest:
        """Return the request with the options that a user gave; see `parse_options`.

        Raises:
            InvalidInput: see `make`.
        """
        settings = settings or Settings.load(workspace.root)
        return cls.make(workspace, parse_options(workspace, given, settings), settings=settings)

    @classmethod
    def make(
        cls,
        workspace: WorkspaceFolder,
        options: QueueOptions,
        *,
        settings: Settings | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> BatchRequest:
        """Return the request with these options; `environment` is by default that of this process.

        Raises:
            InvalidInput: if an option is not valid, or a dependency is missing or cannot complete.
        """
        variables = front_end_environment(environment)
        settings = settings or Settings.load(workspace.root)
        options = resolve_options(options.check(), settings, workspace.name, variables)
        check_after(workspace.root, options.after)
        return cls(workspace, options, settings, variables)

    def submit(self, names: Iterable[str], *, skip_done: bool = False) -> Submission:
        """Queue tasks to be run in this order, and ensure that a scheduler is running.

        Once this returns, the batch survives any crash. With `skip_done`, tasks are skipped whose
        configuration has completed already, in any task.

        Raises:
            InvalidInput: if the tasks would depend on themselves, or the code to be stored is too large;
                nothing is queued.
            PyrunsError, OSError: if nothing can be queued; claimed tasks are restored. If the error says that
                the scheduler could not be started, the tasks are queued.
        """
        workspace, settings, options = self.workspace, self.settings, self.options
        listed = list(dict.fromkeys(names))
        check_circles(workspace, listed, options.after)
        skipped = already_completed(workspace, listed) if skip_done else {}
        wanted = [(name, new_token()) for name in listed if name not in skipped]
        if not wanted:
            return Submission("", skipped=skipped)
        check_startable()
        workspace.check_writable()
        keep_out_of_git(workspace.root)
        paths = EnginePaths(workspace.root)
        key = claim_engine(workspace.root)
        code, source = "", {}
        if settings.snapshot_code:
            code = store.take(key, workspace.script)
            source = source_state(workspace.project).to_dict()
        options = with_default_gpus(
            options, workspace, [name for name, _ in wanted], settings, self.environment
        )
        if len(wanted) >= _MANY_TASKS:
            with suppress(PyrunsError):  # it starts while the tasks are claimed
                ensure_scheduler(paths)
        batch = batches.new_id()
        queued: list[tuple[str, str]] = []
        refused: dict[str, str] = {}
        with batches.Claim(key, batch, workspace.name, wanted) as claim:
            try:
                for name, attempt in wanted:
                    problem = _claim(workspace, key, name, attempt, batch)
                    if problem is None:
                        queued.append((name, attempt))
                    else:
                        refused[name] = problem
                if queued:
                    batches.Batches(key).write_batch(
                        batches.Batch(
                            batch,
                            workspace.name,
                            options,
                            self.environment,
                            sys.executable,
                            tuple(queued),
                            code=code,
                            source=source,
                            group=self.group,
                        )
                    )
            except BaseException:
                claim.put_back(workspace.tasks, wanted)
                raise
        if not queued:
            return Submission("", [], refused, skipped)
        _note_queued(workspace, [name for name, _ in queued], options.jobs)
        ensure_scheduler(paths)
        return Submission(batch, [name for name, _ in queued], refused, skipped)


def submit(
    workspace: WorkspaceFolder,
    names: Iterable[str],
    *,
    options: QueueOptions = _DEFAULT_OPTIONS,
    skip_done: bool = False,
    environment: Mapping[str, str] | None = None,
    group: str = "",
) -> Submission:
    """Queue tasks that exist; see `BatchRequest`.

    Raises:
        PyrunsError, OSError: see `BatchRequest.make` and `BatchRequest.submit`.
    """
    request = BatchRequest.make(workspace, options, environment=environment)
    return replace(request, group=group).submit(names, skip_done=skip_done)


def _note_queued(workspace: WorkspaceFolder, names: list[str], jobs: int) -> None:
    """Add a line to each task's `queue.log`, except for large batches, since it is not worth the time."""
    if len(names) > _MAX_NOTES:
        return
    for place, name in enumerate(names, 1):
        text = f"[QUEUE] Queued at {stamp()} as task {place} of {len(names)} (-j {jobs})"
        run_files.note_queued(workspace.paths(name), text)


def _claim(workspace: WorkspaceFolder, key: EngineKey, name: str, attempt: str, batch: str) -> str | None:
    """Claim one task; return why it is refused, None if it is not."""
    try:
        paths = workspace.existing(name)
        folder = paths.folder
        if paths.run_logs.is_symlink():
            raise Conflict(
                f"{paths.run_logs} is a symbolic link. Logs are not written through links. Delete the link."
            )
        with edit_task(folder, durable=False) as info:  # the batch file is durable
            end_abandoned(info, folder, key)
            _undo_lost(info, key)
            runs.queue(info, attempt=attempt, batch=batch)
    except PyrunsError as error:
        return error.message
    except OSError as error:
        return f"The task {name!r} cannot be changed. {os_sentence(error)}"
    return None


def cancel(workspace: WorkspaceFolder, name: str, *, only_queued: bool = False) -> str:
    """Stop a task: a queued one of ours at once, a running one (or another program's) by a request to its
    owner. With `only_queued`, a running task is not stopped.

    Return its current status: `cancelled`, or `running` / `queued` until the owner has responded, or `failed`
    if it was a run of another program whose owner is dead.

    Raises:
        NotFound: when there is no such task.
        Conflict: when it is neither queued nor running, or not queued with `only_queued`.
    """
    paths = workspace.existing(name)
    workspace.check_writable()
    with edit_task(paths.folder) as info:
        status = runs.status_of(info)
        if status not in ({runs.QUEUED} if only_queued else runs.ACTIVE):
            raise Conflict(f"The task {name!r} is {status}, so it cannot be stopped.")
        if end_abandoned(info, paths.folder, trusted_engine(workspace.root)):
            return runs.FAILED
        runs.request_cancel(info)
        if status == runs.QUEUED and (_is_ours(info) or _is_unowned(info)):
            runs.unqueue(info)
            status = runs.CANCELLED
    if status == runs.CANCELLED:
        run_files.add_queue_stop(paths)
        wake(EnginePaths(workspace.root))
    else:
        ensure_running(workspace.root)  # if the owner is dead, a scheduler ends the run
    return status


def end_abandoned(info: TaskInfo, folder: Path, key: EngineKey | None) -> bool:
    """End a run whose owner is dead and that no scheduler here will end: one of another program, the copy of
    a run of another project folder, or one without a batch; return whether there was one.
    """
    run = abandoned_run(info, folder)
    copied = run is not None and is_copied_run(folder, run.index)
    if run is None or (_is_ours(info) and not copied and not is_lost(info, folder.parents[2], key)):
        return False
    runs.finish(info, attempt=run.attempt, status=runs.FAILED, exit_code=None)
    own(info).setdefault("messages", {})[str(run.index)] = COPIED if copied else UNKNOWN_END
    return True


def _undo_lost(info: TaskInfo, key: EngineKey) -> None:
    """Undo an abandoned claim: its batch is gone or foreign, or its lease has expired."""
    if is_lost(info, key.root, key):
        runs.unclaim(info, attempt=str(queue_facts(info).get("attempt")))
    if runs.status_of(info) == runs.QUEUED and not _is_ours(info) and _is_unowned(info):
        runs.unqueue(info)


def _is_unowned(info: TaskInfo) -> bool:
    """Return whether the lease of another program's queued task has expired, so that others may take it."""
    return Ownership.of(info).lease_until < time.time()


def _is_ours(info: TaskInfo) -> bool:
    """Return whether a task is queued or running in a batch of this program, on any host. A queued one can be
    stopped under its lock, since schedulers start queued tasks only.
    """
    facts = queue_facts(info)
    return bool(facts) and facts.get("attempt") == info.get("_attempt_id")
