"""Removing tasks, bringing them back, deleting them for ever."""

from __future__ import annotations

import argparse
import time

from pyruns_jupyter.api.tables import count_text, text_table
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.tasks.trash import TrashedTask, purge_all, trash_tasks

from ..context import Context
from ..parser import AddVerb
from .shared import act_on_tasks, some

DAY = 86400.0  # seconds


def _rm(context: Context, args: argparse.Namespace) -> int:
    return act_on_tasks(context, args, "delete", "moved to the trash")


def _trash(context: Context, args: argparse.Namespace) -> int:
    found = trash_tasks(context.workspace(args.workspace).folder)
    if args.json:
        context.json([vars(one) for one in found])
    elif found:
        context.line(text_table(["name", "was", "status", "removed"], [_line(one) for one in found]))
    else:
        context.line("The trash is empty.")
    return 0


def _line(one: TrashedTask) -> list[str]:
    removed = (
        "" if one.trashed_at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(one.trashed_at))
    )
    was = one.original if one.original != one.name else ""
    return [one.name, was, "damaged" if one.message else one.status, removed]


def _restore(context: Context, args: argparse.Namespace) -> int:
    if args.as_name is not None and len(args.names) != 1:
        raise InvalidInput("--as names one task, so restore one at a time.", field="name")
    return act_on_tasks(context, args, "restore", "restored", as_name=args.as_name)


def _purge(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    if not args.names and not args.all and args.older is None:
        raise InvalidInput("Name tasks in the trash, or say --all or --older DAYS.", field="names")
    if args.names and args.all:
        raise InvalidInput("Name tasks, or say --all, not both.", field="names")
    older = None if args.older is None else args.older * DAY
    result = purge_all(folder, args.names or None, older_than=older)
    if args.json:
        context.json({"done": result.done, "refused": result.refused})
        return 1 if result.refused else 0
    if result.done:
        context.line(f"{count_text(len(result.done), 'task')} deleted for ever: {some(result.done)}")
    elif not result.refused:
        context.line("There was nothing to delete.")
    for message in result.refused.values():
        context.line(message)
    return 1 if result.refused else 0


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs of the trash."""
    made = verb("rm", "Move tasks to the trash", _rm)
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")

    verb("trash", "List the tasks in the trash", _trash)

    made = verb("restore", "Bring tasks back from the trash", _restore)
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("--as", dest="as_name", metavar="NEW", help="under another name")

    made = verb("purge", "Delete tasks in the trash for ever", _purge)
    made.add_argument("names", nargs="*", metavar="NAME", help="tasks, by their names")
    made.add_argument("--all", action="store_true", help="all of them")
    made.add_argument(
        "--older", type=_days, metavar="DAYS", help="only those that are there for longer than so many days"
    )


def _days(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


_days.__name__ = "number of days"  # what argparse calls it in its message
