"""The verbs and their options, as one argparse parser that both front ends use."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pyruns_jupyter.core.common.errors import PyrunsError

from .queuegrammar import add_queue_verbs, add_run_options, add_search_options, positive
from .taskgrammar import MakeVerb, add_export, add_task_verbs

QUERY_HELP = """\
the search (put it between single quotes, so that the shell leaves it alone):
  word "exact words"     in name, swept values, notes, tags; all of them, in any order
  /regex/                a regular expression
  -x   a OR b   (...)    not x; one of them; parentheses
  lr<0.01  acc>=0.9      swept values, figures, any key of the configuration; also != and =
  lr:1e-4..1e-2  lr:..1  a range
  opt:adam,sgd           one of them
  run_*_7  opt:ad*       a * stands for anything
  status:failed,running  also is:active, is:pinned, is:damaged, kind:shell
  started<2h  started>2d less, more than that ago; also started>2026-11-01, finished:today
  duration>10m  runs>1   also exit_code, progress
  has:acc  no:acc        with and without such a value
  name: note: tag: gpu: study: run: message: log:"out of memory"
                         a word, "exact words" or a /regex/ in one place
"""


# `run --config FILE` is how another program does it.
_OF_A_FILE = (
    " Use 'sweep FILE --run' to create and run the tasks of a configuration, 'plan FILE' to see them."
)


class UsageError(PyrunsError):
    """The words of a command do not fit its grammar."""

    code = "usage"


class HelpShown(Exception):
    """Help was asked for and written; there is nothing to run."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process: a notebook's kernel must survive a typing error."""

    def error(self, message: str) -> NoReturn:
        hint = _OF_A_FILE if message.startswith("unrecognized arguments: --config") else ""
        raise UsageError(f"{message[0].upper()}{message[1:]}.{hint}\n{self.format_usage().strip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown

    def _flags(self) -> dict[str, argparse.Action]:
        return {flag: action for action in self._actions for flag in action.option_strings}

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # argparse has overloads
        """Read words; where a search is expected, `-term` is a part of it and no option."""
        if args is not None and self.get_default("takes_query"):
            args = _query_last(args, {flag: action.nargs != 0 for flag, action in self._flags().items()})
        return super().parse_known_args(args, namespace)


def build_parser(program: str, *, views: bool = False) -> argparse.ArgumentParser:
    """Return the parser; `program` is how the user calls it (`jupyter pyruns`, `%pyruns`).

    With `views` it also knows the verbs that show a live view, which only a notebook can.
    """
    parser = _Parser(prog=program, description="Run experiments: every task is a folder of plain files.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)

    def verb(
        name: str, about: str, *, workspace: bool = True, json: bool = True, aliases: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, aliases=aliases)
        if workspace:
            made.add_argument(
                "-w", "--workspace", metavar="NAME", help="workspace instead of the current one"
            )
        if json:
            made.add_argument("--json", action="store_true", help="write JSON for a program to read")
        return made

    about = "Open a script, a notebook or a folder and make it the current workspace"
    made = verb("open", about, workspace=False, aliases=["init"])
    made.add_argument(
        "target",
        nargs="?",
        default=".",
        help="a Python script, a notebook, or a folder (default: this one) for its shell workspace",
    )

    made = verb("sweep", "Create the tasks of a configuration with batch syntax")
    made.add_argument("file", help="YAML file; '-' reads standard input")
    _add_creation(made)

    made = verb("plan", "Show what a configuration with batch syntax would make, and save it as a plan file")
    made.add_argument("file", help="YAML file; '-' reads standard input")
    _add_saving(made)

    made = verb("add", "Create one task from a configuration; 'sweep' creates those of batch syntax")
    made.add_argument("file", help="YAML file; '-' reads standard input")
    _add_creation(made)

    made = verb("exec", "Create a shell task from a command line and run it")
    made.add_argument("-n", "--name", default="shell", help="name of the task (default: %(default)s)")
    made.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- ARGV", help="the command and its words"
    )

    add_queue_verbs(verb)

    made = verb("ls", "List tasks")
    made.add_argument("query", nargs="*", help="what to look for, such as 'status:failed lr<0.05'; see below")
    made.add_argument(
        "--sort",
        default="created",
        help="fields between commas, each with a '-' to turn it around: name, status, created, started, "
        "duration, or any key, such as acc,-lr (default: %(default)s)",
    )
    made.add_argument("--order", choices=("asc", "desc"), default="asc", help="the direction")
    _explain_query(made)

    _explain_query(add_export(verb))

    verb("status", "Show the current workspace and its counts")

    made = verb("show", "Show one task: its runs, configuration and figures")
    made.add_argument("name", metavar="NAME[@RUN]", help="a task, with @2 its second run")

    made = verb("log", "Write a task's log", json=False)
    made.add_argument("name", metavar="NAME[@RUN]", help="a task, with @2 its second run")
    made.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    made.add_argument("--tail", type=positive, metavar="BYTES", help="only the last so many bytes")

    add_task_verbs(verb)

    made = verb("doctor", "Say what is wrong with the project; exit code 1 for an error", workspace=False)
    made.add_argument("--repair", action="store_true", help="do what can be done about it")

    made = verb("config", "Show the settings of the project, or change some", workspace=False)
    made.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="such as silent_after_minutes=30")

    verb("metrics", "Show CPU, memory and GPUs", workspace=False)

    made = verb("lab", "Open JupyterLab on a workspace", workspace=False, json=False)
    made.add_argument("target", nargs="?", default=".", help="a script, a notebook or a folder")
    if views:
        _add_views(verb)
    return parser


