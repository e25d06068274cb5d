"""The parameters of a Python function: names, annotations, defaults, descriptions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .files import text_of
from .import_map import external_name
from .objects import UnknownError

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.model import Problems

    from .modules import Module

Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Argument:
    """One parameter of a function. `kind` is positional, any, keyword, many (`*args`) or rest (`**kwargs`).

    `extras` are the items after the type in `Annotated[type, ...]`.
    """

    name: str
    kind: str
    annotation: ast.expr | None
    default: ast.expr | None
    extras: tuple[ast.expr, ...]
    line: int


def arguments_of(module: Module, function: ast.AST) -> Iterator[Argument]:
    """Yield the parameters of a function in their order, a method's `self` among them."""
    assert isinstance(function, (*Function, ast.Lambda))
    for one, kind, default in signature_of(function.args):
        annotation, extras = unannotated(module, one.annotation)
        yield Argument(one.arg, kind, annotation, default, extras, one.lineno)


def signature_of(rules: ast.arguments) -> Iterator[tuple[ast.arg, str, ast.expr | None]]:
    """Yield the parameters of a function in their order, each with its kind (see `Argument`) and default."""
    positional = [*rules.posonlyargs, *rules.args]
    defaults = [None] * (len(positional) - len(rules.defaults)) + list(rules.defaults)
    for index, (one, default) in enumerate(zip(positional, defaults, strict=True)):
        yield one, "positional" if index < len(rules.posonlyargs) else "any", default
    if rules.vararg is not None:
        yield rules.vararg, "many", None
    for one, default in zip(rules.kwonlyargs, rules.kw_defaults, strict=True):
        yield one, "keyword", default
    if rules.kwarg is not None:
        yield rules.kwarg, "rest", None


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """Return the keyword arguments of a call."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def unannotated(
    module: Module, annotation: ast.expr | None, depth: int = 0
) -> tuple[ast.expr | None, tuple[ast.expr, ...]]:
    """Return the type in `Annotated[type, ...]` (also one that has a name) and what follows it."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.copy_location(ast.parse(annotation.value, mode="eval").body, annotation)
        except (SyntaxError, ValueError):
            return annotation, ()
    if isinstance(annotation, (ast.Name, ast.Attribute)) and depth < 8:
        found = module.find(annotation)
        if found is not None and isinstance(found[1], ast.Subscript) and found[0] is module:
            inner, extras = unannotated(module, found[1], depth + 1)
            return (inner, extras) if extras else (annotation, ())
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        name = external_name(module.tree, annotation.value).rsplit(".", 1)[-1]
        if name == "Annotated" and annotation.slice.elts:
            inner, extras = unannotated(module, annotation.slice.elts[0], depth + 1)
            return inner, (*extras, *annotation.slice.elts[1:])
    return annotation, ()


def known_default(module: Module, node: ast.expr) -> Any:
    """Return the value of a default; a member of an enumeration of the project is its name.

    Raises:
        UnknownError: the value is computed.
    """
    member = enum_member(module, node)
    return module.constants.value(node) if member is None else member


def enum_member(module: Module, node: ast.expr) -> str | None:
    """Return the name of the member that `Enumeration.MEMBER` names."""
    from .annotations import is_enum

    if isinstance(node, ast.Attribute):
        found = module.find(node.value)
        if found is not None and isinstance(found[1], ast.ClassDef) and is_enum(found[0], found[1]):
            return node.attr
    return None


def default_of(
    module: Module,
    name: str,
    node: ast.expr,
    problems: Problems,
    value: Callable[[ast.expr], Any] | None = None,
) -> tuple[Any, bool]:
    """Return the value of a parameter's default, and whether it is computed, which is then a problem."""
    try:
        return (value or module.constants.value)(node), False
    except UnknownError:
        note_computed(problems, module, name, node)
        return None, True


def note_computed(problems: Problems, module: Module, name: str, node: ast.expr) -> None:
    """Add the problem that the default of a parameter is computed."""
    problems.add(
        module, f"The default of {name} is computed ({shown(node)}). Set null to use it", node.lineno
    )


def shown(node: ast.expr, limit: int = 60) -> str:
    """Return the shortened source of an expression for a message."""
    text = " ".join(text_of(node).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
