"""What several commands use."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound

from ..context import Context

TASKS: dict[str, Any] = {"nargs": "+", "metavar": "NAME", "help": "names of the tasks"}


def chosen_tasks(
    workspace: Workspace, args: argparse.Namespace, flag: str = "", query: str = ""
) -> list[str]:
    """Return the named tasks, or those that match `--query`, and `query` if `flag` was given.

    Raises:
        UsageError: unless exactly one of names and queries is given.
        NotFound: if no task matches.
    """
    queries = [one for one in (args.query, query) if one]
    if bool(args.names) == bool(queries):
        args.parser.error(f"Specify either task names or --query{f' or {flag}' if flag else ''}")
    if args.names:
        return list(dict.fromkeys(args.names))
    found = workspace.tasks("\n".join(f"({one})" for one in queries)).names
    if not found:
        raise NotFound("No task matches the query.")
    return found


def act_on_tasks(context: Context, args: argparse.Namespace, action: str, done: str, **more: Any) -> int:
    """Perform an action of `service.actions` on the named tasks, and return 1 if it was refused for one.

    `done` is the result for people, such as "pinned"; `more` are other fields of the request.
    """
    from pyruns_jupyter.service.actions import ActionRequest, perform  # most commands start faster without
    from pyruns_jupyter.service.request import read_request

    folder = context.workspace(args.workspace).folder
    wanted = read_request(ActionRequest, {"action": action, "names": args.names, **more})
    outcome = perform(folder, wanted, args.names)
    return report(context, args, done, outcome.done, outcome.refused)


def report(
    context: Context,
    args: argparse.Namespace,
    done: str,
    names: list[str],
    refused: dict[str, str] | None = None,
) -> int:
    """Show for which tasks something was done, and why it was refused for others; return the exit code."""
    refused = refused or {}
    lines = [f"{listed(names)}: {done}"] if names else []
    shown = "\n".join([*lines, *refused.values()]) or "Nothing to do."
    context.result(args, {"done": names, "refused": refused}, shown)
    return 1 if refused else 0


def listed(names: list[str], limit: int = 10) -> str:
    """Return the first names as text, and the number of the others."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def read_input(context: Context, file: str) -> str:
    """Return the text of a file; `-` is standard input.

    Raises:
        NotFound: if it cannot be read.
        InvalidInput: if it is not UTF-8 text.
    """
    if file == "-":
        return sys.stdin.read()
    try:
        return (context.folder / file).read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"Cannot read {file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8 text.", field="yaml") from None
