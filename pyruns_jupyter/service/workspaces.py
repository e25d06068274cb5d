"""A workspace as it is described to clients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE
from pyruns_jupyter.core.taskfile.runs import STATUSES
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import SCRIPT, SHELL, WorkspaceFolder
from pyruns_jupyter.engine.client.batch_options import executor_of
from pyruns_jupyter.engine.queue.batches import batch_ids
from pyruns_jupyter.engine.queue.launch import scheduler_alive


def workspace_model(
    workspace: WorkspaceFolder,
    counts: Mapping[str, int] | None,
    *,
    identifier: str,
    path: str,
    script: str | None,
    problem: str | None = None,
) -> dict[str, Any]:
    """Return a `Workspace`; the next three are what the client calls it, its project and its script.

    `counts` is None when its tasks were not read. `problem` is why they cannot be read, when that is known
    already.
    """
    return {
        "id": identifier,
        "name": workspace.name,
        "kind": workspace.kind,
        "path": path,
        "script": script,
        "counts": None if counts is None else {status: counts.get(status, 0) for status in STATUSES},
        "engine": executor_of(Settings.load(workspace.root), workspace.name, None),
        "scheduler_alive": scheduler_alive(workspace.root),
        "problem": problem or workspace.problem(),
    }


def damaged_model(workspace: WorkspaceFolder, *, identifier: str, path: str, problem: str) -> dict[str, Any]:
    """Return the `Workspace` of a folder that cannot be described; nothing of it is read."""
    return {
        "id": identifier,
        "name": workspace.name,
        "kind": SHELL if workspace.name == SHELL_WORKSPACE else SCRIPT,
        "path": path,
        "script": None,
        "counts": dict.fromkeys(STATUSES, 0),
        "engine": LOCAL,
        "scheduler_alive": False,
        "problem": problem,
    }


def has_active_tasks(root: Path) -> bool:
    """Return whether tasks of a project may be queued or running, also some that were queued elsewhere."""
    return bool(batch_ids(root)) or scheduler_alive(root)


def folder_identity(workspace: WorkspaceFolder) -> str:
    """Return device and inode of the workspace's folder, `dev:ino`: what tells one folder from its namesakes.

    Raises:
        OSError: when the folder is gone.
    """
    status = workspace.folder.stat()
    return f"{status.st_dev}:{status.st_ino}"
