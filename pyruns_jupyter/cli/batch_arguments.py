"""The command-line arguments for the options of a batch."""

from __future__ import annotations

import argparse
from typing import Any, cast

from pyruns_jupyter.api.queue import RunOptions
from pyruns_jupyter.engine.queue.option_kinds import Kind
from pyruns_jupyter.engine.queue.options import OPTIONS, QueueOptions

from .parser import positive, whole

COMMON_OPTIONS = ("jobs", "gpus", "time_limit", "retries", "after", "engine")
CLUSTER_OPTIONS = ("partition", "account", "cpus", "extra")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a batch, as they are declared, and those of a Slurm job."""
    common = parser.add_argument_group("run options")
    advanced = parser.add_argument_group("advanced run options")
    for name, option in OPTIONS.items():
        if name != "cluster":
            group = common if name in COMMON_OPTIONS else advanced
            group.add_argument(*_flags(name), dest=name, help=option.help, **_argument(name, option.kind))
    slurm = parser.add_argument_group("Slurm options")
    slurm.add_argument("--partition", metavar="NAME", help="Slurm partition of the jobs")
    slurm.add_argument("--account", metavar="NAME", help="Slurm account to charge")
    slurm.add_argument("--cpus", type=positive, metavar="N", help="number of CPU cores per task")
    slurm.add_argument(
        "--sbatch",
        action="append",
        dest="extra",
        metavar="LINE",
        help="sbatch option such as --sbatch=--qos=high, or command to run before the task; repeatable",
    )


def _flags(name: str) -> tuple[str, ...]:
    if name == "extra":
        return ("--sbatch",)
    return (name in OPTIONS and OPTIONS[name].flags) or (f"--{name.replace('_', '-')}",)


def _argument(name: str, kind: Kind) -> dict[str, Any]:
    """Return how argparse reads an option of this kind."""
    if kind.choices:
        return {"choices": kind.choices}
    if not kind.metavar:
        is_optional = getattr(QueueOptions(), name) is None  # so that it can also be switched off
        return {"action": argparse.BooleanOptionalAction if is_optional else "store_true", "default": None}
    if kind.is_list:
        return {"action": "append", "metavar": kind.metavar}
    if kind.low is None:
        return {"metavar": kind.metavar}
    return {"type": positive if kind.low > 0 else whole, "metavar": kind.metavar}


def run_options(args: argparse.Namespace) -> RunOptions:
    """Return the options that were given."""
    given = {key: getattr(args, key, None) for key in OPTIONS}
    asked = {key: getattr(args, key, None) for key in CLUSTER_OPTIONS}
    given["cluster"] = {key: value for key, value in asked.items() if value is not None} or None
    return cast(RunOptions, {key: value for key, value in given.items() if value is not None})


def run_flags(args: argparse.Namespace) -> list[str]:
    """Return the options of a batch that were given, as they are written."""
    names = (*OPTIONS, *CLUSTER_OPTIONS)
    return [_flags(name)[-1] for name in names if getattr(args, name, None) is not None]
