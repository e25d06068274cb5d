"""What is wrong with a project, and repairing it."""

from __future__ import annotations

import argparse

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.paths import find_root
from pyruns_jupyter.engine.client.doctor import examine

from ..context import Context
from .shared import Verb

_MARKS = {"error": "error  ", "warning": "warning", "note": "note   "}


def _doctor(context: Context, args: argparse.Namespace) -> int:
    findings = examine(find_root(context.folder))
    told = []
    for finding in findings:
        done = None
        if args.repair and finding.repair is not None:
            try:
                done = finding.repair()
            except (PyrunsError, OSError) as error:
                done = f"That did not succeed: {error}"
        told.append(
            {
                "severity": finding.severity,
                "what": finding.what,
                "advice": finding.advice,
                "can_repair": finding.repair is not None,
                "done": done,
            }
        )
    if args.json:
        context.json(told)
    elif not told:
        context.line("All is well.")
    else:
        for one in told:
            context.line(f"{_MARKS[str(one['severity'])]}  {one['what']}")
            context.line(f"         {one['done'] or one['advice']}")
        if not args.repair and any(one["can_repair"] for one in told):
            context.line("'doctor --repair' does what can be done.")
    left = [one for one in told if one["severity"] == "error" and not one["done"]]
    return 1 if left else 0


VERBS: dict[str, Verb] = {"doctor": _doctor}
