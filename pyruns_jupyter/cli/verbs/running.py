"""Running tasks, waiting for them, stopping them."""

from __future__ import annotations

import argparse

from pyruns_jupyter.core.errors import PyrunsError
from pyruns_jupyter.core.runs import COMPLETED
from pyruns_jupyter.engine.submit import cancel

from ..context import Context
from .shared import Verb, each, told


def _run(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    return told(context, args, "queued", workspace.run(args.names, jobs=args.jobs).names)


def _wait(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    try:
        ended = workspace.wait(args.names or None, timeout=args.timeout)
    except TimeoutError as error:
        raise PyrunsError(str(error)) from None
    if args.json:
        context.json({task.name: task.status for task in ended})
    else:
        context.show(ended)
    return 0 if all(task.status == COMPLETED for task in ended) else 1


def _stop(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder

    def stop(name: str, durable: bool) -> None:
        cancel(folder, name)  # makes it durable in any case

    return each(context, args, folder, "stopping", stop)


VERBS: dict[str, Verb] = {"run": _run, "wait": _wait, "stop": _stop}
