"""The settings of a project, as a text and as what is understood of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.workspace.settings import Settings, change_settings, settings_text

from .request import Request


class SettingsChange(Request, frozen=True):
    """The new text of the settings, and the one that the client has seen."""

    text: str
    expected: str


def settings(root: Path) -> dict[str, Any]:
    """Return the `Settings` of the project whose `_pyruns_` folder is `root`.

    Raises:
        Unreadable: when they cannot be read.
    """
    return {"text": settings_text(root), "problem": Settings.load(root).problem}


def change(root: Path, wanted: SettingsChange) -> dict[str, Any]:
    """Replace the settings and return the `Settings`.

    Raises:
        InvalidInput: when the new settings cannot be used.
        Conflict: when the settings are no longer the expected ones.
    """
    change_settings(root, wanted.text, expected=wanted.expected)
    return settings(root)
