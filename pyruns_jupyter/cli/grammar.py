"""The verbs and their options, as one argparse parser that both front ends use."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .batch_arguments import add_run_options
from .parser import AddVerb, Parser, Verb, explain_query, keys, positive
from .verbs import ALL
from .verbs.creating import add_creation, add_saving
from .verbs.searching import add_search_options


def build_parser(program: str, *, views: bool = False) -> argparse.ArgumentParser:
    """Return the parser; `program` is how the user calls it (`jupyter pyruns`, `%pyruns`).

    With `views` it also knows the verbs that show a live view, which only a notebook can.
    """
    parser = Parser(prog=program, description="Run experiments: every task is a folder of plain files.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(
        name: str,
        about: str,
        do: Verb | None = None,
        *,
        workspace: bool = True,
        json: bool = True,
        aliases: Sequence[str] = (),
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, aliases=aliases)
        made.set_defaults(do=do)
        if workspace:
            made.add_argument(
                "-w", "--workspace", metavar="NAME", help="workspace instead of the current one"
            )
        if json:
            made.add_argument("--json", action="store_true", help="write JSON for a program to read")
        return made

    for verbs_of in ALL:
        verbs_of.add_verbs(verb)
    if views:
        _add_views(verb)
    return parser


def _add_views(verb: AddVerb) -> None:
    """Add the verbs that show a live view in a cell."""

    def view(name: str, about: str, *, query: bool = False) -> argparse.ArgumentParser:
        made = verb(name, about, json=False)
        made.add_argument("--height", type=positive, metavar="PIXELS", help="how high it is")
        if query:
            made.add_argument("query", nargs="*", help="which tasks, such as 'status:completed lr<0.05'")
            explain_query(made)
        return made

    view("dashboard", "Show the machine, its GPUs, and what runs and waits (also without any verb)")
    view("generator", "Show a form that makes tasks from a configuration")
    view("manager", "Show the table of tasks", query=True)
    view("gpus", "Show the loads of the machine and its GPUs")
    view("compare", "Show tasks beside each other, with their plots", query=True)
    made = view("plot", "Show curves of tasks over each other", query=True)
    made.add_argument("-f", "--figures", type=keys, default=[], metavar="KEY[,KEY...]", help="which ones")
    made.add_argument("-x", default="", metavar="STEP", help="over what: a step, 'point' or 'time'")
    made = view("monitor", "Show the log of a task, live")
    made.add_argument("name", nargs="?", help="by default the task that started last")


def build_cell_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of a cell's first line, whose file is the cell itself."""
    parser = Parser(prog=program, description="Use the cell as a configuration or as a shell script.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
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
        {"plan": add_saving, "optimize": add_search_options}.get(name, add_creation)(made)
    about = "The cell is Python: run it as a task of its own, while the kernel stays free"
    made = verbs.add_parser("task", help=about, description=about)
    made.add_argument("-n", "--name", default="cell", help="name of the task (default: %(default)s)")
    made.add_argument(
        "--with",
        dest="given",
        type=keys,
        default=[],
        metavar="VARIABLE[,VARIABLE...]",
        help="variables of the notebook that it gets, as they are now",
    )
    made.add_argument("--to", metavar="VARIABLE", help="variable that the task is put into; see its value()")
    made.add_argument("--json", action="store_true", help="write JSON for a program to read")
    add_run_options(made)
    return parser
