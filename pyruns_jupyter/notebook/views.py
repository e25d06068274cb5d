"""The commands of `%pyruns` that show a live view."""

from __future__ import annotations

import argparse
from typing import Any

from pyruns_jupyter.api import Task, TaskList, Workspace
from pyruns_jupyter.cli.context import Context
from pyruns_jupyter.core.common.errors import NotFound

from .widgets import Comparison, Dashboard, Generator, Gpus, Log, Plot, TaskTable, View


def show_view(context: Context, args: argparse.Namespace) -> None:
    """Show the view of `args.command` in the cell.

    Raises:
        NotFound: if there is no such workspace or task, or no task matches.
        InvalidInput: if the query is not valid.
    """
    workspace = context.workspace(args.workspace)
    workspace.attend()
    traits: dict[str, Any] = {} if args.height is None else {"height": args.height}
    context.show(_view(workspace, args, traits))


def _view(workspace: Workspace, args: argparse.Namespace, traits: dict[str, Any]) -> View:
    match args.command:
        case "dashboard":
            return Dashboard(workspace, **traits)
        case "new":
            return Generator(workspace, **traits)
        case "tasks":
            query = " ".join(args.query)
            workspace.table(query)  # raises InvalidInput if the query is not valid
            return TaskTable(workspace, query=query, **traits)
        case "gpus":
            return Gpus(workspace, **traits)
        case "compare":
            return Comparison(_found(workspace, args.query), **traits)
        case "plot":
            return Plot(_found(workspace, args.query), figures=args.metrics, x=args.x, **traits)
        case _:
            return Log(workspace[args.name] if args.name else _latest(workspace), **traits)


def _found(workspace: Workspace, query: list[str]) -> TaskList:
    found = workspace.tasks(" ".join(query))
    if not found:
        raise NotFound(
            f"No task of {workspace.name} matches the query."
            if query
            else f"{workspace.name} has no tasks yet."
        )
    return found


def _latest(workspace: Workspace) -> Task:
    rows = [row for row in workspace.table(sort="-started").rows if row.started_at is not None]
    if not rows:
        raise NotFound(f"No task of {workspace.name} has run yet.")
    return workspace[rows[0].name]
