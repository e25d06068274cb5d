"""Resolving the paths in task files of projects that were moved or copied.

A task file contains absolute paths. If the project is at another path now, a path below its old folder is
replaced by the same path below its new folder, if that exists. The old one may still exist (of a copied
project) and is not used.
"""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts

from .workspace import WorkspaceFolder


def task_script(workspace: WorkspaceFolder, info: TaskInfo) -> Path | None:
    """Return the script that a task runs, None if it does not exist (any more).

    A script next to `_pyruns_` takes precedence over one with the same name elsewhere; one outside of the
    project (see `boundary`) is ignored.
    """
    stored = _path(info.get("script"))
    current = workspace.script
    if stored is None:
        return current
    if current is not None and current.name == stored.name:
        return current
    moved = _moved(workspace, info, stored)
    for path in (moved, stored):
        if path is not None and path.is_file() and workspace.may_read(path):
            return path
    return current


def task_workdir(workspace: WorkspaceFolder, info: TaskInfo) -> Path:
    """Return the working folder of a shell task, which need not exist; by default the project's folder."""
    stored = _path(info.get("workdir"))
    if stored is None:
        return workspace.project
    moved = _moved(workspace, info, stored)
    return moved if moved is not None and moved.is_dir() else stored


def _moved(workspace: WorkspaceFolder, info: TaskInfo, path: Path) -> Path | None:
    """Return the new path of `path` after the project moved, None if it did not, or `path` was outside."""
    if own_facts(info).get("project") == str(workspace.project):
        return None
    for former in _former_projects(workspace, info):
        if former == workspace.project or _same(former, workspace.project):
            continue
        try:
            return workspace.project / path.relative_to(former)
        except ValueError:
            continue
    return None


def _former_projects(workspace: WorkspaceFolder, info: TaskInfo) -> list[Path]:
    """Return the known folders of the project when the task was created."""
    try:
        stored = workspace.info()
    except Unreadable:
        stored = {}
    script = _path(stored.get("script_path"))
    found = [
        _path(own_facts(info).get("project")),
        _path(stored.get("project_root")),
        script.parent if script is not None else None,
    ]
    return [folder for folder in found if folder is not None and folder.parent != folder]


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _path(value: object) -> Path | None:
    if not isinstance(value, str) or not value or "\0" in value or not os.path.isabs(value):
        return None
    return Path(value)
