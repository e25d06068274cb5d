"""Finding the workspaces of a project, or of all projects below a folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.taskfile.paths import ROOT_NAME

from .workspace import WorkspaceFolder, is_workspace

_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
_MAX_VISITED = 5000  # folders that a search reads


def workspaces_in(root: Path) -> list[WorkspaceFolder]:
    """Return the workspaces of one `_pyruns_` folder, sorted by name.

    Raises:
        OSError: if it does not exist or cannot be read.
    """
    with os.scandir(root) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return [
        WorkspaceFolder(root / name) for name in sorted(names) if name[0] != "." and is_workspace(root / name)
    ]


def discover(base: Path, *, depth: int = 4, limit: int = 200) -> list[WorkspaceFolder]:
    """Return at most `limit` workspaces of projects at most `depth` folders below `base`, last used first.

    Projects closer to `base` are found first. Hidden folders, environments, `node_modules` and links are
    skipped, and the search ends after a limited number of folders.
    """
    found: list[WorkspaceFolder] = []
    level, visited = [Path(os.path.abspath(base))], 0
    for remaining in range(depth, -1, -1):
        following: list[Path] = []
        for folder in level:
            visited += 1
            if visited > _MAX_VISITED or len(found) >= limit:
                break
            for name in _subfolders(folder):
                if name == ROOT_NAME:
                    with suppress(OSError):
                        found.extend(workspaces_in(folder / name))
                elif remaining and name[0] != "." and name not in _SKIPPED:
                    following.append(folder / name)
        level = following
    return sorted(found[:limit], key=_last_used, reverse=True)


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _last_used(workspace: WorkspaceFolder) -> float:
    times = [0.0]
    for path in (workspace.folder, workspace.tasks):
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)
