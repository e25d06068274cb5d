"""The verbs that run, stop and wait, and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import cast

from pyruns_jupyter.api.queue import RunOptions
from pyruns_jupyter.core.workspace.cluster_settings import ENGINES
from pyruns_jupyter.studies.definition import PRUNERS, SAMPLERS

MakeVerb = Callable[..., argparse.ArgumentParser]

CLUSTER_OPTIONS = ("partition", "account", "cpus", "extra")
_TIME = "seconds, or such as 90s, 10m, 1h30m"


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
    """Add the options of a queueing."""
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive,
        help="maximum number of parallel tasks of this batch (default: 1; on Slurm: no limit); a number "
        "above the limit of the project (the setting max_jobs: auto) is obeyed",
    )
    parser.add_argument("--priority", type=_whole, metavar="N", help="what has a higher one starts first")
    for flag, about in (("--after", "complete"), ("--after-any", "end in any way")):
        parser.add_argument(
            flag,
            action="append",
            metavar="TASK",
            help=f"a task (or WORKSPACE/TASK) that has to {about} before these start; may be repeated",
        )
    parser.add_argument("--retries", type=_whole, metavar="N", help="how often a task that failed runs again")
    parser.add_argument(
        "--retry-delay",
        metavar="TIME",
        help=f"with --retries: delay before the first retry, doubled for each further one (10 s; {_TIME})",
    )
    parser.add_argument("--time-limit", metavar="TIME", help=f"stop what takes longer ({_TIME})")
    parser.add_argument("--grace", metavar="TIME", help="between asking to stop and killing (10 s)")
    parser.add_argument(
        "--stop-after",
        type=_whole,
        metavar="N",
        help="cancel what waits after N runs in a row that failed in the same way",
    )
    parser.add_argument(
        "--gpus",
        type=_whole,
        metavar="N",
        help="how many GPUs each task gets, 0 for none (default: 1 on a host with GPUs where the script "
        "imports a GPU framework such as torch)",
    )
    parser.add_argument(
        "--gpu-memory",
        metavar="GIB",
        help="GPU memory that a task uses, so that others may share its GPU; 'auto': what earlier runs used; "
        "implies --gpus 1",
    )
    parser.add_argument(
        "--gpu",
        action="append",
        dest="gpu_devices",
        metavar="ID",
        help="allow only this GPU (index or UUID); may be repeated; implies --gpus 1",
    )
    parser.add_argument(
        "--retry-alone",
        action="store_true",
        default=None,
        help="with --gpu-memory: after a GPU out-of-memory error, retry with exclusive GPUs",
    )
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help="memory for each task, such as 16G: reserve it and kill a task that uses more",
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        help="run again what a restart of the machine, or of its container, ended",
    )
    parser.add_argument(
        "--engine", choices=ENGINES, help="where they run: on this machine, or as jobs of a Slurm cluster"
    )
    parser.add_argument("--partition", metavar="NAME", help="with Slurm: of the cluster")
    parser.add_argument("--account", metavar="NAME", help="with Slurm: who pays")
    parser.add_argument("--cpus", type=positive, metavar="N", help="with Slurm: processors of each task")
    parser.add_argument(
        "--sbatch",
        action="append",
        dest="extra",
        metavar="LINE",
        help="with Slurm: an option such as --sbatch=--qos=high, or a command that runs before the task; "
        "may be repeated",
    )


def run_options(args: argparse.Namespace) -> RunOptions:
    """Return the options that were given."""
    given = {key: getattr(args, key, None) for key in RunOptions.__annotations__}
    asked = {key: getattr(args, key, None) for key in CLUSTER_OPTIONS}
    given["cluster"] = {key: value for key, value in asked.items() if value is not None} or None
    return cast(RunOptions, {key: value for key, value in given.items() if value is not None})


def run_flags(args: argparse.Namespace) -> list[str]:
    """Return the options of a batch that were given, as they are written."""
    names = {"gpu_devices": "gpu", "extra": "sbatch"}
    keys = (*RunOptions.__annotations__, *CLUSTER_OPTIONS)
    return [
        f"--{names.get(key, key).replace('_', '-')}" for key in keys if getattr(args, key, None) is not None
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
