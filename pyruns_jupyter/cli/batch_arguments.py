"""The arguments that stand for the options of a batch."""

from __future__ import annotations

import argparse
from typing import Any, cast

from pyruns_jupyter.api.queue import RunOptions
from pyruns_jupyter.engine.queue.options import OPTIONS, Kind, QueueOptions

from .parser import positive, whole

CLUSTER_OPTIONS = ("partition", "account", "cpus", "extra")


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
    return {"type": positive if kind.low > 0 else whole, "metavar": kind.metavar}


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
