"""The types of parameters from their annotations."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.types import ANY, CUSTOM, Shape

from .files import definitions_in, text_of
from .import_map import external_name
from .objects import UnknownError

if TYPE_CHECKING:
    from .modules import Module

_PLAIN = {one: one for one in ("int", "float", "str", "bool", "dict")}
_PLAIN |= {"object": "any", "None": "none", "bytes": "custom"}
_PLAIN |= dict.fromkeys(("list", "tuple", "set", "frozenset"), "list")
_ENDS = {"Any": "any", "datetime": "datetime", "Tuple": "tuple", "Text": "str", "AnyStr": "str"}
_ENDS |= dict.fromkeys(("Path", "PurePath", "PosixPath", "PathLike"), "path")
_ENDS |= dict.fromkeys(("date", "UUID"), "custom")
_ENDS |= dict.fromkeys(("List", "Sequence", "MutableSequence", "Iterable", "Collection"), "list")
_ENDS |= dict.fromkeys(("Set", "FrozenSet"), "list")
_ENDS |= dict.fromkeys(("Dict", "Mapping", "MutableMapping"), "dict")
_WRAPPERS = ("Annotated", "Final", "ClassVar", "Required", "NotRequired")
_ENUMS = ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")
_DEPTH = 12


def shape_of(module: Module, node: ast.expr | None, depth: int = 0) -> Shape:
    """Return the type that an annotation means; CUSTOM when it is unknown."""
    if node is None:
        return ANY
    if depth > _DEPTH:
        return CUSTOM
    if isinstance(node, ast.Constant):
        return _constant(module, node, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([shape_of(module, side, depth + 1) for side in (node.left, node.right)])
    if isinstance(node, ast.Subscript):
        return _generic(module, node, depth)
    name = external_name(module.tree, node)
    if not name:
        return CUSTOM
    if name in _PLAIN:
        return Shape(_PLAIN[name])
    found = module.find(node)
    if found is not None:
        home, definition = found
        if isinstance(definition, ast.ClassDef):
            return class_shape(home, definition)
        if isinstance(definition, ast.expr) and definition is not node:
            if isinstance(definition, ast.Call) and external_name(home.tree, definition.func).endswith(
                "NewType"
            ):
                definition = definition.args[1]
            return shape_of(home, definition, depth + 1)
        return CUSTOM
    return Shape(_ENDS.get(name.rsplit(".", 1)[-1], "custom"))


def class_shape(module: Module, definition: ast.ClassDef) -> Shape:
    """Return the type of a class of the project: an enumeration is a choice."""
    if is_enum(module, definition):
        members = enum_members(module, definition)
        if members:
            names = tuple(name for name, _ in members)
            return Shape("choice", choices=names, words=names, definition=(module, definition))
        return CUSTOM
    return Shape("class", definition=(module, definition))


def is_enum(module: Module, definition: ast.ClassDef) -> bool:
    """Return whether a class is an enumeration."""
    return inherits(module, definition, *_ENUMS)


def inherits(module: Module, definition: ast.ClassDef, *names: str, depth: int = 0) -> bool:
    """Return whether a class has a base class, direct or not, with one of these names."""
    for base in definition.bases if depth < _DEPTH else ():
        if external_name(module.tree, base).rsplit(".", 1)[-1] in names:
            return True
        home, found = module.find(base) or (module, None)
        if isinstance(found, ast.ClassDef) and inherits(home, found, *names, depth=depth + 1):
            return True
    return False


def enum_members(module: Module, definition: ast.ClassDef) -> list[tuple[str, Any]]:
    """Return names and values of an enumeration; the value of `auto()` and of what is computed is None."""
    found: list[tuple[str, Any]] = []
    for name, node in definitions_in(definition.body)[0].items():
        if isinstance(node, ast.expr) and not name.startswith("_"):
            try:
                found.append((name, module.constants.value(node)))
            except UnknownError:
                automatic = text_of(node).rsplit(".", 1)[-1] == "auto()"
                lower = automatic and any(text_of(base).endswith("StrEnum") for base in definition.bases)
                found.append((name, name.lower() if lower else None))
    return found


def enum_values(shape: Shape) -> Shape:
    """Return the choice of an enumeration's values instead of its names (as typer spells them)."""
    if shape.definition is None or shape.name != "choice":
        return shape
    members = enum_members(*shape.definition)
    if any(value is None for _, value in members):
        return CUSTOM
    values = tuple(value for _, value in members)
    return replace(shape, choices=values, words=tuple(str(value) for value in values))


def _constant(module: Module, node: ast.Constant, depth: int) -> Shape:
    if node.value is None:
        return Shape("none")
    if isinstance(node.value, str):
        try:
            return shape_of(module, ast.parse(node.value, mode="eval").body, depth + 1)
        except (SyntaxError, ValueError, RecursionError):
            return CUSTOM
    return CUSTOM


def _union(parts: list[Shape]) -> Shape:
    flat: list[Shape] = []
    for part in parts:
        flat += part.items if part.name == "union" else [part]
    optional = any(part.optional or part.name == "none" for part in parts)
    kept = [part for part in flat if part.name != "none"]
    if not kept:
        return Shape("none")
    if len(kept) == 1:
        return replace(kept[0], optional=optional)
    return Shape("union", tuple(kept), optional=optional)


def _generic(module: Module, node: ast.Subscript, depth: int) -> Shape:
    name = external_name(module.tree, node.value).rsplit(".", 1)[-1]
    inside = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        try:
            values = tuple(module.constants.value(item) for item in inside)
        except UnknownError:
            return CUSTOM
        plain = tuple(value for value in values if value is not None)
        words = tuple(str(value) for value in plain)
        return Shape("choice", choices=plain, words=words, optional=len(plain) < len(values))
    if name in _WRAPPERS:
        return shape_of(module, inside[0], depth + 1)
    if name == "Optional":
        return _union([shape_of(module, inside[0], depth + 1), Shape("none")])
    if name == "Union":
        return _union([shape_of(module, item, depth + 1) for item in inside])
    kind = _PLAIN.get(name) or _ENDS.get(name, "custom")
    if name in ("tuple", "Tuple"):
        if len(inside) == 2 and isinstance(inside[1], ast.Constant) and inside[1].value is ...:
            return Shape("list", (shape_of(module, inside[0], depth + 1),))
        return Shape("tuple", tuple(shape_of(module, item, depth + 1) for item in inside))
    if kind in ("list", "dict"):
        return Shape(kind, tuple(shape_of(module, item, depth + 1) for item in inside))
    return CUSTOM
