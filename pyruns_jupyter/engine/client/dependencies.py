"""Checks of the tasks after which a batch is to run, before anything is queued."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable, Untrusted
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TASKS
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.trust.engine_key import trusted_engine
from pyruns_jupyter.engine.queue.batches import Batches
from pyruns_jupyter.engine.queue.options import After

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


def check_after(root: Path, after: Iterable[After]) -> None:
    """Check that the tasks in `after` exist and can still end as required; `root` is the `_pyruns_` folder.

    Raises:
        InvalidInput: with `field` "after".
    """
    for one in after:
        try:
            info = read_task(root / one.workspace / TASKS / one.task)
        except NotFound:
            raise _wrong(f"The dependency {one} does not exist.") from None
        status = runs.status_of(info)
        if one.ok and status in (runs.FAILED, runs.CANCELLED):
            verb = "failed" if status == runs.FAILED else "was cancelled"
            raise _wrong(f"The dependency {one} {verb}. Queue it again before tasks that depend on it.")


def check_circles(workspace: WorkspaceFolder, names: Sequence[str], after: Sequence[After]) -> None:
    """Check that none of the tasks in `after` depends on one of `names`.

    Raises:
        InvalidInput: with `field` "after".
    """
    if not after:
        return
    own = {(workspace.name, name) for name in names}
    for one in after:
        if (one.workspace, one.task) in own:
            raise _wrong(f"{one} cannot depend on itself.")
    needed: dict[tuple[str, str], tuple[After, ...]] = {}
    key = trusted_engine(workspace.root)
    if key is not None:
        queued = Batches(key)
        for batch_id in queued.names():
            with suppress(OSError, Unreadable, Untrusted):
                batch = queued.read_batch(batch_id)
                if batch.options.after:
                    needed.update({(batch.workspace, name): batch.options.after for name, _ in batch.tasks})
    seen: set[tuple[str, str]] = set()
    open_ends = [(one.workspace, one.task) for one in after]
    while open_ends:
        at = open_ends.pop()
        if at in own:
            raise _wrong(f"Circular dependency: a task in 'after' depends on {at[0]}/{at[1]}.")
        if at not in seen:
            seen.add(at)
            open_ends += [(one.workspace, one.task) for one in needed.get(at, ())]


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(message, field="after")
