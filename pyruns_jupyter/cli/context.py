"""What a verb needs from its front end: the current workspace, and ways to show things."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.printable import printable_json, printable_text
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.taskfile.paths import find_root
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, is_workspace

ACTIVE_FILE = ".active_workspace"  # shared with the command-line program `pyruns`


class Context(ABC):
    """One front end: a terminal, or a notebook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def write(self, text: str) -> None:
        """Show text as it is, without adding a line end."""

    @abstractmethod
    def show(self, value: Any) -> None:
        """Show an object in the best way the front end has."""

    def line(self, text: str) -> None:
        """Show a line, or several: a name or a message in it must not command a terminal."""
        self.write(printable_text(text) + "\n")

    def aside(self, text: str) -> None:
        """Say one line that is no part of the result."""
        print(printable_text(text), file=sys.stderr)

    def json(self, value: Any) -> None:
        """Show data for a program; of a list each item is a line."""
        if isinstance(value, list) and value:
            lines = (json.dumps(item, ensure_ascii=False, default=str) for item in value)
            text = "[\n" + ",\n".join(lines) + "\n]"
        else:
            text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
        self.write(printable_json(text) + "\n")

    def workspace(self, name: str | None) -> Workspace:
        """Return the workspace a command is about: the named one, else the current, else the only one.

        Raises:
            NotFound: when there is none, with what to do.
        """
        root = find_root(self.folder)
        if name is None:
            name = _read_active(root)
        if name is not None:
            return Workspace(WorkspaceFolder.at(root / name))
        found = workspaces_in(root)
        if len(found) == 1:
            return Workspace(found[0])
        names = ", ".join(workspace.name for workspace in found) or "none yet"
        raise NotFound(
            f"Which workspace? {root} has: {names}. Say 'open SCRIPT' once, or give -w NAME with the command."
        )

    def open(self, target: str) -> Workspace:
        """Open a script or folder and make it the current workspace."""
        workspace = Workspace.open(self.folder / target)
        write_atomic(workspace.folder.root / ACTIVE_FILE, workspace.name.encode(), durable=False)
        return workspace


def _read_active(root: Path) -> str | None:
    try:
        name = read_text(root / ACTIVE_FILE).strip()
    except (OSError, Unreadable):
        return None
    # The file is only a hint: a workspace that is gone since must not stand in the way.
    return name if name and "/" not in name and is_workspace(root / name) else None


def split_run(name: str) -> tuple[str, int | None]:
    """Split `NAME@RUN` into the name and the run's index (None when not given).

    Raises:
        PyrunsError: when what follows `@` is no run number.
    """
    task, separator, run = name.partition("@")
    if not separator:
        return task, None
    if not run.isdecimal() or int(run) < 1:
        raise PyrunsError(f"{name!r}: after '@' comes the number of a run, from 1.")
    return task, int(run)
