"""Running tasks, waiting for them, stopping them."""

from __future__ import annotations

import argparse

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import NotFound, PyrunsError
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.taskfile.runs import COMPLETED

from ..batch_arguments import add_run_options, run_options
from ..context import Context
from ..parser import AddVerb, UsageError
from .shared import act_on_tasks, told


def _run(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    chosen = _chosen(workspace, args, all_of="status:failed" if args.failed else "", flag="--failed")
    queued = workspace.run(chosen, skip_done=args.skip_done, **run_options(args))
    for notice in queued.notices:
        context.aside(notice)
    return told(context, args, "queued", queued.names)


def _chosen(workspace: Workspace, args: argparse.Namespace, *, all_of: str, flag: str) -> list[str]:
    """Return the named tasks, or those of a search.

    Raises:
        UsageError: when not exactly one of both says which.
    """
    queries = [query for query in (args.query, all_of) if query]
    if bool(args.names) == bool(queries):
        raise UsageError(f"Give either NAME, or --query, or {flag}.\n{args.usage}")
    if args.names:
        return list(dict.fromkeys(args.names))
    found = workspace.tasks("\n".join(f"({query})" for query in queries)).names
    if not found:
        raise NotFound("No task matches.")
    return found


def _wait(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    try:
        bar = False if args.json else None
        ended = workspace.wait(args.names or None, timeout=args.timeout, progress=bar)
    except TimeoutError as error:
        raise PyrunsError(str(error)) from None
    if args.json:
        context.json({task.name: task.status for task in ended})
    else:
        context.show(ended)
    for notice in ended.notices:
        context.aside(notice)
    return 0 if all(task.status == COMPLETED for task in ended) and not ended.notices else 1


def _stop(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    active = "is:active" if args.all or args.query else ""
    args.names = _chosen(workspace, args, all_of=active, flag="--all")
    return act_on_tasks(context, args, "cancel", "stopping")


def _queue(context: Context, args: argparse.Namespace) -> int:
    queue = context.workspace(args.workspace).queue
    if args.json:
        context.json(queue.state.to_dict())
    else:
        context.show(queue)
    return 0


def _pause(context: Context, args: argparse.Namespace) -> int:
    queue = context.workspace(args.workspace).queue
    changed = queue.pause() if args.verb == "pause" else queue.resume()
    if args.json:
        context.json({"paused": queue.paused, "changed": changed})
    else:
        sentences = {
            ("pause", True): "The queue is paused; what runs goes on.",
            ("pause", False): "The queue is paused already.",
            ("resume", True): "The queue goes on.",
            ("resume", False): "The queue is not paused.",
        }
        context.line(sentences[args.verb, changed])
    return 0


def _requeue(context: Context, args: argparse.Namespace) -> int:
    names = context.workspace(args.workspace).queue.requeue()
    if args.json:
        context.json({"queued": names})
    elif names:
        context.line(f"Queued {', '.join(map(printable, names))}.")
    else:
        context.line("All queued tasks were queued here.")
    return 0


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs that run, stop and wait."""
    made = verb("run", "Queue tasks; they run detached from this program", _run)
    made.add_argument("names", nargs="*", metavar="NAME", help="tasks, by their names")
    made.add_argument("--query", metavar="QUERY", help="all tasks that a search finds, such as 'lr<0.05'")
    made.add_argument("--failed", action="store_true", help="all tasks that failed; their history stays")
    made.add_argument(
        "--skip-done", action="store_true", help="leave out what a task of the same values completed already"
    )
    add_run_options(made)
    made.set_defaults(usage=made.format_usage().strip())

    made = verb("stop", "Cancel waiting tasks and stop running ones", _stop)
    made.add_argument("names", nargs="*", metavar="NAME", help="tasks, by their names")
    made.add_argument("--query", metavar="QUERY", help="all waiting and running tasks that a search finds")
    made.add_argument("--all", action="store_true", help="all waiting and running tasks")
    made.set_defaults(usage=made.format_usage().strip())

    verb("queue", "Show what waits in the project, and for what", _queue)
    verb("pause", "Start nothing more in the project; what runs goes on", _pause)
    verb("resume", "Go on with the queue of the project", _pause)
    verb("requeue", "Queue again here the tasks that were queued in another copy of the project", _requeue)

    made = verb("wait", "Wait until tasks have ended; exit code 1 when one did not complete", _wait)
    made.add_argument("names", nargs="*", metavar="NAME", help="which tasks (default: all)")
    made.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after so long")
