"""What waits in a project, for what, and whether anything more is started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.clusterneed import LOCAL
from pyruns_jupyter.core.settings import Settings
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine import pausing
from pyruns_jupyter.engine.cluster.need import engine_of
from pyruns_jupyter.engine.queuestate import QueuedBatch, read_queue

from .body import Body

KEYS = ("paused",)


def queue(root: Path) -> dict[str, Any]:
    """Return the `Queue` of the project whose `_pyruns_` folder is `root`."""
    found = read_queue(root)
    return {
        "paused": found.paused,
        "scheduler_alive": found.scheduler_alive,
        "batches": [_batch_model(batch) for batch in found.batches],
    }


def read_change(body: Body) -> bool:
    """Return whether a `QueueChange` pauses the queue.

    Raises:
        InvalidInput: when it is none.
    """
    return body.flag("paused")


def change(root: Path, paused: bool) -> None:
    """Pause a queue, or go on with it.

    Raises:
        OSError: when that cannot be written.
    """
    if paused:
        pausing.pause(root)
    else:
        pausing.resume(root)


def is_local(workspace: WorkspaceFolder, options: Mapping[str, object]) -> bool:
    """Tell whether tasks that are queued with these options run on this machine."""
    return engine_of(Settings.load(workspace.root), workspace.name, options.get("engine")) == LOCAL


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
    }
