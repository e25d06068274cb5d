"""The alert rules in the settings: those of all workspaces of a project, and those of one workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.alerts.rules import MAX_RULES, parse_rule
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, InvalidInputs
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

from .settings import Settings, change_settings, settings_text
from .settings_edit import with_value

_ALERTS, _WORKSPACES = "alerts", "workspaces"


class AlertRules(NamedTuple):
    """The rules of a project, which apply to all its workspaces, and those of one of them."""

    project: tuple[str, ...]
    workspace: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings, workspace: str) -> AlertRules:
        """Return the rules in settings; `workspace` is a name."""
        return cls(settings.alerts, settings.alerts_in.get(workspace, ()))

    @classmethod
    def parse(cls, project: Sequence[str], workspace: Sequence[str]) -> AlertRules:
        """Return rules of the user.

        Raises:
            InvalidInputs: if a rule is not valid; the field of an error is `project[0]` or `workspace[2]`.
            InvalidInput: if there are too many.
        """
        found: dict[str, list[str]] = {"project": [], "workspace": []}
        wrong: list[InvalidInput] = []
        for name, texts in zip(found, (project, workspace), strict=True):
            if len(texts) > MAX_RULES:
                raise InvalidInput(f"At most {MAX_RULES} alert rules are allowed.", field=name)
            for number, text in enumerate(texts):
                try:
                    found[name].append(parse_rule(text).text)
                except InvalidInput as error:
                    wrong.append(InvalidInput(error.message, field=f"{name}[{number}]"))
        if wrong:
            raise InvalidInputs(wrong)
        return cls(tuple(found["project"]), tuple(found["workspace"]))


def change_alert_rules(root: Path, workspace: str, rules: AlertRules, *, expected: AlertRules) -> None:
    """Replace the rules in the settings in `root` (the `_pyruns_` folder), if they still are `expected`.
    Comments and other settings stay.

    Raises:
        InvalidInput: if the settings are damaged, or only an editor can change their text.
        Conflict: if another process has changed the rules.
        Unreadable, Busy, OSError: as for `change_settings`.
    """
    text = settings_text(root)
    path = root / SETTINGS_NAME
    settings = Settings.parse(text.encode(), path)
    if settings.problem is not None:
        raise InvalidInput(settings.problem, field="text")
    present = AlertRules.of(settings, workspace)
    if present != expected:
        raise Conflict("The alert rules were changed by another process. Reload them and try again.")
    changed = text
    if rules.project != present.project:
        changed = with_value(changed, (_ALERTS,), rules.project)
    if rules.workspace != present.workspace:
        changed = with_value(changed, (_WORKSPACES, workspace, _ALERTS), rules.workspace)
    if changed == text and rules == present:
        return
    found = Settings.parse(changed.encode("utf-8", "replace"), path)
    if (
        found.problem is not None
        or AlertRules.of(found, workspace) != rules
        or _others(found, workspace) != _others(settings, workspace)
    ):
        raise InvalidInput(
            f"`{_ALERTS}` in {path} cannot be changed automatically. Edit the file.", field="text"
        )
    change_settings(root, changed, expected=text)


def _others(settings: Settings, workspace: str) -> dict[str, Any]:
    """Return the settings without the rules that are changed."""
    found = {key: value for key, value in settings.values.items() if key != _ALERTS}
    workspaces = found.pop(_WORKSPACES, None)
    for name, one in workspaces.items() if isinstance(workspaces, dict) else ():
        is_changed = name == workspace and isinstance(one, dict)
        kept = {key: value for key, value in one.items() if key != _ALERTS} if is_changed else one
        if kept:
            found[f"{_WORKSPACES}.{name}"] = kept
    return found
