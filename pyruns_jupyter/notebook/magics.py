"""`%pyruns` and `%%pyruns`: the command line's grammar in a notebook, with live tables."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError as MagicUsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.cli.context import Context
from pyruns_jupyter.cli.grammar import HelpShown, UsageError, build_cell_parser, build_parser
from pyruns_jupyter.cli.terminal import error_text
from pyruns_jupyter.cli.verbs import VERBS, create
from pyruns_jupyter.core.errors import NotFound, PyrunsError

LINE_PROGRAM = "%pyruns"
CELL_PROGRAM = "%%pyruns"


class NotebookContext(Context):
    """Text and objects as the output of a cell; the current workspace belongs to the kernel."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._current: Workspace | None = None

    def write(self, text: str) -> None:
        """Write text into the cell's output."""
        sys.stdout.write(text)

    def show(self, value: Any) -> None:
        """Display an object."""
        display(value)  # type: ignore[no-untyped-call]

    def workspace(self, name: str | None) -> Workspace:
        """Return the named workspace, else the kernel's current one, else as a terminal would."""
        return self._current if name is None and self._current is not None else super().workspace(name)

    def open(self, target: str) -> Workspace:
        """Open a script or folder and make it the kernel's current workspace."""
        self._current = super().open(target)
        return self._current


@magics_class
class PyrunsMagics(Magics):
    """The magics of one kernel."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._context = NotebookContext(Path.cwd())

    @line_cell_magic
    def pyruns(self, line: str, cell: str | None = None) -> None:
        """Run experiments from a cell.

        %pyruns                         the live task table
        %pyruns open train.py           make a script (or a folder) the current workspace
        %pyruns ls status:failed        list tasks; also run, log, stop, show, wait, status, rm, restore, mv
        %%pyruns sweep -n lr --run      the cell is YAML with batch syntax
        %%pyruns shell -n prepare       the cell is a shell script

        %pyruns --help lists everything.
        """
        self._context.folder = Path(os.getcwd())  # %cd changes it
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise MagicUsageError(f"{LINE_PROGRAM} {line}: {error}") from None
        try:
            if cell is None:
                self._line(words)
            else:
                self._cell(words, cell)
        except HelpShown:
            pass
        except UsageError as error:
            raise MagicUsageError(error.message) from None
        except PyrunsError as error:
            # A usage error shows as one sentence; a traceback of our frames would say nothing to the user.
            raise MagicUsageError(error_text(error)) from None

    def _line(self, words: list[str]) -> None:
        if not words or words == ["manager"]:
            self._show_table(self._context.workspace(None))
            return
        args = build_parser(LINE_PROGRAM).parse_args(words)
        if args.verb in ("sweep", "add") and args.file == "-":
            raise UsageError("A notebook has no standard input. Use %%pyruns sweep; the cell is the YAML.")
        VERBS[args.verb](self._context, args)

    def _cell(self, words: list[str], cell: str) -> None:
        args = build_cell_parser(CELL_PROGRAM).parse_args(words)
        if args.verb == "shell":
            workspace = Workspace.open(self._context.folder / args.target)
        elif args.target:
            workspace = self._context.open(args.target)
        else:
            workspace = self._context.workspace(args.workspace)
            if workspace.folder.kind != "script":
                raise NotFound(f"{workspace.name} is no script's workspace. Say %%pyruns sweep SCRIPT.")
        create(self._context, workspace, cell, args)

    def _show_table(self, workspace: Workspace) -> None:
        from .widgets import TaskTable

        workspace.attend()
        display(TaskTable(workspace))  # type: ignore[no-untyped-call]


def load(shell: InteractiveShell) -> None:
    """Register the magics and the live display of workspaces in a kernel (`%load_ext pyruns_jupyter`)."""
    shell.register_magics(PyrunsMagics)
    formatter = shell.display_formatter
    if formatter is not None:
        formatter.mimebundle_formatter.for_type(Workspace, _live_workspace)


def _live_workspace(workspace: Workspace, include: Any = None, exclude: Any = None) -> Any:
    from .widgets import TaskTable

    return TaskTable(workspace)._repr_mimebundle_(include=include, exclude=exclude)
