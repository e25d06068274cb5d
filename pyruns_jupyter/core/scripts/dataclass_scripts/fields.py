"""Conversion of dataclass fields to parameters, with the flags of each library."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Parameter, Problems
from pyruns_jupyter.core.scripts.source.annotations import enum_members, enum_values, inherits, shape_of
from pyruns_jupyter.core.scripts.source.classfields import (
    NOTHING,
    ClassField,
    fields_of,
    is_config_class,
    with_default,
)
from pyruns_jupyter.core.scripts.source.docstrings import argument_help, docstring_of
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.functions import Function, arguments_of, note_computed, shown
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.types import ANY, Shape, shape_of_value

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module

LIBRARIES = ("transformers", "tyro", "pyrallis", "draccus")
_MAX_DEPTH = 10


class FieldReader:
    """Converts fields to parameters; `library` determines their flags."""

    def __init__(self) -> None:
        self.library = ""
        self.problems = Problems()
        self.open = False
        self._around: list[ast.AST] = []  # the classes around the current one

    def of(
        self,
        module: Module,
        node: ast.AST,
        prefix: str = "",
        given: Mapping[str, ast.expr] | None = None,
        giver: Module | None = None,
        depth: int = 0,
    ) -> list[Parameter]:
        """Return the parameters of a class or function; those of a nested class have dotted names."""
        if depth > _MAX_DEPTH or any(node is one for one in self._around):
            return []
        given = given or {}
        if isinstance(node, Function):
            fields = self._of_function(module, node)
        else:
            assert isinstance(node, ast.ClassDef)
            fields, unknown = fields_of(module, node)
            for base in unknown:
                self.problems.add(
                    module,
                    f"{node.name} inherits from {base}, whose fields are not listed but can be set",
                    node.lineno,
                )
                self.open = True
        result: list[Parameter] = []
        self._around.append(node)
        for item in fields:
            if item.name in given and giver is not None:
                changed = with_default(replace(item, module=giver), giver, given[item.name])
                item = changed or item
            result += self._of_field(item, prefix, depth)
        self._around.pop()
        return result

    def _of_function(self, module: Module, node: ast.AST) -> list[ClassField]:
        helps = argument_help(docstring_of(node))
        fields = []
        for argument in arguments_of(module, node):
            if argument.kind in ("many", "rest"):
                self.problems.add(
                    module, f"The arguments collected in {argument.name} are not listed", argument.line
                )
                continue
            shape = shape_of(module, argument.annotation)
            nested = None
            if shape.definition is not None and shape.name == "class" and is_config_class(*shape.definition):
                nested = shape.definition
            item = ClassField(
                module,
                argument.name,
                argument.annotation,
                shape,
                help=helps.get(argument.name, ""),
                line=argument.line,
                nested=nested,
                extras=argument.extras,
            )
            if argument.default is not None:
                item = with_default(item, module, argument.default) or item
            fields.append(replace(item, help=item.help or helps.get(argument.name, "")))
        return fields

    def _of_field(self, item: ClassField, prefix: str, depth: int) -> list[Parameter]:
        name = f"{prefix}{item.name}"
        if item.nested is not None and inherits(*item.nested, "ChoiceRegistry"):
            self.problems.add(
                item.module,
                f"{name} can be one of several registered classes: its fields are not listed but can be set, "
                f"and {name}.type chooses one",
                item.line,
            )
            self.open = True
            return []
        if item.nested is not None:
            if item.shape.optional and item.default is None and not item.given:
                self.problems.add(
                    item.module, f"{name} has no default value, so its fields are not listed", item.line
                )
                self.open = True
                return []
            inner = f"{name}."
            return self.of(*item.nested, inner, item.given, item.module, depth + 1)
        if item.shape.name == "union" and any(one.name == "class" for one in item.shape.items):
            self.problems.add(
                item.module, f"{name} can be one of several classes, so its fields are not listed", item.line
            )
            self.open = True
            return []
        if item.computed and item.expression is not None:
            note_computed(self.problems, item.module, name, item.expression)
        if self.library == "tyro" and item.shape.name == "dict" and isinstance(item.default, dict):
            return self._of_mapping(item, name)
        return [self._parameter(item, name)]

    def _of_mapping(self, item: ClassField, name: str) -> list[Parameter]:
        """Return a parameter for each key of a mapping with a default, as tyro does."""
        if not item.default:
            return [self._parameter(item, name)]
        inner = item.shape.items[1] if len(item.shape.items) > 1 else ANY
        result = []
        for key, value in item.default.items():
            shape = inner if inner is not ANY else shape_of_value(value)
            one = replace(item, name=str(key), shape=shape, default=value, extras=())
            result += self._of_field(one, f"{name}.", 0)
        return result

    def _parameter(self, item: ClassField, name: str) -> Parameter:
        shape, default = item.shape, item.default
        missing = default is NOTHING
        default = None if missing else default
        if self.library == "transformers":
            shape, default = _by_value(shape, default)
            if missing and shape.name == "bool" and not shape.optional:
                missing, default = False, False
        several = shape.name in ("list", "tuple")
        item_shape = shape.items[0] if several and shape.items else shape
        positional = self._positional(item)
        flags, off = self._flags(item, name, missing)
        choices = None if several else shape.choices or None
        given = item.word("choices")
        if isinstance(given, (list, dict)) and choices is None and not several:
            choices = tuple(given)
            shape = Shape(
                "choice", choices=choices, words=tuple(str(one) for one in choices), optional=shape.optional
            )
        return Parameter(
            name=name,
            type="list" if several else shape.shown,
            default=default,
            flags=() if positional else flags,
            off_flags=off,
            choices=choices,
            help=item.help,
            group=name.rpartition(".")[0],
            required=missing,
            positional=positional,
            nargs=(len(shape.items) if shape.name == "tuple" else "*") if several else None,
            action="boolean_optional" if off else "store",
            item_type=item_shape.item_type,
            line=item.line,
            file="" if item.module.main else item.module.name,
            shape=shape,
            computed=item.computed,
        )

    def _positional(self, item: ClassField) -> bool:
        if self.library != "tyro":
            return False
        if item.annotation is not None and isinstance(item.annotation, ast.Subscript):
            name = external_name(item.module.tree, item.annotation.value)
            return name.endswith("conf.Positional")
        return any("Positional" in text_of(extra) for extra in item.extras)

    def _flags(self, item: ClassField, name: str, missing: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the flags of a field, and those that disable it."""
        if self.library == "tyro":
            return self._of_tyro(item, name, missing)
        return (f"--{item.name if self.library == 'transformers' else name}",), ()

    def _of_tyro(self, item: ClassField, name: str, missing: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        parent, _, own = name.rpartition(".")
        prefix = f"{parent}." if parent else ""
        for extra in item.extras:
            called = external_name(item.module.tree, extra.func) if isinstance(extra, ast.Call) else ""
            if isinstance(extra, ast.Call) and called.endswith("conf.arg"):
                words = {keyword.arg: keyword.value for keyword in extra.keywords}
                if isinstance(words.get("name"), ast.Constant):
                    own = str(words["name"].value)  # type: ignore[attr-defined]
                if "prefix_name" in words and text_of(words["prefix_name"]) == "False":
                    prefix = ""
            elif "Positional" not in text_of(extra):
                self.problems.add(
                    item.module, f"{shown(extra)} on {name} is not supported and is ignored", item.line
                )
        flag = f"{prefix}{own}".replace("_", "-")
        if item.shape.name == "bool" and not item.shape.optional and not missing:
            head, _, tail = flag.rpartition(".")
            negative = f"{head}.no-{tail}" if head else f"no-{tail}"
            return (f"--{flag}",), (f"--{negative}",)
        return (f"--{flag}",), ()


def _by_value(shape: Shape, default: Any) -> tuple[Shape, Any]:
    """Return the type and default of an enumeration by its values instead of its names."""
    if shape.name == "choice" and shape.definition is not None:
        changed = enum_values(shape)
        values = dict(enum_members(*shape.definition))
        if isinstance(default, str):
            default = values.get(default, default)
        return changed, default
    return shape, default