def _add_views(verb: MakeVerb) -> None:
    """Add the verbs that show a live view in a cell."""

    def view(name: str, about: str, *, query: bool = False) -> argparse.ArgumentParser:
        made = verb(name, about, json=False)
        made.add_argument("--height", type=positive, metavar="PIXELS", help="how high it is")
        if query:
            made.add_argument("query", nargs="*", help="which tasks, such as 'status:completed lr<0.05'")
            _explain_query(made)
        return made

    view("dashboard", "Show the machine, its GPUs, and what runs and waits (also without any verb)")
    view("generator", "Show a form that makes tasks from a configuration")
    view("manager", "Show the table of tasks", query=True)
    view("gpus", "Show the loads of the machine and its GPUs")
    view("compare", "Show tasks beside each other, with their plots", query=True)
    made = view("plot", "Show curves of tasks over each other", query=True)
    made.add_argument("-f", "--figures", type=_keys, default=[], metavar="KEY[,KEY...]", help="which ones")
    made.add_argument("-x", default="", metavar="STEP", help="over what: a step, 'point' or 'time'")
    made = view("monitor", "Show the log of a task, live")
    made.add_argument("name", nargs="?", help="by default the task that started last")


def _keys(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]


def _explain_query(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(takes_query=True)
    parser.epilog = QUERY_HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def build_cell_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of a cell's first line, whose file is the cell itself."""
    parser = _Parser(prog=program, description="Use the cell as a configuration or as a shell script.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for name, about, default in (
        ("sweep", "The cell is YAML with batch syntax: create its tasks", None),
        ("plan", "The cell is YAML with batch syntax: show what it would make", None),
        ("optimize", "The cell is YAML with ranges and choices: search for the best configuration", None),
        ("shell", "The cell is a shell script: create a task from it", "."),
    ):
        made = verbs.add_parser(name, help=about, description=about)
        made.add_argument(
            "target", nargs="?", default=default, help="script or folder (default: the current workspace)"
        )
        made.add_argument("-w", "--workspace", metavar="NAME", help="workspace instead of the current one")
        made.add_argument("--json", action="store_true", help="write JSON for a program to read")
        {"plan": _add_saving, "optimize": add_search_options}.get(name, _add_creation)(made)
    about = "The cell is Python: run it as a task of its own, while the kernel stays free"
    made = verbs.add_parser("task", help=about, description=about)
    made.add_argument("-n", "--name", default="cell", help="name of the task (default: %(default)s)")
    made.add_argument(
        "--with",
        dest="given",
        type=_keys,
        default=[],
        metavar="VARIABLE[,VARIABLE...]",
        help="variables of the notebook that it gets, as they are now",
    )
    made.add_argument("--to", metavar="VARIABLE", help="variable that the task is put into; see its value()")
    made.add_argument("--json", action="store_true", help="write JSON for a program to read")
    add_run_options(made)
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n",
        "--name",
        help="name, what names begin with, or a pattern such as '{lr}-{seed}', where {n} is the number, "
        "{name} the workspace's name and {lr:.0e} a format (default: what a plan file says, else task)",
    )


def _add_saving(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("-o", "--output", metavar="PLAN", help="save it in this file, which 'sweep' reads")
    parser.add_argument("--force", action="store_true", help="replace an older plan file")


def _add_creation(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("--run", action="store_true", help="queue them at once")
    add_run_options(parser)


def _query_last(words: Sequence[str], flags: Mapping[str, bool]) -> list[str]:
    """Return words with the options first and the search behind `--`.

    `flags` are the options there are, and whether a value follows each of them.
    """
    options: list[str] = []
    query: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            query += left
            break
        if word in flags:
            valued = flags[word] and bool(left)
            if not valued:
                options.append(word)
            elif word.startswith("--"):
                options.append(f"{word}={left.pop(0)}")
            else:
                options += [word, left.pop(0)]
        elif word.startswith("--"):
            options.append(word)
        else:
            query.append(word)
    return [*options, "--", *query] if query else options
