"""Commands that open a workspace and create tasks."""

from __future__ import annotations

import argparse
import shlex
from typing import NamedTuple

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.plan import plan_overlay
from pyruns_jupyter.api.queue import batch_request
from pyruns_jupyter.api.tables import count_text
from pyruns_jupyter.api.task import raise_refused
from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.config.sweep.planfile import parse_plan
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.create.preview import script_parameters
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, find_root
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import BatchRequest

from ..batch_arguments import add_run_options, run_flags, run_options
from ..context import Context
from ..parser import AddCommand, Parser
from .listing import show_status
from .shared import listed, read_input, report


class Created(NamedTuple):
    """The names of new tasks, the number of identical configurations, and notices."""

    names: list[str]
    duplicates: int
    notices: list[str]


def _open(context: Context, args: argparse.Namespace) -> int:
    workspace = context.open(args.target)
    workspace.attend()
    if args.stub_missing and not args.ask:
        args.parser.error("--stub-missing requires --ask")
    asked = workspace.ask(stub_missing=args.stub_missing, timeout=args.timeout) if args.ask else None
    code = show_status(context, args, workspace)
    if asked is not None:
        parameters = count_text(len(asked.parameters), "parameter")
        context.aside(f"The script has {parameters} ({asked.library}, asked with {asked.interpreter}).")
        for notice in asked.notices:
            context.aside(notice)
    if workspace.script is not None:
        try:
            found = script_parameters(workspace.folder)
        except (InvalidInput, Unreadable) as error:
            context.aside(error.message)
        else:
            for problem in found.problems:
                context.aside(problem.message)
            if any(problem is not found.idle for problem in found.problems):
                command = f"jupyter pyruns open {shlex.quote(args.target)} --ask"
                context.aside(f"To ask the script for its parameters, run: {command}")
    return code


def _sweep(context: Context, args: argparse.Namespace) -> int:
    text = read_input(context, args.file)
    workspace = workspace_of(context, args, text)
    return report_created(context, args, workspace, create(workspace, text, args, check=args.check))


def workspace_of(context: Context, args: argparse.Namespace, text: str) -> Workspace:
    """Return the named workspace, or the one for which a plan file was made."""
    script = parse_plan(text).script
    if script and args.workspace is None:
        for folder in workspaces_in(find_root(context.folder)):
            if folder.script is not None and folder.script.name == script:
                return Workspace(folder)
    workspace = context.workspace(args.workspace)
    if script and (workspace.script is None or workspace.script.name != script):
        context.aside(f"This plan was created for {script} but is used for {workspace.name}.")
    return workspace


def create(workspace: Workspace, text: str, args: argparse.Namespace, *, check: bool = False) -> Created:
    """Create the tasks of `text`, with `check` only if the script accepts them. Queue them with `--run`."""
    unused = [] if args.run else run_flags(args)
    if unused:
        args.parser.error(f"{unused[0]} requires --run, because the tasks are not queued without it")
    folder = workspace.folder
    if check and folder.kind != "script":
        args.parser.error(f"--check requires the workspace of a script, and {workspace.name} has shell tasks")
    request, settings = None, Settings.load(folder.root)
    if args.run:  # before anything is created
        request = BatchRequest.parse(folder, run_options(args), settings)
    if folder.kind == "script":
        plan = plan_overlay(folder, text, args.name or "", settings)
        if check:
            plan.check(folder)
        created = Created(plan.create(folder, args.name), plan.duplicates, [*plan.notices])
        idle = script_parameters(folder, settings).idle
        created.notices.extend([idle.message] if idle is not None else [])
    else:
        created = Created(create_tasks(folder, text, args.name or "task", settings=settings), 0, [])
    if request is not None:
        raise_refused(request.submit(created.names).refused)
    return created


def report_created(context: Context, args: argparse.Namespace, workspace: Workspace, created: Created) -> int:
    """Show which tasks were created."""
    names, duplicates, notices = created
    for notice in notices if not args.json else ():
        context.aside(notice)
    queued = " and queued them" if args.run else ""
    skipped = f" ({count_text(duplicates, 'duplicate')} skipped)" if duplicates else ""
    return context.result(
        args,
        {
            "workspace": workspace.name,
            "names": names,
            "queued": args.run,
            "duplicates": duplicates,
            "notices": notices,
        },
        f"Created {count_text(len(names), 'task')}{queued}{skipped}: {listed(names)}",
    )


