"""Detection of files that only define names when they are run."""

from __future__ import annotations

import ast

from pyruns_jupyter.core.scripts.model import Problem

from .files import dotted_name
from .modules import Module

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Calls that only prepare something. Any other call may do the work of the script.
_PREPARING = (
    *("argparse.", "collections.", "dataclasses.", "logging.", "matplotlib.", "pathlib.", "re.compile"),
    *("os.environ.", "os.getenv", "os.path.", "sys.path.", "typing.", "warnings."),
)
_MAKERS = frozenset(("Path", "TypeVar", "bool", "dict", "float", "frozenset", "int", "list", "namedtuple"))
_MAKERS |= frozenset(("range", "set", "str", "tuple"))


def idle_problem(module: Module) -> Problem | None:
    """Return the problem of a script that only defines functions and calls none; else None."""
    body = module.tree.body
    functions = [one for one in body if isinstance(one, _FUNCTIONS)]
    own = {one.name for one in body if isinstance(one, (*_FUNCTIONS, ast.ClassDef))}
    if not functions or not all(_only_defines(one, own) for one in body):
        return None
    called = next((one for one in functions if one.name == "main"), functions[-1])
    return module.problem(
        f"Nothing in this file calls {called.name}(), so running it has no effect",
        called.lineno,
    )


def _only_defines(node: ast.stmt, own: set[str]) -> bool:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return not node.decorator_list  # a decorator may call its function
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or _only_prepares(node.value, own)
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return node.value is None or _only_prepares(node.value, own)
    if isinstance(node, ast.If):
        return all(_only_defines(one, own) for one in (*node.body, *node.orelse))
    if isinstance(node, ast.Try):
        inner = [one for handler in node.handlers for one in handler.body]
        return all(_only_defines(one, own) for one in (*node.body, *inner, *node.orelse, *node.finalbody))
    return False


def _only_prepares(node: ast.AST, own: set[str]) -> bool:
    """Return whether an expression calls nothing that may do the work of the script."""
    nodes = list(ast.walk(node))
    calls = [one for one in nodes if isinstance(one, ast.Call)]
    if any(isinstance(one, ast.Await) for one in nodes):
        return False
    if calls and any(isinstance(one, ast.Name) and one.id in own for one in nodes):
        return False
    return all(_is_preparing(dotted_name(call.func) or "") for call in calls)


def _is_preparing(name: str) -> bool:
    return name in _MAKERS or name.startswith(_PREPARING)
