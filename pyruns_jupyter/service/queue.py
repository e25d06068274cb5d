"""The queue of a project: its batches, why they wait, pausing and resuming."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.batch_options import executor_of
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.engine.queue.status import QueuedBatch, read_queue
from pyruns_jupyter.studies.launch import requeue

from .request import Request


def queue(root: Path) -> dict[str, Any]:
    """Return the `Queue` of the project whose `_pyruns_` folder is `root`."""
    found = read_queue(root)
    return {
        "paused": found.paused,
        "scheduler_alive": found.scheduler_alive,
        "batches": [_batch_model(batch) for batch in found.batches],
    }


class QueueChange(Request, frozen=True):
    """Pause or resume a queue, or with `requeue` requeue here the tasks that were queued elsewhere."""

    paused: bool | None = None
    requeue: bool | None = None

    def __post_init__(self) -> None:
        if (self.requeue is None) == (self.paused is None):
            raise InvalidInput("Specify either 'paused' or 'requeue', not both.", field="paused")
        if self.requeue is False:
            raise InvalidInput("'requeue' must be true.", field="requeue")


def change(root: Path, wanted: QueueChange) -> None:
    """Change a queue.

    Raises:
        PyrunsError, OSError: if the queue cannot be changed.
    """
    if wanted.requeue:
        requeue(root)
    elif wanted.paused:
        launch.pause(root)
    else:
        launch.resume(root)


def is_local(workspace: WorkspaceFolder, options: Mapping[str, object]) -> bool:
    """Return whether tasks that are queued with these options run on this machine, not on a cluster."""
    return executor_of(Settings.load(workspace.root), workspace.name, options.get("engine")) == LOCAL


def _batch_model(batch: QueuedBatch) -> dict[str, Any]:
    options = batch.options.to_dict()
    options.pop("after", None)
    for key, ok in (("after", True), ("after_any", False)):
        names = [str(one) for one in batch.options.after if one.ok is ok]
        if names:
            options[key] = names
    return {
        "id": batch.id,
        "workspace": batch.workspace,
        "created_at": batch.created_at,
        "options": {"jobs": batch.options.jobs, **options},
        "total": len(batch.tasks),
        "waiting": batch.waiting,
        "running": batch.running,
        "why": batch.why,
        "next": list(batch.next),
        "foreign": batch.foreign,
    }
