"""The verbs that change tasks, remove them, or take them elsewhere, and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable

MakeVerb = Callable[..., argparse.ArgumentParser]


def add_task_verbs(verb: MakeVerb) -> None:
    """Add the verbs with `verb(name, about, ...)`, which returns the parser of a new one."""
    _add_changes(verb)
    _add_trash(verb)
    _add_archive(verb)


def add_export(verb: MakeVerb) -> argparse.ArgumentParser:
    """Add the verb `export` and return its parser; its query is explained where that of `ls` is."""
    made = verb("export", "Write results as a table: a row a run, with configuration and figures", json=False)
    made.add_argument("query", nargs="*", help="which tasks, such as 'status:completed lr<0.05'; see below")
    made.add_argument("-f", "--format", choices=("csv", "json", "jsonl"), help="by default what FILE says")
    made.add_argument("-o", "--output", metavar="FILE", help="by default (and with '-') standard output")
    made.add_argument("--latest", action="store_true", help="one row a task: its latest run")
    made.add_argument("--sort", default="created", help="as in ls (default: %(default)s)")
    made.add_argument("--order", choices=("asc", "desc"), default="asc", help="the direction")
    made.add_argument("--bom", action="store_true", help="begin with the mark by which Excel knows UTF-8")
    made.add_argument(
        "--raw",
        action="store_true",
        help="leave texts as they are that a spreadsheet would take for formulas",
    )
    made.add_argument(
        "--force", action="store_true", help="replace FILE also when it is no table by its name"
    )
    return made


def _add_changes(verb: MakeVerb) -> None:
    made = verb("mv", "Rename a task")
    made.add_argument("name", help="a task, by its name")
    made.add_argument("new_name", metavar="NEW", help="its new name")

    made = verb("cp", "Copy a task: its configuration, notes, tags and environment", aliases=["duplicate"])
    made.add_argument("name", help="a task, by its name")
    made.add_argument("new_name", metavar="NEW", nargs="?", help="by default a free name like the task's")
    made.add_argument("--runs", action="store_true", help="also its runs and their logs")
    made.add_argument("--artifacts", action="store_true", help="also its runs with their artifacts")

    made = verb("pin", "Keep tasks on top of every list")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("--off", action="store_true", help="let go again")

    made = verb("note", "Write a note on a task")
    made.add_argument("name", help="a task, by its name")
    made.add_argument("text", nargs="+", help="the words of the note")

    made = verb("tag", "Give tasks tags, which a search finds as tag:NAME")
    made.add_argument("tags", metavar="TAG[,TAG...]", help="tags, between commas")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("--off", action="store_true", help="take them away")

    made = verb("env", "Show or change the environment variables that a task's runs get")
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

    made = verb("move", "Put tasks before or after another one, for 'ls --sort order'")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("where", choices=("before", "after"), help="which side")
    made.add_argument("anchor", metavar="OTHER", help="the task that stays where it is")


def _add_trash(verb: MakeVerb) -> None:
    made = verb("rm", "Move tasks to the trash")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")

    verb("trash", "List the tasks in the trash")

    made = verb("restore", "Bring tasks back from the trash")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("--as", dest="as_name", metavar="NEW", help="under another name")

    made = verb("purge", "Delete tasks in the trash for ever")
    made.add_argument("names", nargs="*", metavar="NAME", help="tasks, by their names")
    made.add_argument("--all", action="store_true", help="all of them")
    made.add_argument(
        "--older", type=_days, metavar="DAYS", help="only those that are there for longer than so many days"
    )


def _add_archive(verb: MakeVerb) -> None:
    made = verb("archive", "Put tasks, with all their files and the script, into a zip file")
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("-o", "--output", metavar="FILE", help="by default NAME.zip, or WORKSPACE.zip")
    made.add_argument("--no-artifacts", action="store_true", help="without what runs left in artifacts/")
    made.add_argument(
        "--with-secrets", action="store_true", help="with the values of variables that hold secrets"
    )
    made.add_argument("--force", action="store_true", help="replace FILE also when it is no .zip by its name")

    made = verb("import", "Bring the tasks of an archive into a project")
    made.add_argument("file", help="the archive")
    made.add_argument("--into", metavar="TARGET", help="a folder or script (default: the current folder)")
    made.add_argument("--as", dest="as_name", metavar="NAME", help="the name of its only task here")


def _days(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


_days.__name__ = "number of days"  # what argparse calls it in its message
