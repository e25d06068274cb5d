"""The commands of the cell magic, whose file is the cell."""

from __future__ import annotations

from .batch_arguments import add_run_options
from .commands.create import add_creation, add_saving, add_shell_creation
from .commands.study import add_study_options
from .grammar import add_common, describe, new_parser
from .parser import Parser, keys


def build_cell_parser(program: str) -> Parser:
    """Return the parser of a cell's first line; the cell is the file."""
    main, add_parser = new_parser(program)
    for name, about, default, add_options in (
        ("sweep", "Create the tasks of a sweep from the YAML in the cell", None, add_creation),
        ("plan", "Preview a sweep from the YAML in the cell", None, add_saving),
        (
            "optimize",
            "Start a hyperparameter study from the search space in the cell",
            None,
            add_study_options,
        ),
        ("shell", "Create a shell task from the script in the cell", ".", add_shell_creation),
    ):
        parser = add_parser(name, about)
        kinds, usual = ("folder", "folder") if name == "shell" else ("script or folder", "workspace")
        about = f"{kinds} to use as the workspace (default: the current {usual})"
        parser.add_argument("target", nargs="?", metavar="TARGET", default=default, help=about)
        add_common(parser, workspace=name != "shell")  # TARGET is its folder
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
    add_common(parser, workspace=False)
    add_run_options(parser)
    describe(main, {"In a cell": {name: str(one.description) for name, one in main.commands.items()}})
    return main
