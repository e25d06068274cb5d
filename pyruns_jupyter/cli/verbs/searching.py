"""Adaptive sweeps: beginning one, looking at them, stopping and resuming them."""

from __future__ import annotations

import argparse
from typing import Any

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.study import Study
from pyruns_jupyter.studies.definition import FINISHED, MAXIMIZE, MINIMIZE, PRUNERS, SAMPLERS

from ..batch_arguments import add_run_options, run_options
from ..context import Context
from ..parser import AddVerb, UsageError, positive, whole
from .shared import read


def _optimize(context: Context, args: argparse.Namespace) -> int:
    return optimize(context, context.workspace(args.workspace), read(context, args.file), args)


def optimize(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Begin an adaptive sweep over `text`, as `optimize` and the cell magic do."""
    study = workspace.optimize(
        text,
        objective=args.objective,
        direction=MINIMIZE if args.minimize else MAXIMIZE,
        n=args.trials,
        name=args.name,
        sampler=args.sampler,
        seed=args.seed,
        prune=args.prune,
        **run_options(args),
    )
    if args.json:
        context.json(_told(study))
    else:
        context.line(
            f"The study {study.name} searches for the best {args.objective} of {workspace.name}. "
            f"'studies {study.name}' shows how far it is."
        )
    return 0


def _studies(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    if args.study is None:
        if args.stop or args.resume or args.remove or args.wait:
            raise UsageError(f"Say which study.\n{args.usage}")
        if args.json:
            context.json([_told(study) for study in workspace.studies.values()])
        else:
            context.show(workspace.studies)
        return 0
    study = workspace.studies[args.study]
    if args.remove:
        study.remove()
        context.json({"removed": args.study}) if args.json else context.line(f"{args.study}: forgotten")
        return 0
    if args.stop:
        study.stop()
    elif args.resume:
        study.resume(n=args.trials)
    if args.wait:
        study.wait(progress=False if args.json else None)
    context.json(_told(study)) if args.json else context.show(study)
    return 0 if study.state == FINISHED or not args.wait else 1


def _told(study: Study) -> dict[str, Any]:
    found = study.definition
    return {
        **{key: value for key, value in found.to_dict().items() if key not in ("version", "text")},
        "trials": [vars(trial) for trial in study.trials],
        "best": None if study.best is None else study.best.name,
        "best_value": study.best_value,
    }


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs of adaptive sweeps."""
    made = verb(
        "optimize",
        "Search for the best configuration: each trial is a task, guided by the earlier ones",
        _optimize,
    )
    made.add_argument("file", help="YAML file whose values are ranges and choices; '-' reads standard input")
    add_search_options(made)

    made = verb("studies", "Show adaptive sweeps, stop one, or go on with it", _studies)
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
        "--seed", type=whole, metavar="N", help="the same seed and results give the same configurations"
    )
    parser.add_argument(
        "--prune",
        choices=[one for one in PRUNERS if one],
        default="",
        help="stop a run that is worse at some point than the best half (quarter) of the others were there",
    )
    add_run_options(parser)
