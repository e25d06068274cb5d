"""The settings of a project."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.sweep.overlay import overlaid
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME, find_root
from pyruns_jupyter.core.workspace.settings import Settings, change_settings, settings_text

from ..context import Context
from .shared import Verb


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


VERBS: dict[str, Verb] = {"config": _config}
