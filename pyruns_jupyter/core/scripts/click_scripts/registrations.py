"""What a script registers with a group of click, or with an application of typer."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from pyruns_jupyter.core.scripts.model import Problems
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords
from pyruns_jupyter.core.scripts.source.modules import Module

_METHODS = ("command", "group", "callback", "add_command", "add_typer")


def registered(
    modules: Iterable[Module], owner: ast.AST, fits: Callable[[Module, ast.AST], object], problems: Problems
) -> Iterator[tuple[str, ast.expr, Module, tuple[Module, ast.AST]]]:
    """Yield the method, its call, the file of the call, and what is registered with `owner`.

    This is a function with a decorator, or in `owner.command(...)(function)`, or what `fits` accepts in
    `owner.add_command(...)`.
    """
    for home in modules:
        for node in nodes_of(home.tree):
            if isinstance(node, Function):
                for decorator in node.decorator_list:
                    method = _method(home, decorator, owner)
                    if method and not method.startswith("add_"):
                        yield method, decorator, home, (home, node)
            elif isinstance(node, ast.Call):
                call = node.func if isinstance(node.func, ast.Call) else node
                method = _method(home, call, owner)
                if not method or (call is node and not method.startswith("add_")):
                    continue
                added = node.args[0] if node.args else keywords(node).get("cmd")
                found = home.find(added) if added is not None else None
                if found is not None and (
                    isinstance(found[1], Function) if call is not node else fits(*found)
                ):
                    yield method, call, home, found
                else:
                    problems.add(
                        home,
                        f"The command in {text_of(node)} could not be resolved. It is not listed",
                        node.lineno,
                    )


def _method(home: Module, node: ast.expr, owner: ast.AST) -> str:
    """Return the method of `owner` that an expression names or calls; "" for anything else."""
    called = node.func if isinstance(node, ast.Call) else node
    if not isinstance(called, ast.Attribute) or called.attr not in _METHODS:
        return ""
    found = home.find(called.value)
    return called.attr if found is not None and found[1] is owner else ""
