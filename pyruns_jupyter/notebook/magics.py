"""The magics `%pyruns` and `%%pyruns`: the commands of the command line, and live views."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError as MagicUsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.display import display

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.creation import submit_or_delete
from pyruns_jupyter.api.queue import batch_request
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.cli.batch_arguments import run_options
from pyruns_jupyter.cli.cell_grammar import build_cell_parser
from pyruns_jupyter.cli.commands.create import create, report_created, show_plan
from pyruns_jupyter.cli.commands.study import optimize
from pyruns_jupyter.cli.completion import completions
from pyruns_jupyter.cli.context import Context
from pyruns_jupyter.cli.grammar import VIEWS, build_parser
from pyruns_jupyter.cli.parser import HelpShown, Parser, UsageError
from pyruns_jupyter.cli.terminal import error_text
from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, os_sentence

_GIVEN_NAME = re.compile(r"""(?<!\S)(?:-n|--name)(?:\s+|=)(?:'[^']*'|"[^"]*"|\S+)""")
_INNER_QUOTES = re.compile(r'(?<=[:=<>,])"(?:\\.|[^"\\])*"')
LINE_PROGRAM = "%pyruns"
CELL_PROGRAM = "%%pyruns"


class NotebookContext(Context):
    """The context of commands in a notebook. It shows results in the output of the cell."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._current: Workspace | None = None

    def write(self, text: str) -> None:
        """Write text to the output of the cell."""
        sys.stdout.write(text)

    def show(self, value: Any) -> None:
        """Display an object."""
        display(value)  # type: ignore[no-untyped-call]

    def workspace(self, name: str | None) -> Workspace:
        """Return the named workspace, else the kernel's current one, else that of the terminal."""
        return self._current if name is None and self._current is not None else super().workspace(name)

    def open(self, target: str) -> Workspace:
        """Open a script or folder as the current workspace of the kernel."""
        self._current = super().open(target)
        return self._current


