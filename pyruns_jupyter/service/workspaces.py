"""Workspaces as they are described to clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import SCRIPT, SHELL, WorkspaceFolder
from pyruns_jupyter.engine.client.batch_options import executor_of
from pyruns_jupyter.engine.queue.batches import batch_ids
from pyruns_jupyter.engine.queue.launch import scheduler_alive

from .request import Request

PathOf = Callable[[Path], str | None]  # from a path on disk to the one that clients use


class ListRequest(Request, frozen=True):
    """A request for all workspaces, or for the one in `folder` if it has this `folder_identity`."""

    folder: str = ""
    identity: str = ""


class OpenRequest(Request, frozen=True):
    """A script or a folder to open as a workspace."""

    path: str


def workspace_model(
    workspace: WorkspaceFolder, counts: Mapping[str, int] | None, path_of: PathOf, problem: str | None = None
) -> dict[str, Any]:
    """Return a `Workspace`.

    Args:
        workspace: the workspace.
        counts: the number of tasks by status, None if the tasks were not read.
        path_of: returns the path that clients use; the one of the workspace's folder is its id.
        problem: why the tasks cannot be read, if that is known already.
    """
    script = workspace.script
    return {
        "id": path_of(workspace.folder),
        "name": workspace.name,
        "kind": workspace.kind,
        "path": path_of(workspace.project) or "",
        "script": None if script is None else path_of(script),
        "counts": None if counts is None else {status: counts.get(status, 0) for status in SHOWN_STATUSES},
        "engine": executor_of(Settings.load(workspace.root), workspace.name, None),
        "scheduler_alive": scheduler_alive(workspace.root),
        "problem": problem or workspace.problem(),
    }


def damaged_model(workspace: WorkspaceFolder, path_of: PathOf) -> dict[str, Any]:
    """Return the `Workspace` of a folder that cannot be described, without reading it."""
    return {
        "id": path_of(workspace.folder),
        "name": workspace.name,
        "kind": SHELL if workspace.name == SHELL_WORKSPACE else SCRIPT,
        "path": path_of(workspace.project) or "",
        "script": None,
        "counts": dict.fromkeys(SHOWN_STATUSES, 0),
        "engine": LOCAL,
        "scheduler_alive": False,
        "problem": f"{workspace.folder} cannot be read. See the server log for details.",
    }


def has_active_tasks(root: Path) -> bool:
    """Return whether tasks of a project may be queued or running, also if they were queued elsewhere."""
    return bool(batch_ids(root)) or scheduler_alive(root)


def folder_identity(workspace: WorkspaceFolder) -> str:
    """Return the device and inode of the workspace's folder, `dev:ino`: two hosts that see the same path may
    see different folders.

    Raises:
        OSError: if the folder is gone.
    """
    status = workspace.folder.stat()
    return f"{status.st_dev}:{status.st_ino}"
