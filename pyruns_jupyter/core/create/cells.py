"""Create the tasks that are notebook cells or calls of functions."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress

from pyruns_jupyter.core.config.sweep.naming import NameTaken
from pyruns_jupyter.core.taskfile.paths import CELL_RUNNER
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .create import create_tasks
from .preview import free_name

_MAX_RETRIES = 100  # while other processes create tasks with the same name


def create_cell(workspace: WorkspaceFolder, name: str, about: str, files: Mapping[str, bytes]) -> str:
    """Create a task that runs `files` with this process's Python, and return its name.

    A number is added to a name that is in use.

    Args:
        workspace: a shell workspace.
        name: the name of the task.
        about: a sentence for the start of its shell script.
        files: the content of its files, by the names that `CELL_RUNNER` reads.

    Raises:
        InvalidInput: if the name is not valid.
        Conflict, Busy: if tasks cannot be created in the folder now.
    """
    text = f"# {about}\n{shlex.quote(sys.executable)} -m {CELL_RUNNER}\n"
    for _ in range(_MAX_RETRIES):
        with suppress(NameTaken):  # by another process, a moment ago
            return create_tasks(workspace, text, free_name(workspace, name), files)[0]
    return create_tasks(workspace, text, free_name(workspace, name), files)[0]
