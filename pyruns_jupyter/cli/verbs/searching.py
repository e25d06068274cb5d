"""Adaptive sweeps: beginning one, looking at them, stopping and resuming them."""

from __future__ import annotations

import argparse
from typing import Any

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.study import Study
from pyruns_jupyter.studies.definition import FINISHED, MAXIMIZE, MINIMIZE

from ..context import Context
from ..grammar import UsageError
from ..queuegrammar import run_options
from .shared import Verb, read


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


VERBS: dict[str, Verb] = {"optimize": _optimize, "studies": _studies}
