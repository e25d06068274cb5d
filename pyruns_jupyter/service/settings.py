"""The settings of a project, as a text and as what is understood of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.settings_text import change_settings, settings_text

from .request import Body

KEYS = ("text", "expected")


def settings(root: Path) -> dict[str, Any]:
    """Return the `Settings` of the project whose `_pyruns_` folder is `root`.

    Raises:
        Unreadable: when they cannot be read.
    """
    return {"text": settings_text(root), "problem": Settings.load(root).problem}


def change(root: Path, body: Body) -> None:
    """Do what a `SettingsChange` asks for.

    Raises:
        InvalidInput: when it is none, or the settings cannot be used.
        Conflict: when they are not the expected ones any more.
    """
    change_settings(root, body.text("text"), expected=body.text("expected"))
