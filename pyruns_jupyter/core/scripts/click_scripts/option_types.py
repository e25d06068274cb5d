"""The types of click: the meaning of the `type=` of an option."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.source.annotations import enum_members, is_enum, shape_of
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.functions import keywords
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.objects import UnknownError
from pyruns_jupyter.core.scripts.types import CUSTOM, Shape, shape_of_value

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module

DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_NAMES = {
    "INT": "int",
    "FLOAT": "float",
    "STRING": "str",
    "BOOL": "bool",
    "UNPROCESSED": "str",
    "UUID": "custom",
}
_CLASSES = {
    "IntRange": "int",
    "FloatRange": "float",
    "Path": "path",
    "File": "path",
    "IntParamType": "int",
    "FloatParamType": "float",
    "StringParamType": "str",
    "BoolParamType": "bool",
}


def click_type(module: Module, node: ast.expr, depth: int = 0) -> Shape:
    """Return the type that the expression of `type=` means; CUSTOM for a custom type."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return Shape("tuple", tuple(click_type(module, item, depth + 1) for item in node.elts))
    called = node.func if isinstance(node, ast.Call) else node
    last = external_name(module.tree, called).rsplit(".", 1)[-1]
    found = module.find(called)
    if found is not None and depth < 12:
        home, definition = found
        if isinstance(definition, ast.expr) and not isinstance(node, ast.Call):
            return click_type(home, definition, depth + 1)
        if isinstance(definition, ast.ClassDef) and is_enum(home, definition):
            return shape_of(module, called)
        return CUSTOM
    if isinstance(node, ast.Call):
        return _called(module, node, last)
    if last in _NAMES or last in _CLASSES:
        return Shape(_NAMES.get(last) or _CLASSES[last])
    return shape_of(module, node)


def _called(module: Module, node: ast.Call, last: str) -> Shape:
    words = keywords(node)

    def value(index: int, name: str, default: Any = None) -> Any:
        found = node.args[index] if index < len(node.args) else words.get(name)
        return module.constants.value(found) if found is not None else default

    try:
        if last in ("IntRange", "FloatRange"):
            shape = Shape(_CLASSES[last], low=value(0, "min"), high=value(1, "max"))
            shape = replace(
                shape, open_low=value(2, "min_open", False), open_high=value(3, "max_open", False)
            )
            return replace(shape, low=None, high=None) if value(4, "clamp", False) else shape
        if last == "Choice":
            return _choice(module, node, words, value(1, "case_sensitive", True))
        if last == "DateTime":
            return Shape("datetime", formats=tuple(value(0, "formats", DATE_FORMATS)))
        if last == "Tuple":
            inside = node.args[0] if node.args else words.get("types")
            return click_type(module, inside, 1) if isinstance(inside, (ast.List, ast.Tuple)) else CUSTOM
    except UnknownError:
        return Shape(_CLASSES.get(last, "custom"))
    return Shape(_CLASSES.get(last, "custom"))


def _choice(module: Module, node: ast.Call, words: dict[str, ast.expr], exact: bool) -> Shape:
    source = node.args[0] if node.args else words.get("choices")
    if source is None:
        return CUSTOM
    found = module.find(source)
    if found and isinstance(found[1], ast.ClassDef):
        names = tuple(name for name, _ in enum_members(found[0], found[1]))
        return Shape("choice", choices=names, words=names, fold_case=not exact) if names else CUSTOM
    choices = module.constants.value(source)
    if not isinstance(choices, (list, dict)):
        raise UnknownError(text_of(source))
    texts = tuple(str(choice) for choice in choices)
    return Shape("choice", choices=tuple(choices), words=texts, fold_case=not exact)


def inferred(default: Any) -> Shape:
    """Return the type that click guesses from a default."""
    shape = shape_of_value(default)
    return shape if shape.name in ("int", "float", "bool", "str", "list") else Shape("str")
