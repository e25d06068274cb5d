"""Commands that change, delete and restore tasks."""

from __future__ import annotations

import argparse

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.secret_names import masked
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.tasks import edit as tasks

from ..context import Context
from ..parser import AddCommand, keys
from .shared import TASKS, act_on_tasks, chosen_tasks, report


def _rename(context: Context, args: argparse.Namespace) -> int:
    tasks.rename(context.workspace(args.workspace).folder, args.name, args.new_name)
    return report(context, args, "renamed", [args.new_name])


def _pin(context: Context, args: argparse.Namespace) -> int:
    if args.off:
        return act_on_tasks(context, args, "unpin", "unpinned")
    return act_on_tasks(context, args, "pin", "pinned")


def _note(context: Context, args: argparse.Namespace) -> int:
    context.workspace(args.workspace)[args.name].notes = " ".join(args.text)
    return report(context, args, "note saved", [args.name])


def _tag(context: Context, args: argparse.Namespace) -> int:
    if not args.tags:
        raise InvalidInput("No tags were given. Specify at least one tag.", field="tags")
    if args.off:
        return act_on_tasks(context, args, "untag", "tags removed", tags=args.tags)
    return act_on_tasks(context, args, "tag", "tagged", tags=metadata.check_tags(args.tags))


def _env(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    variables: dict[str, str | None] = dict.fromkeys(args.unset)
    for word in args.variables:
        name, separator, text = word.partition("=")
        if not separator:
            raise InvalidInput(
                f"Expected VARIABLE=VALUE, got {word!r}. Use '-u VARIABLE' to remove a variable.", field="env"
            )
        variables[name] = text
    if variables:
        tasks.change(folder, args.name, metadata.TaskPatch(env=variables))
    env = metadata.env_of(read_task(folder.existing(args.name).folder))
    shown = env if args.show_secrets else masked(env)
    lines = [f"{name}={text}" for name, text in shown.items()]
    return context.result(args, shown, "\n".join(lines or [f"{args.name} has no environment variables."]))


def _reorder(context: Context, args: argparse.Namespace) -> int:
    context.workspace(args.workspace).move(args.names, **{args.where: args.anchor})
    return report(context, args, f"moved {args.where} {args.anchor}", args.names)


def _copy(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.core.create.duplicate import duplicate  # slow to import

    folder = context.workspace(args.workspace).folder
    made = duplicate(
        folder, args.name, args.new_name, with_runs=args.runs or args.artifacts, with_artifacts=args.artifacts
    )
    return report(context, args, f"copied from {args.name}", [made])


def _delete(context: Context, args: argparse.Namespace) -> int:
    args.names = chosen_tasks(context.workspace(args.workspace), args)
    return act_on_tasks(context, args, "delete", "moved to the trash")


def _restore(context: Context, args: argparse.Namespace) -> int:
    if args.as_name is not None and len(args.names) != 1:
        raise InvalidInput("--as requires exactly one task.", field="name")
    return act_on_tasks(context, args, "restore", "restored", as_name=args.as_name)


def add_commands(command: AddCommand) -> None:
    """Add the commands that change tasks."""
    add = command("rename", _rename).add_argument
    add("name", metavar="NAME", help="current name of the task")
    add("new_name", metavar="NEW", help="new name of the task")

    add = command("copy", _copy).add_argument
    add("name", metavar="NAME", help="name of the task")
    add("new_name", metavar="NEW", nargs="?", help="name of the copy (default: NAME with a number appended)")
    add("--runs", action="store_true", help="also copy runs and logs")
    add("--artifacts", action="store_true", help="also copy runs, logs and artifacts")

    parser = command("reorder", _reorder)
    add = parser.add_argument
    add("names", **TASKS)
    add("where", choices=("before", "after"), help="whether to place the tasks before or after OTHER")
    add("anchor", metavar="OTHER", help="name of the task that is not moved")

    add = command("pin", _pin).add_argument
    add("names", **TASKS)
    add("--off", action="store_true", help="unpin the tasks")

    add = command("tag", _tag).add_argument
    add("tags", type=keys, metavar="TAG[,TAG...]", help="tags, separated by commas")
    add("names", **TASKS)
    add("--off", action="store_true", help="remove the tags")

    add = command("note", _note).add_argument
    add("name", metavar="NAME", help="name of the task")
    add("text", nargs="+", metavar="TEXT", help="text of the note; replaces an existing note")

    add = command("env", _env).add_argument
    add("name", metavar="NAME", help="name of the task")
    add(
        "variables", nargs="*", metavar="VARIABLE=VALUE", help="variable to set (default: show all variables)"
    )
    about = "variable to remove; repeatable"
    add("-u", "--unset", action="append", default=[], metavar="VARIABLE", help=about)
    add("--show-secrets", action="store_true", help="show the values of secrets")

    add = command("delete", _delete).add_argument
    add("names", **{**TASKS, "nargs": "*"})
    add("--query", metavar="QUERY", help="delete all tasks that match QUERY")

    add = command("restore", _restore).add_argument
    add("names", **TASKS)
    add("--as", dest="as_name", metavar="NEW", help="new name of the task (only for a single task)")
