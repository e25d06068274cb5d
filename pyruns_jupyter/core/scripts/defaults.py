"""The configuration with all defaults of a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyruns_jupyter.core.config.yamltext.values import string_text, value_text

from .model import Parameter

_MAX_CHOICES = 12  # listed in a comment
_INDENT = "  "


def config_default_text(parameters: Sequence[Parameter], script_name: str = "") -> str:
    """Return a configuration with all defaults: one line `key: default  # help` each, in source order.

    The parameters of a subcommand are below its name.
    """
    lines = [f"# Defaults of {script_name}\n\n"] if script_name else []
    inside: tuple[str, ...] = ()
    for parameter in parameters:
        scope = parameter.scope
        common = 0
        while common < min(len(scope), len(inside)) and scope[common] == inside[common]:
            common += 1
        for depth in range(common, len(scope)):
            lines.append(f"{_INDENT * depth}{string_text(scope[depth])}:\n")
        inside = scope
        note = _note(parameter)
        text = f"{string_text(parameter.key)}: {value_text(_plain(parameter.default))}"
        lines.append(f"{_INDENT * len(scope)}{text}" + (f"  # {note}" if note else "") + "\n")
    return "".join(lines)


def _note(parameter: Parameter) -> str:
    note = " ".join(parameter.help.split())
    if parameter.required and parameter.default is None:
        note = f"{note} (required)" if note else "required"
    if not parameter.choices or parameter.type == "bool":
        return note
    names = [str(one) for one in parameter.choices]
    if len(names) > _MAX_CHOICES:
        names = [*names[:_MAX_CHOICES], "..."]
    choices = "one of " + " ".join(", ".join(names).split())
    if parameter.type == "list":
        choices = choices.replace("one of", "each one of", 1)
    return f"{note} ({choices})" if note else choices


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
