"""The commands and their options, as one argparse parser that the terminal and the line magic use."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module

from .parser import ALIASES, AddCommand, Command, Parser, explain_query, keys, positive

# The commands by group: the module in `commands` that adds each of them, and what it does.
GROUPS = {
    "Create": {
        "open": ("create", "Open a script, notebook or folder as the current workspace"),
        "sweep": ("create", "Create a task for each combination of the values in a YAML file"),
        "plan": ("create", "Preview a sweep, or save it as a plan file"),
        "exec": ("create", "Create a shell task from a command and run it"),
        "optimize": ("study", "Start a hyperparameter study (Optuna); each trial is a task"),
    },
    "Run": {
        "run": ("run", "Run tasks in the background"),
        "wait": ("run", "Wait until tasks end (exit code 1 unless all complete)"),
        "stop": ("run", "Stop running tasks and cancel queued ones"),
        "queue": ("queue", "Show the queue and why tasks are waiting"),
        "pause": ("queue", "Pause the project queue; running tasks continue"),
        "unpause": ("queue", "Resume the project queue"),
        "requeue": ("queue", "Requeue tasks that were queued in another copy of the project"),
        "studies": ("study", "List, show, stop, resume or delete studies"),
    },
    "Inspect": {
        "ls": ("listing", "List tasks"),
        "show": ("task", "Show the runs, configuration and metrics of a task"),
        "log": ("task", "Print the log of a task"),
        "stacks": ("task", "Show what each process of a running task is doing, with its Python stack"),
        "status": ("listing", "Show the current workspace and its number of tasks by status"),
        "failures": ("listing", "Group failed tasks by their error, with the parameter values they share"),
        "export": ("listing", "Export results and curves as CSV, JSON, Parquet, TensorBoard or MLflow"),
        "system": ("machine", "Show CPU, memory and GPU utilization"),
        "lab": ("machine", "Start JupyterLab in the project folder"),
    },
    "Organize": {
        "rename": ("organise", "Rename a task"),
        "copy": ("organise", "Copy the configuration, notes, tags and environment of a task"),
        "reorder": ("organise", "Move tasks before or after another task in the custom order"),
        "pin": ("organise", "Pin tasks to the top of every list"),
        "tag": ("organise", "Add or remove tags of tasks"),
        "note": ("organise", "Set the note of a task"),
        "env": ("organise", "Show or change the environment variables of a task"),
        "delete": ("organise", "Move tasks to the trash"),
        "restore": ("organise", "Restore tasks from the trash"),
    },
    "Maintain": {
        "config": ("maintain", "Show or change the project settings"),
        "metric": ("maintain", "Define whether the best value of a metric is the lowest or the highest"),
        "doctor": ("maintain", "Check the project for problems (exit code 1 if there are errors)"),
        "trash": ("maintain", "List the tasks in the trash"),
        "purge": ("maintain", "Permanently delete tasks in the trash"),
        "archive": ("maintain", "Pack tasks, their files and the script into a .zip file"),
        "import": ("maintain", "Import tasks from an archive, or runs of other programs"),
    },
    "Agents": {
        "mcp": ("agents", "Start an MCP server for an agent, on standard input and output"),
        "skills": ("agents", "Add a skill to the project that teaches agents these commands"),
    },
}
VIEWS = {
    "dashboard": "Show machine and GPU utilization, running tasks and the queue (default)",
    "new": "Show the form for new tasks",
    "tasks": "Show the task table",
    "logs": "Show the live log of a task",
    "gpus": "Show CPU, memory and GPU utilization",
    "compare": "Compare tasks in a table and in plots",
    "plot": "Plot metrics of tasks in one chart",
}
_LISTED = {name: command for group in GROUPS.values() for name, command in group.items()}


def build_parser(program: str, *, views: bool = False, words: Sequence[str] | None = None) -> Parser:
    """Return the parser of all commands, or of those that a command line needs.

    Args:
        program: how the user calls it (`jupyter pyruns`, `%pyruns`).
        views: also the commands that show a live view, which only a notebook can.
        words: the command line that will be parsed. Modules that it does not need are not imported, which
            takes longer than most commands.
    """
    abouts = {**VIEWS, **{name: about for name, (_, about) in _LISTED.items()}}
    parser, add_parser = new_parser(program)

    def command(
        name: str, run: Command | None = None, *, workspace: bool = True, json: bool = True
    ) -> Parser:
        made = add_parser(name, abouts[name])
        made.set_defaults(run_command=run)
        add_common(made, workspace, json)
        return made

    for module in _modules(words):
        import_module(f"{__package__}.commands.{module}").add_commands(command)
    if views:
        _add_views(command)
    titles = {title: {name: abouts[name] for name in group} for title, group in GROUPS.items()}
    describe(parser, {**({"Show live": VIEWS} if views else {}), **titles})
    return parser


def _modules(words: Sequence[str] | None) -> Iterable[str]:
    """Return the modules of the commands that may be needed."""
    if words is not None:
        if not words or words[0] in ("-h", "--help"):
            return ()
        name = ALIASES[words[0]].name if words[0] in ALIASES else words[0]
        if name in _LISTED:
            return (_LISTED[name][0],)
    return dict.fromkeys(module for module, _ in _LISTED.values())  # also for the message about a wrong word


def describe(parser: Parser, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Let the help list the descriptions of commands, by the title of their group and their name."""
    lines = ["Run and compare parameter sweeps of your scripts. Tasks are stored as plain files."]
    for title, abouts in groups.items():
        lines += ["", f"{title}:", *(f"  {name:<11}{about}" for name, about in abouts.items())]
    parser.description = "\n".join(lines)


def new_parser(program: str) -> tuple[Parser, Callable[[str, str], Parser]]:
    """Return a parser without commands, and the function that adds one by its name and description."""
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


def add_common(parser: Parser, workspace: bool = True, json: bool = True) -> None:
    """Add the options that most commands have."""
    group = parser.add_argument_group("common options")
    if workspace:
        group.add_argument(
            "-w", "--workspace", metavar="NAME", help="workspace to use (default: the current one)"
        )
    if json:
        group.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_views(command: AddCommand) -> None:
    """Add the commands that show a live view in a cell."""

    def view(name: str, *, query: bool = False) -> Parser:
        parser = command(name, json=False)
        parser.add_argument("--height", type=positive, metavar="PIXELS", help="height of the view in pixels")
        if query:
            parser.add_argument(
                "query", nargs="*", metavar="QUERY", help="query that selects the tasks, such as 'lr<0.05'"
            )
            explain_query(parser)
        return parser

    view("dashboard")
    view("new")
    view("tasks", query=True)
    view("gpus")
    view("compare", query=True)
    add = view("plot", query=True).add_argument
    add(
        "-f",
        "--metrics",
        type=keys,
        default=[],
        metavar="KEY[,KEY...]",
        help="metrics to plot (default: all)",
    )
    add("-x", default="", metavar="STEP", help="x axis: a step metric such as epoch, 'point' or 'time'")
    add = view("logs").add_argument
    add("name", nargs="?", metavar="NAME", help="task name (default: the most recently started task)")
