"""Where the names in a module come from: `import click as c` makes `c.option` the name `click.option`."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from .files import nodes_of

_CACHE: WeakKeyDictionary[ast.Module, dict[str, str]] = WeakKeyDictionary()


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each imported name, wherever in the module it is imported."""
    known = _CACHE.get(tree)
    if known is None:
        known = {}
        for node in nodes_of(tree):
            if isinstance(node, ast.Import):
                for item in node.names:
                    if item.asname:
                        known[item.asname] = item.name
                    else:
                        first = item.name.split(".")[0]
                        known.setdefault(first, first)
            elif isinstance(node, ast.ImportFrom):
                origin = "." * node.level + (node.module or "")
                joint = "" if origin.endswith(".") or not origin else "."
                for item in node.names:
                    known[item.asname or item.name] = f"{origin}{joint}{item.name}"
        _CACHE[tree] = known
    return known


def external_name(tree: ast.Module, node: ast.expr) -> str:
    """Return the dotted name that an expression means, with its first part replaced by the imported name.

    "" when the expression is not a dotted name.
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(imported_names(tree).get(node.id, node.id))
    return ".".join(reversed(parts))


def imports_package(tree: ast.Module, *packages: str) -> bool:
    """Return whether the module imports one of these packages or something from them."""
    return any(name.split(".")[0] in packages for name in imported_names(tree).values())
