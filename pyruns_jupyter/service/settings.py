"""The settings file of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.metrics.expressions import Direction
from pyruns_jupyter.core.workspace.define_metric import define_metric
from pyruns_jupyter.core.workspace.settings import Settings, change_settings, settings_text

from .request import Request


class SettingsChange(Request, frozen=True):
    """The new text of the settings, and the old text that the client expects."""

    text: str
    expected: str


class MetricDefinition(Request, frozen=True):
    """The goal of a metric; without one, its definition is removed."""

    name: str
    goal: Direction | None = None


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


def define(root: Path, wanted: MetricDefinition) -> dict[str, Any]:
    """Define the goal of a metric and return the `MetricGoals`.

    Raises:
        InvalidInput: if the name is not valid, or the settings are damaged.
        Conflict: if the settings changed at the same time.
    """
    return {"goals": define_metric(root, wanted.name, wanted.goal)}
