"""Asking the supervisor of a run for the stacks of its processes."""

from __future__ import annotations

import time
from collections.abc import Callable

from pyruns_jupyter.core.common.errors import Busy, Conflict, NotFound
from pyruns_jupyter.core.logs.stacks import StackDump, read_stacks
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

WAIT_SECONDS = 30.0  # to wait for the supervisor, which needs up to half of it
_POLL_SECONDS = 0.1


def request_stacks(
    workspace: WorkspaceFolder,
    name: str,
    *,
    seconds: float = WAIT_SECONDS,
    is_abandoned: Callable[[], bool] = lambda: False,
) -> StackDump:
    """Have the stacks of a running task read, and return them. This may take some seconds.

    Raises:
        NotFound: if there is no such task.
        Conflict: if it is not running, if another program runs it, or if the run ends meanwhile.
        Busy: if the supervisor does not respond within `seconds`, or `is_abandoned` returns true before.
    """
    paths = workspace.existing(name)
    workspace.check_writable()
    with edit_task(paths.folder) as info:
        attempt, run = str(info.get("_attempt_id")), runs.slot_count(info)
        path = paths.stacks(run)
        known = read_stacks(path, run)
        runs.request_stacks(info)
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at and not is_abandoned():
        found = read_stacks(path, run)
        if found is not None and (known is None or found[1] != known[1]):
            return found[0]
        info = read_task(paths.folder)
        if runs.status_of(info) != runs.RUNNING or info.get("_attempt_id") != attempt:
            raise Conflict(f"Run {run} of {name!r} has ended before its stacks were read.")
        time.sleep(_POLL_SECONDS)
    raise Busy(f"The supervisor of {name!r} has not responded within {seconds:g} s.")


def stored_stacks(workspace: WorkspaceFolder, name: str, run: int | None = None) -> StackDump:
    """Return the stored stacks of a run (by default, of the latest run).

    Raises:
        NotFound: if there is no such task, or the run has none.
        OSError: if they cannot be read.
    """
    paths = workspace.existing(name)
    number = run or max(1, runs.slot_count(read_task(paths.folder)))
    found = read_stacks(paths.stacks(number), number)
    if found is None:
        raise NotFound(
            f"Run {number} of {name!r} has no stored stacks. They are stored when a run stalls, or on "
            "request while it is running."
        )
    return found[0]
