"""Changing the goals of metrics in the settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import Direction
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

from .settings import Settings, change_settings, settings_text

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node

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
    stored = Settings.parse(f"{_KEY}: {_json(known)}\n".encode("utf-8", "replace"), root)
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
    entry = _entry(root, _KEY) if isinstance(root, MappingNode) else None
    if entry is None:
        indent = " " * root.start_mark.column if isinstance(root, MappingNode) else ""
        line = f"{indent}{_KEY}: {_json(known)}\n"
        return text + ("" if text.endswith("\n") or not text else "\n") + line
    key, value = entry
    start, end = key.end_mark.index, _end(value)
    block = text[start:end]
    if not known and "#" not in block:
        return _without_lines(text, key.start_mark.index, end)
    if not isinstance(value, MappingNode) or not value.value or (value.flow_style and "#" not in block):
        if value.start_mark.index < start:  # an alias
            return text
        return f"{text[: value.start_mark.index].rstrip(' ')} {_json(known)}{text[end:]}"
    return _with_goal(text, value, name, goal)


def _with_goal(text: str, goals: MappingNode, name: str, goal: Direction | None) -> str:
    """Return the text with one goal changed in a mapping that is not empty; everything else stays."""
    entry = _entry(goals, name)
    line = f"{_json(name)}: {goal}"
    if entry is not None:
        start, end = entry[0].start_mark.index, _end(entry[1])
        if goal is not None:
            return f"{text[: entry[1].start_mark.index]}{goal}{text[end:]}"
        if not goals.flow_style:
            return _without_lines(text, start, end)
        comma = _COMMA.match(text, end)
        return text[:start] + text[end if comma is None else comma.end() :]
    if goals.flow_style:
        start = goals.start_mark.index + 1
        return f"{text[:start]}{line}, {text[start:]}"
    end = _line_end(text, _end(goals))
    indent = " " * goals.value[0][0].start_mark.column
    return text[:end].removesuffix("\n") + f"\n{indent}{line}\n{text[end:]}"


def _entry(mapping: MappingNode, name: str) -> tuple[Node, Node] | None:
    """Return the last key of a mapping with this text, which counts, and its value."""
    return next((one for one in reversed(mapping.value) if one[0].value == name), None)


def _end(node: Node) -> int:
    """Return the end of a node without the comments and blank lines after a block mapping."""
    from yaml.nodes import MappingNode

    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    return int(node.end_mark.index)


def _without_lines(text: str, start: int, end: int) -> str:
    return text[: text.rfind("\n", 0, start) + 1] + text[_line_end(text, end) :]


def _line_end(text: str, position: int) -> int:
    """Return the end of a line, after its line break."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
