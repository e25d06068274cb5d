"""What a command needs from its front end: the current workspace, and ways to show results."""

from __future__ import annotations

import argparse
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.printable import printable_json, printable_text

if TYPE_CHECKING:
    from pyruns_jupyter.api import Workspace

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
        """Show one or several lines, without characters that control a terminal."""
        self.write(printable_text(text) + "\n")

    def aside(self, text: str) -> None:
        """Print a message that is not part of the result."""
        print(printable_text(text), file=sys.stderr)

    def json(self, value: Any) -> None:
        """Show data for a program; each item of a list is a line."""
        import json  # the help is shown faster without it

        if isinstance(value, list) and value:
            encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
            text = "[\n" + ",\n".join(map(encode, value)) + "\n]"
        else:
            text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
        self.write(printable_json(text) + "\n")

    def result(self, args: argparse.Namespace, data: Any, shown: Any) -> int:
        """Show a result and return exit code 0.

        Args:
            args: with `--json`, `data` is shown, otherwise `shown`.
            data: for JSON, or a function that returns it.
            shown: an object, or lines of text.
        """
        if args.json:
            self.json(data() if callable(data) else data)
        elif isinstance(shown, str):
            self.line(shown)
        else:
            self.show(shown)
        return 0

    def workspace(self, name: str | None) -> Workspace:
        """Return the named workspace, else the current one, else the only one of the project.

        Raises:
            NotFound: if there is none.
        """
        from pyruns_jupyter.api import Workspace  # the help is shown faster without it
        from pyruns_jupyter.core.taskfile.paths import find_root
        from pyruns_jupyter.core.workspace.discovery import workspaces_in
        from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

        root = find_root(self.folder)
        if name is None:
            name = _read_active(root)
        if name is not None:
            return Workspace(WorkspaceFolder.at(root / name))
        found = workspaces_in(root)
        if len(found) == 1:
            return Workspace(found[0])
        names = ", ".join(workspace.name for workspace in found) or "none"
        raise NotFound(
            "No current workspace. Select one with 'open SCRIPT' or '-w NAME'. Workspaces in "
            f"{root}: {names}."
        )

    def open(self, target: str) -> Workspace:
        """Open a script or folder and make it the current workspace."""
        from pyruns_jupyter.api import Workspace
        from pyruns_jupyter.core.fs.atomic import write_atomic

        workspace = Workspace.open(self.folder / target)
        write_atomic(workspace.folder.root / ACTIVE_FILE, workspace.name.encode(), durable=False)
        return workspace


def _read_active(root: Path) -> str | None:
    from pyruns_jupyter.core.fs.text_files import read_text
    from pyruns_jupyter.core.workspace.workspace import is_workspace

    try:
        name = read_text(root / ACTIVE_FILE).strip()
    except (OSError, Unreadable):
        return None
    # The workspace may have been deleted since.
    return name if name and "/" not in name and is_workspace(root / name) else None


def split_run(name: str) -> tuple[str, int | None]:
    """Split `NAME@RUN` into the name and the run's index (None when not given).

    Raises:
        PyrunsError: if `@` is not followed by a run number.
    """
    task, separator, run = name.partition("@")
    if not separator:
        return task, None
    if not run.isdecimal() or int(run) < 1:
        raise PyrunsError(f"Expected NAME@RUN with a run number from 1, got {name!r}.")
    return task, int(run)
