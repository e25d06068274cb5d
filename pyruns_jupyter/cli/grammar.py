"""The commands and their options, as one argparse parser that both front ends use."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Callable, Iterable, Mapping

from .batch_arguments import add_run_options
from .commands import MODULES
from .commands.create import add_creation, add_saving
from .commands.study import add_study_options
from .parser import AddCommand, Command, Parser, explain_query, keys, positive

GROUPS = {
    "Create": ("open", "sweep", "plan", "exec", "optimize"),
    "Run": ("run", "wait", "stop", "queue", "pause", "unpause", "requeue", "studies"),
    "Inspect": ("ls", "show", "log", "status", "export", "system", "lab"),
    "Organize": ("rename", "copy", "reorder", "pin", "tag", "note", "env", "delete", "restore"),
    "Maintain": ("config", "doctor", "trash", "purge", "archive", "import"),
}
VIEWS = ("dashboard", "new", "tasks", "logs", "gpus", "compare", "plot")


def build_parser(program: str, *, views: bool = False) -> Parser:
    """Return the parser; `program` is how the user calls it (`jupyter pyruns`, `%pyruns`).

    With `views` it also has the commands that show a live view, which only a notebook can.
    """
    parser, add_parser = _parser(program)

    def command(
        name: str, about: str, run: Command | None = None, *, workspace: bool = True, json: bool = True
    ) -> Parser:
        made = add_parser(name, about)
        made.set_defaults(run_command=run)
        _add_common(made, workspace, json)
        return made

    for module in MODULES:
        module.add_commands(command)
    if views:
        _add_views(command)
    _describe(parser, {**({"Show live": VIEWS} if views else {}), **GROUPS})
    return parser


def _describe(parser: Parser, groups: Mapping[str, Iterable[str]]) -> None:
    """Let the help list the commands by group."""
    lines = ["Run and compare parameter sweeps of your scripts. Tasks are stored as plain files."]
    for title, names in groups.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name:<11}{parser.commands[name].description}" for name in names]
    parser.description = "\n".join(lines)


def _parser(program: str) -> tuple[Parser, Callable[[str, str], Parser]]:
    parser = Parser(prog=program, usage="%(prog)s COMMAND [OPTION ...] [ARGUMENT ...]")
    parser.epilog = f"Run '{program} COMMAND --help' for the options of a command and for examples."
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", help=SUPPRESS, prog=program, parser_class=Parser
    )

    def add_parser(name: str, about: str) -> Parser:
        made: Parser = commands.add_parser(name, description=about)
        made.set_defaults(parser=made)
        return made

    return parser, add_parser


def _add_common(parser: Parser, workspace: bool = True, json: bool = True) -> None:
    group = parser.add_argument_group("common options")
    if workspace:
        group.add_argument(
            "-w", "--workspace", metavar="NAME", help="workspace to use (default: the current one)"
        )
    if json:
        group.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_views(command: AddCommand) -> None:
    """Add the commands that show a live view in a cell."""

    def view(name: str, about: str, *, query: bool = False) -> Parser:
        parser = command(name, about, json=False)
        parser.add_argument("--height", type=positive, metavar="PIXELS", help="height of the view in pixels")
        if query:
            parser.add_argument(
                "query", nargs="*", metavar="QUERY", help="query that selects the tasks, such as 'lr<0.05'"
            )
            explain_query(parser)
        return parser

    view("dashboard", "Show machine and GPU utilization, running tasks and the queue (default)")
    view("new", "Show the form for new tasks")
    view("tasks", "Show the task table", query=True)
    view("gpus", "Show CPU, memory and GPU utilization")
    view("compare", "Compare tasks in a table and in plots", query=True)
    add = view("plot", "Plot metrics of tasks in one chart", query=True).add_argument
    add(
        "-f",
        "--metrics",
        type=keys,
        default=[],
        metavar="KEY[,KEY...]",
        help="metrics to plot (default: all)",
    )
    add("-x", default="", metavar="STEP", help="x axis: a step metric such as epoch, 'point' or 'time'")
    add = view("logs", "Show the live log of a task").add_argument
    add("name", nargs="?", metavar="NAME", help="task name (default: the most recently started task)")


def build_cell_parser(program: str) -> Parser:
    """Return the parser of a cell's first line; the cell is the file."""
    main, add_parser = _parser(program)
    for name, about, default, add_options in (
        ("sweep", "Create the tasks of a sweep from the YAML in the cell", None, add_creation),
        ("plan", "Preview a sweep from the YAML in the cell", None, add_saving),
        (
            "optimize",
            "Start a hyperparameter study from the search space in the cell",
            None,
            add_study_options,
        ),
        ("shell", "Create a shell task from the script in the cell", ".", add_creation),
    ):
        parser = add_parser(name, about)
        about = f"script or folder to use as the workspace (default: {default or 'the current workspace'})"
        parser.add_argument("target", nargs="?", metavar="TARGET", default=default, help=about)
        _add_common(parser)
        add_options(parser)
    parser = add_parser("task", "Run the cell as a Python task without blocking the kernel")
    add = parser.add_argument
    add("-n", "--name", default="cell", help="name of the task (default: %(default)s)")
    about = "notebook variables to copy into the task"
    add("--with", dest="given", type=keys, default=[], metavar="VARIABLE[,VARIABLE...]", help=about)
    add(
        "--to",
        metavar="VARIABLE",
        help="variable to assign the task to; VARIABLE.value() returns the value of the cell",
    )
    _add_common(parser, workspace=False)
    add_run_options(parser)
    _describe(main, {"In a cell": main.commands})
    return main
