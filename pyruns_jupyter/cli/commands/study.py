"""Commands for hyperparameter studies."""

from __future__ import annotations

import argparse
from typing import Any

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.study import Study
from pyruns_jupyter.core.metrics.expressions import MAXIMIZE, MINIMIZE
from pyruns_jupyter.studies.definition import FINISHED, PRUNERS, SAMPLERS

from ..batch_arguments import add_run_options, run_options
from ..context import Context
from ..parser import AddCommand, Parser, positive, whole
from .shared import read_input


def _optimize(context: Context, args: argparse.Namespace) -> int:
    return optimize(context, context.workspace(args.workspace), read_input(context, args.file), args)


def optimize(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Start a study over the search space `text`, for `optimize` and the cell magic."""
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
    shown = (
        f"Started study {study.name} of {workspace.name}: {'minimize' if args.minimize else 'maximize'} "
        f"{args.objective}. 'studies {study.name}' shows its progress."
    )
    return context.result(args, lambda: _to_dict(study), shown)


def _studies(context: Context, args: argparse.Namespace) -> int:
    studies = context.workspace(args.workspace).studies
    if args.study is None:
        if args.stop or args.resume or args.remove or args.wait or args.export:
            args.parser.error("Specify the NAME of a study")
        return context.result(args, lambda: [_to_dict(study) for study in studies.values()], studies)
    study = studies[args.study]
    if args.remove:
        study.remove()
        return context.result(
            args, {"removed": args.study}, f"Deleted the study {args.study}. Its tasks are kept."
        )
    if args.stop:
        study.stop()
    elif args.resume:
        study.resume(n=args.trials)
    if args.export:
        study.export_journal(context.folder / args.export, follow=args.wait)
    if args.wait:
        study.wait(progress=False if args.json else None)
    context.result(args, lambda: _to_dict(study), study)
    return 0 if study.state == FINISHED or not args.wait else 1


def _to_dict(study: Study) -> dict[str, Any]:
    found = study.definition
    return {
        **{key: value for key, value in found.to_dict().items() if key not in ("version", "text")},
        "trials": [vars(trial) for trial in study.trials],
        "best": None if study.best is None else study.best.name,
        "best_value": study.best_value,
    }


def add_commands(command: AddCommand) -> None:
    """Add the commands for studies."""
    parser = command("optimize", _optimize)
    parser.add_argument(
        "file", metavar="FILE", help="YAML file with the search space ('-' for standard input)"
    )
    add_study_options(parser)

    parser = command("studies", _studies)
    parser.add_argument(
        "study", nargs="?", metavar="NAME", help="name of the study (default: list all studies)"
    )
    add = parser.add_mutually_exclusive_group().add_argument
    add(
        "--stop",
        action="store_true",
        help="stop the study and cancel its queued trials; running trials continue",
    )
    add("--resume", action="store_true", help="resume a stopped or finished study")
    add("--remove", action="store_true", help="delete the study; its tasks are kept")
    add = parser.add_argument
    add("--trials", type=positive, metavar="N", help="new total number of trials (requires --resume)")
    add("--wait", action="store_true", help="wait until the study ends (exit code 1 unless it finishes)")
    about = (
        "write the study to a journal file of Optuna, such as for optuna-dashboard; with --wait until it ends"
    )
    add("--export", metavar="FILE", help=about)


def add_study_options(parser: Parser) -> None:
    """Add the options of a study."""
    add = parser.add_argument
    about = "metric to optimize (its recorded value, or its last tracked value)"
    add("--objective", required=True, metavar="METRIC", help=about)
    add("--minimize", action="store_true", help="minimize the objective (default: maximize)")
    add("--trials", type=positive, default=50, metavar="N", help="number of trials (default: %(default)s)")
    add("-n", "--name", default="search", help="name of the study (default: %(default)s)")
    add(
        "--sampler",
        choices=SAMPLERS,
        default=SAMPLERS[0],
        help="method that chooses the parameters (default: %(default)s)",
    )
    add("--seed", type=whole, metavar="N", help="random seed of the sampler (default: random)")
    about = "stop trials that are worse than the median or top quartile of completed trials at the same step"
    add("--prune", choices=[one for one in PRUNERS if one], default="", help=about)
    add_run_options(parser)
