"""Changing the goals of metrics in the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import Direction
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

from .settings import Settings, change_settings, settings_text
from .settings_edit import end_of, entry_of, to_json, with_entry, with_entry_at_end, without_lines

if TYPE_CHECKING:
    from yaml.nodes import MappingNode

_KEY = "metrics"
_MAX_NAME = 200  # characters
_COMMA = re.compile(r"[ \t]*,")


def define_metric(root: Path, name: str, goal: Direction | None) -> dict[str, Direction]:
    """Set the goal of a metric in the settings in `root` (the `_pyruns_` folder), or remove it if `goal` is
    None; return all goals. Comments and other settings stay.

    Raises:
        InvalidInput: if the name is not valid, if the settings are damaged, or if only an editor can change
            their text.
        Conflict, Unreadable, Busy, OSError: as for `change_settings`.
    """
    if not 0 < len(name.strip()) <= _MAX_NAME:
        raise InvalidInput(f"The name of a metric must have 1 to {_MAX_NAME} characters.", field="name")
    text = settings_text(root)
    path = root / SETTINGS_NAME
    settings = Settings.parse(text.encode(), path)
    if settings.problem is not None:
        raise InvalidInput(settings.problem, field="text")
    goals: dict[str, Direction | None] = {**settings.metrics, name: goal}
    known = {key: one for key, one in sorted(goals.items()) if one is not None}
    stored = Settings.parse(f"{_KEY}: {to_json(known)}\n".encode("utf-8", "replace"), root)
    if stored.metrics != known:  # a control character
        raise InvalidInput("The name of the metric contains characters that cannot be stored.", field="name")
    if known == settings.metrics:
        return known
    changed = _changed(text, name, goal, known)
    found = Settings.parse(changed.encode("utf-8", "replace"), path)
    if found.problem is not None or found.metrics != known or _others(found) != _others(settings):
        raise InvalidInput(
            f"`{_KEY}` in {path} cannot be changed automatically. Edit the file.", field="text"
        )
    change_settings(root, changed, expected=text)
    return known


def _others(settings: Settings) -> dict[str, Any]:
    return {key: value for key, value in settings.values.items() if key != _KEY}


def _changed(text: str, name: str, goal: Direction | None, known: Mapping[str, Direction]) -> str:
    """Return the text of the settings with a goal changed; `known` are all goals after that."""
    from yaml.nodes import MappingNode

    from pyruns_jupyter.core.config.yamltext.values import compose

    root = compose(text)
    entry = entry_of(root, _KEY) if isinstance(root, MappingNode) else None
    if entry is None:
        column = root.start_mark.column if isinstance(root, MappingNode) else 0
        return with_entry_at_end(text, _KEY, known, column)
    key, value = entry
    start, end = key.end_mark.index, end_of(value)
    block = text[start:end]
    if not known and "#" not in block:
        return without_lines(text, key.start_mark.index, end)
    if not isinstance(value, MappingNode) or not value.value or (value.flow_style and "#" not in block):
        if value.start_mark.index < start:  # an alias
            return text
        return f"{text[: value.start_mark.index].rstrip(' ')} {to_json(known)}{text[end:]}"
    return _with_goal(text, value, name, goal)


def _with_goal(text: str, goals: MappingNode, name: str, goal: Direction | None) -> str:
    """Return the text with one goal changed in a mapping that is not empty; everything else stays."""
    entry = entry_of(goals, name)
    line = f"{to_json(name)}: {goal}"
    if entry is not None:
        start, end = entry[0].start_mark.index, end_of(entry[1])
        if goal is not None:
            return f"{text[: entry[1].start_mark.index]}{goal}{text[end:]}"
        if not goals.flow_style:
            return without_lines(text, start, end)
        comma = _COMMA.match(text, end)
        return text[:start] + text[end if comma is None else comma.end() :]
    return with_entry(text, goals, line)
