"""Whether running a file does anything beyond defining names."""

from __future__ import annotations

import ast

from ..model import Problem
from .files import dotted_name
from .modules import Module

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_HARMLESS = ("sys.", "os.", "logging.", "warnings.", "matplotlib.")  # calls that only prepare


def idle_problem(module: Module) -> Problem | None:
    """Return what to say of a script that only defines functions, which nothing calls; None of any other."""
    body = module.tree.body
    functions = [one for one in body if isinstance(one, _FUNCTIONS)]
    own = {one.name for one in body if isinstance(one, (*_FUNCTIONS, ast.ClassDef))}
    if not functions or not all(_only_defines(one, own) for one in body):
        return None
    called = next((one for one in functions if one.name == "main"), functions[-1])
    return module.problem(
        f"Nothing in this file calls {called.name}(): running it does nothing",
        called.lineno,
    )


def _only_defines(node: ast.stmt, own: set[str]) -> bool:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return not node.decorator_list  # a decorator may call what it gets
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
        return True
    if isinstance(node, ast.Expr):
        call = node.value
        harmless = isinstance(call, ast.Call) and (dotted_name(call.func) or "").startswith(_HARMLESS)
        return isinstance(call, ast.Constant) or (harmless and not _uses(call, own))
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return node.value is None or not _uses(node.value, own)
    if isinstance(node, ast.If):
        return all(_only_defines(one, own) for one in (*node.body, *node.orelse))
    if isinstance(node, ast.Try):
        inner = [one for handler in node.handlers for one in handler.body]
        return all(_only_defines(one, own) for one in (*node.body, *inner, *node.orelse, *node.finalbody))
    return False


def _uses(node: ast.AST, own: set[str]) -> bool:
    """Tell whether an expression calls something and names what the file defines."""
    nodes = list(ast.walk(node))
    calls = any(isinstance(one, (ast.Call, ast.Await)) for one in nodes)
    return calls and any(isinstance(one, ast.Name) and one.id in own for one in nodes)