@magics_class
class PyrunsMagics(Magics):
    """The magics of one kernel."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._context = NotebookContext(Path.cwd())

    @no_var_expand
    @line_cell_magic
    def pyruns(self, line: str, cell: str | None = None) -> None:
        """Create, run and inspect tasks from a notebook.

        %pyruns                         show the dashboard: GPUs, running tasks, queue
        %pyruns tasks                   show the task table; also new, logs, gpus, compare, plot
        %pyruns open train.py           open a script (or a folder) as the current workspace
        %pyruns ls status:failed lr<1   list tasks; %pyruns ls --help explains queries
                                        also run, log, stop, show, wait, status, delete, rename
        %%pyruns sweep -n lr --run      create and run a sweep; the cell is its YAML
        %%pyruns plan -n {lr}-{seed}    preview a sweep; -o FILE saves it as a plan file
        %%pyruns optimize --objective acc --trials 50   start a study; the cell is its search space
        %%pyruns shell -n prepare       create a shell task; the cell is its script
        %%pyruns task --with lr --to t  run the cell as a Python task; t.value() is its value

        %pyruns --help and %%pyruns --help list all commands.
        """
        self._context.folder = Path(os.getcwd())  # %cd may have changed it
        line = self._expanded(line)
        parser = _parser(LINE_PROGRAM if cell is None else CELL_PROGRAM)
        command = parser.find(next(iter(line.split()), ""))
        takes_query = command is not None and command.get_default("takes_query")
        try:
            words = shlex.split(_with_quotes(line) if takes_query else line)
        except ValueError as error:
            raise MagicUsageError(f"{LINE_PROGRAM} {line}: {error}") from None
        try:
            if cell is None:
                self._line(parser.parse_args(words or ["dashboard"]))
            else:
                self._cell(parser.parse_args(words), cell)
        except HelpShown:
            pass
        except UsageError as error:
            raise MagicUsageError(error.message) from None
        except PyrunsError as error:
            # IPython shows a usage error without a traceback.
            raise MagicUsageError(error_text(error)) from None
        except OSError as error:
            raise MagicUsageError(os_sentence(error)) from None

    def _expanded(self, line: str) -> str:
        """Expand variables (`{path}`, `$path`) like other magics, except in a name: it may be a pattern."""
        result, position = "", 0
        for found in _GIVEN_NAME.finditer(line):
            result += self._filled(line[position : found.start()]) + found.group()
            position = found.end()
        return result + self._filled(line[position:])

    def _filled(self, text: str) -> str:
        assert self.shell is not None
        return str(self.shell.var_expand(text, 2))  # type: ignore[no-untyped-call]

    def _line(self, args: argparse.Namespace) -> None:
        if args.command in VIEWS:
            from .views import show_view

            show_view(self._context, args)
            return
        if args.command in ("sweep", "plan", "optimize") and args.file == "-":
            raise UsageError(
                f"A notebook has no standard input. Use the cell magic '%%pyruns {args.command}' instead."
            )
        args.run_command(self._context, args)

    def _cell(self, args: argparse.Namespace, cell: str) -> None:
        if args.command == "task":
            self._task(cell, args)
            return
        if args.command == "shell":
            workspace = Workspace.open(self._context.folder / args.target)
        elif args.target:
            if args.workspace:
                args.parser.error("Specify either TARGET or --workspace, not both")
            workspace = self._context.open(args.target)
        else:
            workspace = self._context.workspace(args.workspace)
            if workspace.folder.kind != "script":
                raise NotFound(
                    f"{workspace.name} is not the workspace of a script. Use '%%pyruns "
                    f"{args.command} SCRIPT'."
                )
        if args.command == "plan":
            show_plan(self._context, workspace, cell, args)
        elif args.command == "optimize":
            optimize(self._context, workspace, cell, args)
        else:
            check = args.command == "sweep" and args.check
            report_created(self._context, args, workspace, create(workspace, cell, args, check=check))

    def _task(self, cell: str, args: argparse.Namespace) -> None:
        from .cell_tasks import create_cell_task

        assert self.shell is not None
        variables = self.shell.user_ns
        for name in args.given:
            if name not in variables:
                raise UsageError(f"The variable {name!r} in --with does not exist in the notebook.")
        if args.to is not None and not args.to.isidentifier():
            raise UsageError(f"{args.to!r} in --to is not a valid variable name.")
        options = run_options(args)
        workspace = Workspace.open(self._context.folder)
        request = batch_request(workspace.folder, options)  # before anything is created
        task = create_cell_task(workspace, cell, args.name, {name: variables[name] for name in args.given})
        submit_or_delete(request, [task])  # the cell will be fixed and run again
        if args.to is not None:
            variables[args.to] = task
        data = {"workspace": workspace.name, "names": [task.name], "queued": True}
        self._context.result(args, data, f"Queued as task {task.name} of {workspace.name}")

    def complete(self, _shell: Any, event: Any) -> list[str]:
        """Return completions of the word at the cursor; see `IPython.core.completerlib`."""
        self._context.folder = Path(os.getcwd())
        program, _, line = event.text_until_cursor.lstrip().partition(" ")
        before, _, last = line.rpartition(" ")
        found = completions(self._context, _parser(program), before.split(), last)
        # IPython replaces only the last part of a word with signs such as `=`.
        known = last[: len(last) - len(event.symbol)] if last.endswith(event.symbol) else ""
        return [word[len(known) :] for word in found]


def _parser(program: str) -> Parser:
    return build_cell_parser(program) if program == CELL_PROGRAM else build_parser(program, views=True)


def _with_quotes(line: str) -> str:
    """Return a line with a query, in which inner quotes are kept: no shell removes them."""
    if "'" in line:
        return line
    return _INNER_QUOTES.sub(lambda found: f"'{found.group()}'", line)


def load(shell: InteractiveShell) -> None:
    """Register the magics, and the widgets that display workspaces and tasks (`%load_ext pyruns_jupyter`)."""
    magics = PyrunsMagics(shell)
    shell.register_magics(magics)
    for program in (LINE_PROGRAM, CELL_PROGRAM):
        shell.set_hook("complete_command", magics.complete, str_key=program)  # type: ignore[no-untyped-call]
    formatter = shell.display_formatter
    if formatter is not None:
        formatter.mimebundle_formatter.for_type(Workspace, _live_workspace)
        formatter.mimebundle_formatter.for_type(Task, _live_task)


def _live_workspace(workspace: Workspace, include: Any = None, exclude: Any = None) -> Any:
    from .widgets import TaskTable

    return TaskTable(workspace)._repr_mimebundle_(include=include, exclude=exclude)


def _live_task(task: Task, include: Any = None, exclude: Any = None) -> Any:
    from .widgets import Log

    return Log(task)._repr_mimebundle_(include=include, exclude=exclude)
