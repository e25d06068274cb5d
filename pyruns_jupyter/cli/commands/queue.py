"""Commands of the queue."""

from __future__ import annotations

import argparse

from pyruns_jupyter.core.common.printable import printable

from ..context import Context
from ..parser import AddCommand


def _queue(context: Context, args: argparse.Namespace) -> int:
    queue = context.workspace(args.workspace).queue
    return context.result(args, lambda: queue.state.to_dict(), queue)


def _pause(context: Context, args: argparse.Namespace) -> int:
    queue = context.workspace(args.workspace).queue
    changed = queue.pause()
    shown = "Queue paused; running tasks continue." if changed else "The queue is already paused."
    return context.result(args, {"paused": True, "changed": changed}, shown)


def _unpause(context: Context, args: argparse.Namespace) -> int:
    queue = context.workspace(args.workspace).queue
    changed = queue.resume()
    shown = "Queue resumed." if changed else "The queue is not paused."
    return context.result(args, {"paused": False, "changed": changed}, shown)


def _requeue(context: Context, args: argparse.Namespace) -> int:
    names = context.workspace(args.workspace).queue.requeue()
    shown = f"Queued {', '.join(map(printable, names))}." if names else "No tasks to requeue."
    return context.result(args, {"queued": names}, shown)


def add_commands(command: AddCommand) -> None:
    """Add the commands of the queue."""
    command("queue", _queue)
    command("pause", _pause)
    command("unpause", _unpause)
    command("requeue", _requeue)
