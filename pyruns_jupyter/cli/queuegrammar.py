"""The verbs that run, stop and wait, and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, cast

from pyruns_jupyter.api.queue import RunOptions
from pyruns_jupyter.engine.queue.options import OPTIONS, Kind, QueueOptions
from pyruns_jupyter.studies.definition import PRUNERS, SAMPLERS

MakeVerb = Callable[..., argparse.ArgumentParser]

CLUSTER_OPTIONS = ("partition", "account", "cpus", "extra")


def add_queue_verbs(verb: MakeVerb) -> None:
    """Add the verbs with `verb(name, about, ...)`, which returns the parser of a new one."""
    made = verb("run", "Queue tasks; they run detached from this program")
    made.add_argument("names", nargs="*", metavar="NAME", help="tasks, by their names")
    made.add_argument("--query", metavar="QUERY", help="all tasks that a search finds, such as 'lr<0.05'")
    made.add_argument("--failed", action="store_true", help="all tasks that failed; their history stays")
    made.add_argument(
        "--skip-done", action="store_true", help="leave out what a task of the same values completed already"
    )
    add_run_options(made)
    made.set_defaults(usage=made.format_usage().strip())

    made = verb("stop", "Cancel waiting tasks and stop running ones")
    made.add_argument("names", nargs="*", metavar="NAME", help="tasks, by their names")
    made.add_argument("--query", metavar="QUERY", help="all waiting and running tasks that a search finds")
    made.add_argument("--all", action="store_true", help="all waiting and running tasks")
    made.set_defaults(usage=made.format_usage().strip())

    verb("queue", "Show what waits in the project, and for what")
    verb("pause", "Start nothing more in the project; what runs goes on")
    verb("resume", "Go on with the queue of the project")
    verb("requeue", "Queue again here the tasks that were queued in another copy of the project")

    made = verb(
        "optimize", "Search for the best configuration: each trial is a task, guided by the earlier ones"
    )
    made.add_argument("file", help="YAML file whose values are ranges and choices; '-' reads standard input")
    add_search_options(made)

    made = verb("studies", "Show adaptive sweeps, stop one, or go on with it")
    made.add_argument("study", nargs="?", metavar="NAME", help="which one (default: a line for each)")
    deeds = made.add_mutually_exclusive_group()
    deeds.add_argument("--stop", action="store_true", help="ask for no more trials; what runs goes on")
    deeds.add_argument("--resume", action="store_true", help="go on with it")
    deeds.add_argument("--remove", action="store_true", help="forget it; its tasks stay")
    made.add_argument("--trials", type=positive, metavar="N", help="with --resume: how many it is to have")
    made.add_argument(
        "--wait", action="store_true", help="wait for its end; exit code 1 when it gave up or was stopped"
    )
    made.set_defaults(usage=made.format_usage().strip())

    made = verb("wait", "Wait until tasks have ended; exit code 1 when one did not complete")
    made.add_argument("names", nargs="*", metavar="NAME", help="which tasks (default: all)")
    made.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after so long")


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an adaptive sweep."""
    parser.add_argument("-n", "--name", default="search", help="name of the study (default: %(default)s)")
    parser.add_argument(
        "--objective",
        required=True,
        metavar="FIGURE",
        help="what is optimised: what a run records under this key, else the last value it tracked",
    )
    parser.add_argument("--minimize", action="store_true", help="look for small values, not for large ones")
    parser.add_argument(
        "--trials", type=positive, default=50, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--sampler", choices=SAMPLERS, default=SAMPLERS[0], help="what chooses (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=_whole, metavar="N", help="the same seed and results give the same configurations"
    )
    parser.add_argument(
        "--prune",
        choices=[one for one in PRUNERS if one],
        default="",
        help="stop a run that is worse at some point than the best half (quarter) of the others were there",
    )
    add_run_options(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a batch, as they are declared, and those of a job of a cluster."""
    for name, option in OPTIONS.items():
        if name != "cluster":
            flags = option.flags or (f"--{name.replace('_', '-')}",)
            parser.add_argument(*flags, dest=name, help=option.help, **_argument(name, option.kind))
    parser.add_argument("--partition", metavar="NAME", help="with Slurm: partition of the cluster")
    parser.add_argument("--account", metavar="NAME", help="with Slurm: account to charge")
    parser.add_argument("--cpus", type=positive, metavar="N", help="with Slurm: CPU cores per task")
    parser.add_argument(
        "--sbatch",
        action="append",
        dest="extra",
        metavar="LINE",
        help="with Slurm: an option such as --sbatch=--qos=high, or a command that runs before the task; "
        "may be repeated",
    )


def _argument(name: str, kind: Kind) -> dict[str, Any]:
    """Return how argparse reads an option of this kind."""
    if kind.choices:
        return {"choices": kind.choices}
    if not kind.metavar:
        is_optional = getattr(QueueOptions, name) is None  # so that it can also be switched off
        return {"action": argparse.BooleanOptionalAction if is_optional else "store_true", "default": None}
    if kind.is_list:
        return {"action": "append", "metavar": kind.metavar}
    if kind.low is None:
        return {"metavar": kind.metavar}
    return {"type": positive if kind.low > 0 else _whole, "metavar": kind.metavar}


def run_options(args: argparse.Namespace) -> RunOptions:
    """Return the options that were given."""
    given = {key: getattr(args, key, None) for key in OPTIONS}
    asked = {key: getattr(args, key, None) for key in CLUSTER_OPTIONS}
    given["cluster"] = {key: value for key, value in asked.items() if value is not None} or None
    return cast(RunOptions, {key: value for key, value in given.items() if value is not None})


def run_flags(args: argparse.Namespace) -> list[str]:
    """Return the options of a batch that were given, as they are written."""
    names = {"gpu_devices": "gpu", "extra": "sbatch"}
    return [
        f"--{names.get(key, key).replace('_', '-')}"
        for key in (*OPTIONS, *CLUSTER_OPTIONS)
        if getattr(args, key, None) is not None
    ]


def positive(text: str) -> int:
    """Return a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _whole(text: str) -> int:
    return int(text)


positive.__name__ = "whole number from 1"  # what argparse calls them in its messages
_whole.__name__ = "whole number"
