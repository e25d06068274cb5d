"""Opening a workspace and creating tasks in it."""

from __future__ import annotations

import argparse
import shlex

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.plan import plan_overlay
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
from ..parser import AddVerb, UsageError
from .looking import status_of
from .shared import read, some, told


def _open(context: Context, args: argparse.Namespace) -> int:
    workspace = context.open(args.target)
    workspace.attend()
    code = status_of(context, workspace, args.json)
    if workspace.script is not None:
        try:
            problems = script_parameters(workspace.folder).problems
        except (InvalidInput, Unreadable) as error:
            context.aside(error.message)
        else:
            for problem in problems:
                context.aside(problem.message)
    return code


def _create(context: Context, args: argparse.Namespace) -> int:
    text = read(context, args.file)
    return create(context, _workspace_of(context, args, text), text, args)


def _workspace_of(context: Context, args: argparse.Namespace, text: str) -> Workspace:
    """Return the workspace that a plan file was made for, unless another one is named."""
    script = parse_plan(text).script
    if script and args.workspace is None:
        for folder in workspaces_in(find_root(context.folder)):
            if folder.script is not None and folder.script.name == script:
                return Workspace(folder)
    workspace = context.workspace(args.workspace)
    if script and (workspace.script is None or workspace.script.name != script):
        context.aside(f"The plan was made for {script}; it is used for {workspace.name}.")
    return workspace


def create(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Create the tasks of `text` and queue them when asked, as `sweep`, `add` and the cell magics do."""
    unused = [] if args.run else run_flags(args)
    if unused:
        raise UsageError(f"{unused[0]} needs --run: without it, the tasks are created but not queued.")
    folder = workspace.folder
    request, settings = None, Settings.load(folder.root)
    if args.run:  # before anything is created
        request = BatchRequest.parse(folder, run_options(args), settings)
    notices, duplicates = [], 0
    if folder.kind == "script":
        plan = plan_overlay(folder, text, args.name or "", settings)
        names = plan.create(folder, args.name)
        notices, duplicates = plan.notices, plan.duplicates
        idle = script_parameters(folder).idle
        notices += [idle.message] if idle is not None else []
    else:
        names = create_tasks(folder, text, args.name or "task", settings=settings)
    if request is not None:
        raise_refused(request.submit(names).refused)
    if args.json:
        told = {"workspace": workspace.name, "names": names, "queued": args.run}
        context.json({**told, "duplicates": duplicates, "notices": notices})
        return 0
    for notice in notices:
        context.aside(notice)
    queued = " and queued them" if args.run else ""
    folded = f" ({duplicates:,} identical folded)" if duplicates else ""
    context.line(f"Created {count_text(len(names), 'task')}{queued}{folded}: {some(names)}")
    return 0


def _plan(context: Context, args: argparse.Namespace) -> int:
    text = read(context, args.file)
    return show_plan(context, _workspace_of(context, args, text), text, args)


def show_plan(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Show what a sweep would make, and save it as a plan file when asked."""
    plan = workspace.sweep(text, args.name or "")
    saved = None
    if args.output:
        saved = plan.save(context.folder / args.output, overwrite=args.force)
    if args.json:
        context.json(
            {
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
        )
        return 0
    context.show(plan)
    for notice in plan.notices:
        context.aside(notice)
    if saved is not None:
        context.line(f"Saved as {args.output}; 'sweep {args.output}' creates the tasks.")
    return 0


def _add(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    text = read(context, args.file)
    if workspace.folder.kind == "script":
        count = len(workspace.sweep(text))
        if count != 1:
            raise InvalidInput(
                f"{args.file} stands for {count} tasks, and 'add' creates one. "
                f"Use 'sweep {args.file}' to create them all.",
                field="yaml",
            )
    return create(context, workspace, text, args)


def _exec(context: Context, args: argparse.Namespace) -> int:
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not words:
        raise InvalidInput("There is no command after '--'.", field="command")
    workspace = (
        Workspace(WorkspaceFolder.at(context.workspace(args.workspace).folder.root / SHELL_WORKSPACE))
        if (args.workspace)
        else Workspace.open(context.folder)
    )
    made = workspace.create(shlex.join(words) + "\n", args.name)
    workspace.run(made)
    return told(context, args, "queued", made.names)


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs that open a workspace and create tasks."""
    about = "Open a script, a notebook or a folder and make it the current workspace"
    made = verb("open", about, _open, workspace=False, aliases=["init"])
    made.add_argument(
        "target",
        nargs="?",
        default=".",
        help="a Python script, a notebook, or a folder (default: this one) for its shell workspace",
    )

    made = verb("sweep", "Create the tasks of a configuration with batch syntax", _create)
    made.add_argument("file", help="YAML file; '-' reads standard input")
    add_creation(made)

    made = verb(
        "plan", "Show what a configuration with batch syntax would make, and save it as a plan file", _plan
    )
    made.add_argument("file", help="YAML file; '-' reads standard input")
    add_saving(made)

    made = verb("add", "Create one task from a configuration; 'sweep' creates those of batch syntax", _add)
    made.add_argument("file", help="YAML file; '-' reads standard input")
    add_creation(made)

    made = verb("exec", "Create a shell task from a command line and run it", _exec)
    made.add_argument("-n", "--name", default="shell", help="name of the task (default: %(default)s)")
    made.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- ARGV", help="the command and its words"
    )


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n",
        "--name",
        help="name, what names begin with, or a pattern such as '{lr}-{seed}', where {n} is the number, "
        "{name} the workspace's name and {lr:.0e} a format (default: what a plan file says, else task)",
    )


def add_saving(parser: argparse.ArgumentParser) -> None:
    """Add the options of a plan."""
    _add_name(parser)
    parser.add_argument("-o", "--output", metavar="PLAN", help="save it in this file, which 'sweep' reads")
    parser.add_argument("--force", action="store_true", help="replace an older plan file")


def add_creation(parser: argparse.ArgumentParser) -> None:
    """Add the options of new tasks."""
    _add_name(parser)
    parser.add_argument("--run", action="store_true", help="queue them at once")
    add_run_options(parser)
