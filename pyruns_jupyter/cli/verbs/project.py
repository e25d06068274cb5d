"""A project as a whole: what is wrong with it, and its settings."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.config.sweep.overlay import overlaid
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME, find_root
from pyruns_jupyter.core.workspace.settings import Settings, change_settings, settings_text
from pyruns_jupyter.engine.client.doctor import examine

from ..context import Context
from ..parser import AddVerb

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


def _config(context: Context, args: argparse.Namespace) -> int:
    root = find_root(context.folder)
    text = settings_text(root)
    if args.settings:
        lines = [_line(setting) for setting in args.settings]
        # Comments, order and keys of others stay.
        text, before = overlaid(text, "\n".join(lines), {}), text
        change_settings(root, text, expected=before)
    if args.json:
        context.json({"file": root / SETTINGS_NAME, "text": text, "settings": asdict(Settings.load(root))})
    else:
        context.write(text if text.endswith("\n") else f"{text}\n")
    return 0


def _line(setting: str) -> str:
    key, separator, value = setting.partition("=")
    if not separator or not key.strip().isidentifier():
        raise InvalidInput(f"{setting!r} is no KEY=VALUE.", field="settings")
    return f"{key.strip()}: {value}"


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs about a whole project."""
    made = verb(
        "doctor", "Say what is wrong with the project; exit code 1 for an error", _doctor, workspace=False
    )
    made.add_argument("--repair", action="store_true", help="do what can be done about it")

    made = verb("config", "Show the settings of the project, or change some", _config, workspace=False)
    made.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="such as silent_after_minutes=30")
