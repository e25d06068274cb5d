"""The files of Hydra's configurations: their defaults lists, packages, and how their contents are merged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.scripts.types import Shape

MISSING = "???"
ENDINGS = (".yaml", ".yml")
_PACKAGE = re.compile(r"^\s*#\s*@package\s+(\S+)\s*$")


@dataclass(frozen=True)
class File:
    """One configuration: its defaults list, the remaining content, the package of its header.

    `helps` and `shapes` hold comments and types by dotted key.
    """

    defaults: tuple[Any, ...]
    content: Mapping[str, Any]
    package: str | None = None
    helps: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class DefaultsEntry:
    """An entry of a defaults list. `group` is "" for a plain configuration; `value` is a name, some, None."""

    group: str
    value: Any
    package: str | None = None
    optional: bool = False
    override: bool = False


def read_file(text: str, where: str) -> File:
    """Parse the text of a configuration.

    Raises:
        PyrunsError: the text is not a YAML mapping; `where` names it.
    """
    package = None
    for line in text.splitlines()[:20]:
        if line.strip() and not line.lstrip().startswith("#"):
            break
        match = _PACKAGE.match(line)
        if match is not None:
            package = match[1]
    content = parse_config(text, where)
    try:
        helps = {leaf.key: leaf.comment for leaf in Template.parse(text).leaves if leaf.comment}
    except PyrunsError:
        helps = {}  # a configuration need not be a valid sweep template
    rest = {key: value for key, value in content.items() if key != "defaults"}
    return File(tuple(defaults_of(content)), rest, package, helps)


def defaults_of(content: Mapping[str, Any]) -> list[Any]:
    """Return the defaults list of a configuration."""
    defaults = content.get("defaults")
    return defaults if isinstance(defaults, list) else []


def entry_of(item: Any) -> DefaultsEntry | None:
    """Return one item of a defaults list as an entry; None when it has no effect."""
    if isinstance(item, str):
        words = item.split()
        optional = words[:1] == ["optional"]
        name, _, package = (words[-1] if words else "").partition("@")
        return DefaultsEntry("", name, package or None, optional)
    if not isinstance(item, Mapping):
        return None
    given = {key: value for key, value in item.items() if key != "optional"}
    if not given:
        return None
    key, value = next(iter(given.items()))
    words = str(key).split()
    flags, group = words[:-1], words[-1] if words else ""
    group, _, package = group.partition("@")
    optional = "optional" in flags or item.get("optional") is True
    return DefaultsEntry(group, value, package or None, optional, "override" in flags)


def bare(name: str) -> str:
    """Return a name without the ending of a YAML file."""
    for ending in ENDINGS:
        if name.endswith(ending):
            return name[: -len(ending)]
    return name


def wrapped(package: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content below its package."""
    result: dict[str, Any] = dict(content)
    for name in reversed([part for part in package.split(".") if part]):
        result = {name: result}
    return result


def merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    """Merge `source` into `target`: mappings recursively, other values are replaced."""
    for key, value in source.items():
        old = target.get(key)
        if isinstance(value, Mapping):
            if not isinstance(old, dict):
                old = target[key] = {}
            merge(old, value)
        elif value == MISSING and key in target:
            continue  # a missing value does not override
        else:
            target[key] = value
