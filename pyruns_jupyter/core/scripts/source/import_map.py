"""Where the names in a module come from: `import click as c` makes `c.option` the name `click.option`."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from .files import dotted_name, imports, nodes_of

_CACHE: WeakKeyDictionary[ast.Module, dict[str, str]] = WeakKeyDictionary()


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each imported name, wherever in the module it is imported."""
    known = _CACHE.get(tree)
    if known is None:
        known = {}
        for node in nodes_of(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                known.update((name, item.target) for name, item in imports(node))
        _CACHE[tree] = known
    return known


def external_name(tree: ast.Module, node: ast.expr) -> str:
    """Return the dotted name that an expression means, with its first part replaced by the imported name.

    "" when the expression is not a dotted name.
    """
    head, dot, rest = (dotted_name(node) or "").partition(".")
    return imported_names(tree).get(head, head) + dot + rest


def imports_package(tree: ast.Module, *packages: str) -> bool:
    """Return whether the module imports one of these packages or something from them."""
    return any(name.split(".")[0] in packages for name in imported_names(tree).values())
