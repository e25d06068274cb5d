"""The settings file of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.workspace.settings import Settings, change_settings, settings_text

from .request import Request


class SettingsChange(Request, frozen=True):
    """The new text of the settings, and the old text that the client expects."""

    text: str
    expected: str


def settings(root: Path) -> dict[str, Any]:
    """Return the `Settings` of the project whose `_pyruns_` folder is `root`.

    Raises:
        Unreadable: if they cannot be read.
    """
    return {"text": settings_text(root), "problem": Settings.load(root).problem}


def change(root: Path, wanted: SettingsChange) -> dict[str, Any]:
    """Replace the settings and return the `Settings`.

    Raises:
        InvalidInput: if the new settings are not valid.
        Conflict: if the settings have changed since the client read them.
    """
    change_settings(root, wanted.text, expected=wanted.expected)
    return settings(root)
