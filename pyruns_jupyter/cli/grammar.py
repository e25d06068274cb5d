"""The verbs and their options, as one argparse parser that both front ends use."""

from __future__ import annotations

import argparse
from typing import NoReturn

from pyruns_jupyter.core.errors import PyrunsError


class UsageError(PyrunsError):
    """The words of a command do not fit its grammar."""

    code = "usage"


class HelpShown(Exception):
    """Help was asked for and written; there is nothing to run."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process: a notebook's kernel must survive a typing error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}.\n{self.format_usage().strip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown


def build_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser; `program` is how the user calls it (`jupyter pyruns`, `%pyruns`)."""
    parser = _Parser(prog=program, description="Run experiments: every task is a folder of plain files.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)

    def verb(name: str, about: str, *, workspace: bool = True, json: bool = True) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about)
        if workspace:
            made.add_argument(
                "-w", "--workspace", metavar="NAME", help="workspace instead of the current one"
            )
        if json:
            made.add_argument("--json", action="store_true", help="write JSON for a program to read")
        return made

    made = verb("open", "Open a script or a folder and make it the current workspace", workspace=False)
    made.add_argument("target", help="a Python script, or a folder for its shell workspace")

    made = verb("sweep", "Create the tasks of a configuration with batch syntax")
    made.add_argument("file", help="YAML file; '-' reads standard input")
    _add_creation(made)

    made = verb("add", "Create one task from a configuration")
    made.add_argument("file", help="YAML file; '-' reads standard input")
    _add_creation(made)

    made = verb("exec", "Create a shell task from a command line and run it")
    made.add_argument("-n", "--name", default="shell", help="name of the task (default: %(default)s)")
    made.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- ARGV", help="the command and its words"
    )

    made = verb("run", "Queue tasks; they run detached from this program")
    made.add_argument("names", nargs="+", metavar="NAME")
    made.add_argument(
        "-j", "--jobs", type=_positive, default=1, help="how many run at a time (default: %(default)s)"
    )

    made = verb("ls", "List tasks")
    made.add_argument("query", nargs="*", help="what to look for, such as 'status:failed lr<0.05'")
    made.add_argument("--sort", default="created", help="name, status, created, started, duration, or a key")
    made.add_argument("--order", choices=("asc", "desc"), default="asc")

    verb("status", "Show the current workspace and its counts")

    made = verb("show", "Show one task: its runs, configuration and figures")
    made.add_argument("name", metavar="NAME[@RUN]")

    made = verb("log", "Write a task's log", json=False)
    made.add_argument("name", metavar="NAME[@RUN]")
    made.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    made.add_argument("--tail", type=_positive, metavar="BYTES", help="only the last so many bytes")

    made = verb("wait", "Wait until tasks have ended; exit code 1 when one did not complete")
    made.add_argument("names", nargs="*", metavar="NAME", help="which tasks (default: all)")
    made.add_argument("--timeout", type=float, metavar="SECONDS")

    made = verb("stop", "Cancel waiting tasks and stop running ones")
    made.add_argument("names", nargs="+", metavar="NAME")

    made = verb("rm", "Move tasks to the trash")
    made.add_argument("names", nargs="+", metavar="NAME")

    made = verb("restore", "Bring tasks back from the trash")
    made.add_argument("names", nargs="+", metavar="NAME")

    made = verb("mv", "Rename a task")
    made.add_argument("name")
    made.add_argument("new_name", metavar="NEW")

    made = verb("pin", "Keep tasks on top of every list")
    made.add_argument("names", nargs="+", metavar="NAME")
    made.add_argument("--off", action="store_true", help="let go again")

    made = verb("note", "Write a note on a task")
    made.add_argument("name")
    made.add_argument("text", nargs="+")

    verb("metrics", "Show CPU, memory and GPUs", workspace=False)

    made = verb("lab", "Open JupyterLab on a workspace", workspace=False, json=False)
    made.add_argument("target", nargs="?", default=".")
    return parser


def build_cell_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of a cell's first line, whose file is the cell itself."""
    parser = _Parser(prog=program, description="Use the cell as a configuration or as a shell script.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for name, about, default in (
        ("sweep", "The cell is YAML with batch syntax: create its tasks", None),
        ("shell", "The cell is a shell script: create a task from it", "."),
    ):
        made = verbs.add_parser(name, help=about, description=about)
        made.add_argument(
            "target", nargs="?", default=default, help="script or folder (default: the current workspace)"
        )
        made.add_argument("-w", "--workspace", metavar="NAME", help="workspace instead of the current one")
        made.add_argument("--json", action="store_true", help="write JSON for a program to read")
        _add_creation(made)
    return parser


def _add_creation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--name", default="task", help="name, or what names begin with (default: %(default)s)"
    )
    parser.add_argument("--run", action="store_true", help="queue them at once")
    parser.add_argument(
        "-j", "--jobs", type=_positive, default=1, help="how many run at a time (default: %(default)s)"
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


_positive.__name__ = "whole number from 1"  # what argparse calls it in its message
