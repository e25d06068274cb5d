"""Commands that run, stop and wait for tasks."""

from __future__ import annotations

import argparse

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.runs import COMPLETED

from ..batch_arguments import add_run_options, run_options
from ..context import Context
from ..parser import AddCommand
from .shared import TASKS, act_on_tasks, chosen_tasks, read_input, report


def _run(context: Context, args: argparse.Namespace) -> int:
    is_final = not (args.json and args.wait)  # of two results, only the last one is shown as JSON
    if args.config:
        if args.names or args.query or args.failed or args.skip_done:
            args.parser.error("Specify either --config or the tasks to run, not both")
        from .create import create, report_created, workspace_of  # slow to import

        text = read_input(context, args.config)
        workspace = workspace_of(context, args, text)
        args.run = True
        created = create(workspace, text, args)
        names = created.names
        if is_final:
            report_created(context, args, workspace, created)
    else:
        if args.name:
            args.parser.error("--name requires --config")
        workspace = context.workspace(args.workspace)
        chosen = chosen_tasks(workspace, args, "--failed", "status:failed" if args.failed else "")
        queued = workspace.run(chosen, skip_done=args.skip_done, **run_options(args))
        for notice in queued.notices:
            context.aside(notice)
        names = queued.names
        if is_final:
            report(context, args, "queued", names)
    return _wait_for(context, args, workspace, names) if args.wait else 0


def _wait(context: Context, args: argparse.Namespace) -> int:
    return _wait_for(context, args, context.workspace(args.workspace), args.names or None, args.timeout)


def _wait_for(
    context: Context,
    args: argparse.Namespace,
    workspace: Workspace,
    names: list[str] | None,
    timeout: float | None = None,
) -> int:
    try:
        ended = workspace.wait(names, timeout=timeout, progress=False if args.json else None)
    except TimeoutError as error:
        raise PyrunsError(str(error)) from None
    context.result(args, lambda: {task.name: task.status for task in ended}, ended)
    for notice in ended.notices:
        context.aside(notice)
    return 0 if all(task.status == COMPLETED for task in ended) and not ended.notices else 1


def _stop(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    active = "is:active" if args.all or args.query else ""
    args.names = chosen_tasks(workspace, args, "--all", active)
    return act_on_tasks(context, args, "cancel", "stopping")


def add_commands(command: AddCommand) -> None:
    """Add the commands that run, stop and wait."""
    parser = command("run", _run)
    add = parser.add_argument
    add("names", **{**TASKS, "nargs": "*"})
    add("--query", metavar="QUERY", help="run all tasks that match QUERY, such as 'lr<0.05'")
    add("--failed", action="store_true", help="run all failed tasks again")
    add("--wait", action="store_true", help="wait until the tasks end (exit code 1 unless all complete)")
    add("--skip-done", action="store_true", help="skip tasks whose configuration has already completed")
    add("--config", metavar="FILE", help="create tasks from a YAML file and run them")
    add("-n", "--name", metavar="NAME", help="name of the new tasks, as in 'sweep' (requires --config)")
    add_run_options(parser)

    add = command("wait", _wait).add_argument
    add("names", **{**TASKS, "nargs": "*", "help": "names of the tasks (default: all tasks)"})
    add("--timeout", type=float, metavar="SECONDS", help="stop waiting after SECONDS seconds")

    add = command("stop", _stop).add_argument
    add("names", **{**TASKS, "nargs": "*"})
    add("--query", metavar="QUERY", help="stop all active tasks that match QUERY")
    add("--all", action="store_true", help="stop all active tasks in the workspace")
