"""Detection of files that only define names when they are run."""

from __future__ import annotations

import ast

from pyruns_jupyter.core.scripts.model import Problem

from .files import dotted_name
from .modules import Module

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Calls that only prepare something.
_PREPARING = (
    *("argparse.", "collections.", "dataclasses.", "logging.", "matplotlib.", "pathlib.", "re.compile"),
    *("os.environ.", "os.getenv", "os.path.", "sys.path.", "typing.", "warnings."),
)
_MAKERS = frozenset(("Path", "TypeVar", "bool", "dict", "float", "frozenset", "int", "list", "namedtuple"))
_MAKERS |= frozenset(("range", "set", "str", "tuple"))
_PLAIN = (ast.Import, ast.ImportFrom, ast.Pass, ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)


def idle_problem(module: Module) -> Problem | None:
    """Return the problem of a script that only defines functions and calls none; else None."""
    body = module.tree.body
    functions = [one for one in body if isinstance(one, _FUNCTIONS)]
    if not functions or not all(map(_only_defines, body)):
        return None
    called = next((one for one in functions if one.name == "main"), functions[-1])
    return module.problem(
        f"Nothing in this file calls {called.name}(), so running it has no effect",
        called.lineno,
    )


def _only_defines(node: ast.AST) -> bool:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return not node.decorator_list  # a decorator may call its function
    if isinstance(node, (ast.If, ast.Try, ast.ExceptHandler)):
        parts = ("body", "handlers", "orelse", "finalbody")
        return all(_only_defines(one) for part in parts for one in getattr(node, part, ()))
    # Any other call may do the work of the script.
    calls = [dotted_name(one.func) or "" for one in ast.walk(node) if isinstance(one, ast.Call)]
    return isinstance(node, _PLAIN) and all(name in _MAKERS or name.startswith(_PREPARING) for name in calls)
