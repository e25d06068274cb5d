"""Changing tasks: names, notes, pins, tags, environment, order; and second ones like them."""

from __future__ import annotations

import argparse

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.secret_names import masked
from pyruns_jupyter.core.create.duplicate import duplicate
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.tasks import edit as tasks

from ..context import Context
from ..parser import AddVerb
from .shared import act_on_tasks, told


def _mv(context: Context, args: argparse.Namespace) -> int:
    tasks.rename(context.workspace(args.workspace).folder, args.name, args.new_name)
    return told(context, args, "renamed", [args.new_name])


def _pin(context: Context, args: argparse.Namespace) -> int:
    if args.off:
        return act_on_tasks(context, args, "unpin", "no longer pinned")
    return act_on_tasks(context, args, "pin", "pinned")


def _note(context: Context, args: argparse.Namespace) -> int:
    context.workspace(args.workspace)[args.name].notes = " ".join(args.text)
    return told(context, args, "noted", [args.name])


def _tag(context: Context, args: argparse.Namespace) -> int:
    words = [word.strip() for word in args.tags.split(",") if word.strip()]
    if not words:
        raise InvalidInput("Name at least one tag.", field="tags")
    if args.off:
        return act_on_tasks(context, args, "untag", "tags removed", tags=words)
    return act_on_tasks(context, args, "tag", "tagged", tags=metadata.check_tags(words))


def _env(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    variables: dict[str, str | None] = dict.fromkeys(args.unset)
    for word in args.variables:
        name, separator, text = word.partition("=")
        if not separator:
            raise InvalidInput(f"{word!r} should be NAME=VALUE; -u NAME unsets one.", field="env")
        variables[name] = text
    if variables:
        tasks.change(folder, args.name, metadata.TaskPatch(env=variables))
    env = metadata.env_of(read_task(folder.existing(args.name).folder))
    shown = env if args.show_secrets else masked(env)
    if args.json:
        context.json(shown)
        return 0
    for name, text in shown.items():
        context.line(f"{name}={text}")
    if not shown:
        context.line(f"{args.name} has no variables of its own.")
    return 0


def _move(context: Context, args: argparse.Namespace) -> int:
    context.workspace(args.workspace).move(args.names, **{args.where: args.anchor})
    return told(context, args, f"now {args.where} {args.anchor}", args.names)


def _cp(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    made = duplicate(
        folder,
        args.name,
        args.new_name,
        with_runs=args.runs or args.artifacts,
        with_artifacts=args.artifacts,
    )
    return told(context, args, f"copied from {args.name}", [made])


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs that change tasks."""
    made = verb("mv", "Rename a task", _mv)
    made.add_argument("name", help="a task, by its name")
    made.add_argument("new_name", metavar="NEW", help="its new name")

    made = verb(
        "cp", "Copy a task: its configuration, notes, tags and environment", _cp, aliases=["duplicate"]
    )
    made.add_argument("name", help="a task, by its name")
    made.add_argument("new_name", metavar="NEW", nargs="?", help="by default a free name like the task's")
    made.add_argument("--runs", action="store_true", help="also its runs and their logs")
    made.add_argument("--artifacts", action="store_true", help="also its runs with their artifacts")

    made = verb("pin", "Keep tasks on top of every list", _pin)
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("--off", action="store_true", help="let go again")

    made = verb("note", "Write a note on a task", _note)
    made.add_argument("name", help="a task, by its name")
    made.add_argument("text", nargs="+", help="the words of the note")

    made = verb("tag", "Give tasks tags, which a search finds as tag:NAME", _tag)
    made.add_argument("tags", metavar="TAG[,TAG...]", help="tags, between commas")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("--off", action="store_true", help="take them away")

    made = verb("env", "Show or change the environment variables that a task's runs get", _env)
    made.add_argument("name", help="a task, by its name")
    made.add_argument(
        "variables",
        nargs="*",
        metavar="VARIABLE=VALUE",
        help="what to set; without any, what is set is shown",
    )
    made.add_argument(
        "-u",
        "--unset",
        action="append",
        default=[],
        metavar="VARIABLE",
        help="take this variable away; may be repeated",
    )
    made.add_argument(
        "--show-secrets", action="store_true", help="show the values of tokens, passwords and keys too"
    )

    made = verb("move", "Put tasks before or after another one, for 'ls --sort order'", _move)
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("where", choices=("before", "after"), help="which side")
    made.add_argument("anchor", metavar="OTHER", help="the task that stays where it is")
