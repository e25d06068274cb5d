"""The folder that the files of a project must not leave.

Scripts, their modules and their configurations are read from the project's repository only; without one, from
the folder with a project file (`pyproject.toml` and the like), else from the project's own folder. Anything
outside of it, reached by a link or a stored path, belongs to something else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = (".git",)
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_MAX_LEVELS = 8


def project_boundary(project: Path) -> Path:
    """Return the folder outside of which nothing is read for a project.

    It is never the user's home folder or the root of the file system, whatever these contain.
    """
    project = Path(os.path.realpath(project))
    return marked_folder(project, REPOSITORY) or marked_folder(project, PROJECT_FILES) or project


def marked_folder(folder: Path, marks: Sequence[str]) -> Path | None:
    """Return the nearest one of a folder and those above it that has a file with one of these names."""
    home = os.path.expanduser("~")
    for one in (folder, *folder.parents)[:_MAX_LEVELS]:
        if str(one) in (home, os.path.realpath(home), one.anchor):
            break
        if any(os.path.lexists(one / mark) for mark in marks):
            return one
    return None


def is_inside(path: Path | str, folder: Path | str) -> bool:
    """Return whether `path` is `folder` or below it, with all links resolved."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError):
        return False


def belongs_to(path: Path | str, project: Path, within: Path | None = None) -> bool:
    """Return whether a file may be read for a project, with all links resolved.

    It must also be inside `within` (the root folder of a server), if that is given.
    """
    if within is not None and not is_inside(path, within):
        return False
    return is_inside(path, project) or is_inside(path, project_boundary(project))
