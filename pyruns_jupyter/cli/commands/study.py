"""Commands for hyperparameter studies."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.study import Study
from pyruns_jupyter.api.tables import count_text, text_table, value_text
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import MAXIMIZE, MINIMIZE
from pyruns_jupyter.studies.definition import FINISHED
from pyruns_jupyter.studies.pruners import PRUNERS
from pyruns_jupyter.studies.samplers import SAMPLERS
from pyruns_jupyter.studies.trials import Trial

from ..batch_arguments import add_run_options, run_options
from ..context import Context
from ..parser import AddCommand, Parser, positive, whole
from .shared import read_input


def _optimize(context: Context, args: argparse.Namespace) -> int:
    return optimize(context, context.workspace(args.workspace), read_input(context, args.file), args)


def optimize(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Start a study over the search space `text`, for `optimize` and the cell magic."""
    objectives = [(args.objective, MINIMIZE if args.minimize else MAXIMIZE), *args.further]
    several = dict(objectives)
    if len(several) < len(objectives):
        raise InvalidInput("Two objectives have the same metric. Remove one of them.", field="objectives")
    study = workspace.optimize(
        text,
        objective=several,
        constraints=args.constraint,
        n=args.trials,
        name=args.name,
        sampler=args.sampler,
        n_startup_trials=args.startup_trials,
        seed=args.seed,
        prune=args.prune,
        min_resource=args.min_resource,
        max_resource=args.max_resource,
        reduction_factor=args.reduction_factor,
        warm_start=args.warm_start,
        **run_options(args),
    )
    goals = ", ".join(f"{direction} {metric}" for metric, direction in objectives)
    earlier = count_text(len(study.definition.warm_start), "earlier task")
    known = f" It knows {earlier}." if args.warm_start else ""
    shown = (
        f"Started study {study.name} of {workspace.name}: {goals}.{known} 'studies {study.name}' shows its "
        "progress."
    )
    return context.result(args, lambda: _to_dict(study), shown)


def _studies(context: Context, args: argparse.Namespace) -> int:
    studies = context.workspace(args.workspace).studies
    if args.study is None:
        if any((args.stop, args.resume, args.remove, args.trials, args.wait, args.export, args.importance)):
            args.parser.error("Specify the NAME of a study")
        return context.result(args, lambda: [_to_dict(study) for study in studies.values()], studies)
    if args.trials and not args.resume:
        args.parser.error("--trials requires --resume")
    if args.remove and (args.export or args.wait or args.importance):
        option = "--export" if args.export else "--wait" if args.wait else "--importance"
        args.parser.error(f"{option} cannot be used with --remove")
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
    if args.importance:
        _importance(context, args, study)
    else:
        context.result(args, lambda: _to_dict(study), study)
    return 0 if study.state == FINISHED or not args.wait else 1


def _importance(context: Context, args: argparse.Namespace, study: Study) -> None:
    """Show the importance of the parameters for each objective."""
    found = {
        objective.metric: study.importance(index)
        for index, objective in enumerate(study.definition.objectives)
    }
    keys = list(dict.fromkeys(key for values in found.values() for key in values))
    rows = [[key, *(value_text(values.get(key)) for values in found.values())] for key in keys]
    table = text_table(["parameter", *found], rows)
    context.result(args, found, table if rows else "There are too few completed trials.")


def _to_dict(study: Study) -> dict[str, Any]:
    found = study.definition
    return {
        **{key: value for key, value in found.to_dict().items() if key not in ("version", "text")},
        "n_startup_trials": found.startup_trials,
        "trials": [_trial(trial) for trial in study.trials],
        "best": None if study.best is None else study.best.name,
        "best_value": study.best_value,
        "pareto_front": [trial.task for trial in study.pareto_front],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {**vars(trial), "value": trial.value, "is_feasible": trial.is_feasible}


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
    add("--importance", action="store_true", help="show the importance of each parameter by fANOVA")
    about = (
        "write the study to an Optuna journal file, for example for optuna-dashboard; with --wait, update "
        "the file until the study ends"
    )
    add("--export", metavar="FILE", help=about)


def _objective(direction: str, metric: str) -> tuple[str, str]:
    return metric, direction


def add_study_options(parser: Parser) -> None:
    """Add the options of a study."""
    add = parser.add_argument
    about = "metric to optimize (its recorded value, or its last tracked value)"
    add("--objective", required=True, metavar="METRIC", help=about)
    add("--minimize", action="store_true", help="minimize the objective (default: maximize)")
    for goal in (MINIMIZE, MAXIMIZE):
        about = f"{goal} another metric too, for a Pareto front; repeatable"
        kind = partial(_objective, goal)
        add(
            f"--also-{goal}",
            action="append",
            default=[],
            dest="further",
            type=kind,
            metavar="METRIC",
            help=about,
        )
    about = "limit of a metric, such as 'latency <= 20'; repeatable"
    add("--constraint", action="append", default=[], metavar="LIMIT", help=about)
    add("--trials", type=positive, default=50, metavar="N", help="number of trials (default: %(default)s)")
    add("-n", "--name", default="search", help="name of the study (default: %(default)s)")
    add(
        "--sampler",
        choices=SAMPLERS,
        default=SAMPLERS[0],
        help="method that chooses the parameters (default: %(default)s)",
    )
    add("--seed", type=whole, metavar="N", help="random seed of the sampler (default: random)")
    about = (
        "number of random trials before the sampler learns (default: 10 for tpe and gp, 1 for cmaes), or "
        "size of the population (nsga2, default: 50)"
    )
    add("--startup-trials", type=positive, metavar="N", help=about)
    about = (
        "stop trials that are worse than the median or top quartile of completed trials at the same step, or "
        "by successive halving"
    )
    add("--prune", choices=[one for one in PRUNERS if one], default="", help=about)
    about = "number of steps before the first comparison (asha, hyperband; default: 1)"
    add("--min-resource", type=positive, metavar="N", help=about)
    about = "number of steps (tracked objective values) of a complete run; required for hyperband"
    add("--max-resource", type=positive, metavar="N", help=about)
    about = "keep 1/N of the trials at each comparison (default: asha 4, hyperband 3)"
    add("--reduction-factor", type=positive, metavar="N", help=about)
    about = "query for earlier tasks whose results the sampler learns from"
    add("--warm-start", default="", metavar="QUERY", help=about)
    add_run_options(parser)
