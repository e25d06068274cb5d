"""The settings file of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from pyruns_jupyter.core.metrics.expressions import Direction
from pyruns_jupyter.core.workspace.alert_settings import AlertRules, change_alert_rules
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


class StoredRules(Struct, frozen=True, forbid_unknown_fields=True):
    """The alert rules of all workspaces of a project, and those of one workspace."""

    project: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()


class AlertRulesChange(Request, frozen=True):
    """The new alert rules, and the old ones that the client expects."""

    expected: StoredRules
    project: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()


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


def alert_rules(root: Path, workspace: str) -> dict[str, Any]:
    """Return the `AlertRules` of a workspace, without those that are not valid; `problem` says which."""
    found = Settings.load(root)
    return {**AlertRules.of(found, workspace)._asdict(), "problem": found.problem}


def change_rules(root: Path, workspace: str, wanted: AlertRulesChange) -> dict[str, Any]:
    """Replace the alert rules of a project and of one of its workspaces, and return the `AlertRules`.

    Raises:
        InvalidInput: if a rule is not valid, or the settings are damaged.
        Conflict: if the rules have changed since the client read them.
    """
    rules = AlertRules.parse(wanted.project, wanted.workspace)
    expected = AlertRules(wanted.expected.project, wanted.expected.workspace)
    change_alert_rules(root, workspace, rules, expected=expected)
    return alert_rules(root, workspace)