def _plan(context: Context, args: argparse.Namespace) -> int:
    text = read_input(context, args.file)
    return show_plan(context, workspace_of(context, args, text), text, args)


def show_plan(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Show the tasks that a sweep would create, and save it as a plan file with `--output`."""
    plan = workspace.sweep(text, args.name or "")
    if args.check:
        plan.check(workspace.folder)
    saved = plan.save(context.folder / args.output, overwrite=args.force) if args.output else None
    data = {
        "workspace": workspace.name,
        "count": len(plan),
        "duplicates": plan.duplicates,
        "folded": plan.folded,
        "notices": plan.notices,
        "axes": plan.axes,
        "name": plan.name,
        "names": plan.names,
        "file": saved,
    }
    shown: object = plan
    if args.commands:
        commands = plan.commands(workspace.folder)
        data["commands"] = commands
        shown = "\n".join(commands)
    context.result(args, data, shown)
    if not args.json:
        for notice in plan.notices:
            context.aside(notice)
        if saved is not None:
            context.line(f"Saved as {args.output}. Use 'sweep {args.output}' to create the tasks.")
    return 0


def _exec(context: Context, args: argparse.Namespace) -> int:
    words = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if not words:
        raise InvalidInput("Expected a command after '--'.", field="command")
    if args.workspace:
        root = context.workspace(args.workspace).folder.root
        workspace = Workspace(WorkspaceFolder.at(root / SHELL_WORKSPACE))
    else:
        workspace = Workspace.open(context.folder)
    request = batch_request(workspace.folder, run_options(args))  # before anything is created
    made = workspace.create(shlex.join(words) + "\n", args.name)
    raise_refused(request.submit(made.names).refused)
    return report(context, args, "queued", made.names)


def add_commands(command: AddCommand) -> None:
    """Add the commands that open a workspace and create tasks."""
    add = command("open", _open, workspace=False).add_argument
    about = "Python script, notebook, or folder for shell tasks (default: the current folder)"
    add("target", nargs="?", metavar="TARGET", default=".", help=about)
    about = "run the script up to its command-line parser, and store its parameters"
    add("--ask", action="store_true", help=about)
    about = "with --ask: replace missing modules with stubs"
    add("--stub-missing", action="store_true", help=about)
    about = "with --ask: time limit (default: 60, maximum: 600)"
    add("--timeout", metavar="SECONDS", type=float, default=60.0, help=about)

    parser = command("sweep", _sweep)
    parser.add_argument("file", metavar="FILE", help="YAML file ('-' for standard input)")
    add_creation(parser)

    parser = command("plan", _plan)
    parser.add_argument("file", metavar="FILE", help="YAML file ('-' for standard input)")
    add_saving(parser)

    parser = command("exec", _exec)
    parser.usage = "%(prog)s [OPTION ...] -- COMMAND [ARGUMENT ...]"
    parser.add_argument("-n", "--name", default="shell", help="name of the task (default: %(default)s)")
    parser.add_argument(
        "argv", nargs=argparse.REMAINDER, metavar="COMMAND", help="command to run and its arguments"
    )
    add_run_options(parser)


def _add_name(parser: Parser) -> None:
    about = (
        "name or name prefix of the tasks, or a pattern such as '{lr:.0e}-{seed}', in which {n} is the "
        "number of the task and {name} the workspace (default: the name in the plan file, or 'task')"
    )
    parser.add_argument("-n", "--name", help=about)


def _add_check(parser: Parser) -> None:
    about = "let the script's own parser check the command lines (runs the script up to its parser)"
    parser.add_argument("--check", action="store_true", help=about)


def add_saving(parser: Parser) -> None:
    """Add the options of a plan."""
    _add_name(parser)
    _add_check(parser)
    parser.add_argument("--commands", action="store_true", help="show the command line of each task")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PLAN",
        help="save the sweep as a plan file, from which 'sweep' creates the tasks",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing plan file")


def add_creation(parser: Parser) -> None:
    """Add the options of new tasks of a script."""
    _add_name(parser)
    _add_check(parser)
    _add_run(parser)


def add_shell_creation(parser: Parser) -> None:
    """Add the options of a new shell task."""
    parser.add_argument("-n", "--name", help="name of the task (default: task)")
    _add_run(parser)


def _add_run(parser: Parser) -> None:
    parser.add_argument("--run", action="store_true", help="run the new tasks in the background")
    add_run_options(parser)
