"""The options and arguments that the decorators of click add."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Parameter, Problems
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.objects import UnknownError

from .options import OptionReader

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module

PACKAGES = ("click", "rich_click", "asyncclick", "cloup")
_NOT_READ = ("confirmation_option", "password_option", "option_group", "constraint")
_DEPTH = 8


def is_click(name: str) -> bool:
    """Return whether a full name belongs to click or to a replacement of it."""
    return name.split(".")[0] in PACKAGES


def declared(
    module: Module, node: ast.expr, problems: Problems, depth: int = 0
) -> tuple[list[Parameter], bool]:
    """Return the parameters that a decorator adds, and whether it may add others that are not listed."""
    called = node.func if isinstance(node, ast.Call) else node
    name = external_name(module.tree, called)
    kind = name.rsplit(".", 1)[-1].lower()
    if is_click(name) and kind in ("option", "argument") and isinstance(node, ast.Call):
        return _declaration(module, node, kind, problems)
    found = module.find(called)
    if found is not None and isinstance(found[1], ast.expr) and depth < _DEPTH:
        return declared(*found, problems, depth + 1)  # type: ignore[arg-type]  # an expression, as just asked
    if found is not None and called is node and isinstance(found[1], Function) and depth < _DEPTH:
        inner = _applied(found[1])
        if inner is not None:
            made = [declared(found[0], one, problems, depth + 1) for one in inner]
            return [one for added, _ in made for one in added], any(is_open for _, is_open in made)
    if is_click(name):
        adds = kind in _NOT_READ
    elif found is None:
        adds = "click" in name.split(".")[0]
    else:
        adds = any(is_click(external_name(found[0].tree, one)) for one in _names(found[1]))
    if adds:
        problems.add(
            module,
            f"The parameters that {text_of(called)} adds could not be determined. They are not listed",
            node.lineno,
        )
        return [], True
    return [], False


def _applied(function: ast.AST) -> list[ast.expr] | None:
    """Return the decorators, the outermost one first, that a decorator of the project applies.

    None if it does anything else than `function = click.option(...)(function)`.
    """
    assert isinstance(function, Function)
    found: list[ast.expr] = []
    for statement in reversed(function.body):
        value = getattr(statement, "value", None)
        while isinstance(value, ast.Call) and isinstance(value.func, ast.Call) and len(value.args) == 1:
            found.append(value.func)
            value = value.args[0]
        if not isinstance(value, (ast.Name, ast.Constant)):
            return None
    return found


def _names(node: ast.AST) -> Iterator[ast.expr]:
    return (one for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Attribute)))


def _declaration(
    module: Module, node: ast.Call, kind: str, problems: Problems
) -> tuple[list[Parameter], bool]:
    words = keywords(node)
    if len(words) != len(node.keywords):
        problems.add(module, f"An {kind} is declared with **, which could not be resolved", node.lineno)
    given = [words["param_decls"]] if kind == "option" and "param_decls" in words else node.args
    texts: list[Any] = []
    try:
        for argument in given:
            value = module.constants.value(argument)
            texts += value if isinstance(value, list) else [value]
    except UnknownError:
        texts = []
    if not texts or not all(isinstance(text, str) and text for text in texts):
        problems.add(
            module,
            f"The name of an {kind} is computed. It is not listed but can be set as a key",
            node.lineno,
        )
        return [], True
    reader = OptionReader(module, node, words, problems)
    return reader.argument(texts) if kind == "argument" else reader.option(texts)
