"""Values that the libraries of dataclasses read as others: argparse gives them every word as a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import same
from pyruns_jupyter.core.scripts.types import Shape

_READS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}


def misread(library: str, shape: Shape | None, value: object, has_file: bool) -> str:
    """Return why a library would read another value, as the end of a sentence; "" if it reads this one.

    `has_file` is whether a file sets values, too.
    """
    if library == "tyro" and shape is not None:
        items = value if isinstance(value, list) else [value]
        in_items = any(one.optional for one in shape.items)
        if (shape.optional and items == ["None"]) or (in_items and "None" in items):
            return "the script would parse the string 'None' as a null value"
    if library == "draccus" and isinstance(value, str) and value.startswith("include"):
        return "draccus would open a file, because the text begins with 'include'"
    if library == "draccus" and isinstance(value, Mapping) and has_file:
        return "draccus would merge it into the mapping in the file of config_path"
    if library in ("pyrallis", "draccus") and shape is not None and shape.name == "union":
        kind = _converted(library, shape, value)
        return f"{library} would convert it to {kind}" if kind else ""
    return ""


def _converted(library: str, shape: Shape, value: object) -> str:
    """Return the type that a value of a union gets, which is the first one that takes it; "" if its own."""
    for item in shape.items:
        read = _READS.get(item.name)
        if item.name in ("list", "tuple", "dict") and not isinstance(value, (list, Mapping)):
            continue
        if library == "draccus":  # it is stricter
            if item.name == "int" and isinstance(value, float):
                continue
            if item.name == "bool" and not isinstance(value, bool) and value not in ("true", "false"):
                continue
        try:
            return "" if read is None or same(read(value), value) else item.name
        except (TypeError, ValueError, OverflowError):
            continue
    return ""
