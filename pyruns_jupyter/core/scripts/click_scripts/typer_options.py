"""The options and arguments that typer derives from the parameters of a function."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.commandtree import ScriptCommand
from pyruns_jupyter.core.scripts.model import Parameter, Problems
from pyruns_jupyter.core.scripts.source.annotations import enum_members, enum_values, shape_of
from pyruns_jupyter.core.scripts.source.docstrings import argument_help, docstring_of, summary
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.functions import (
    Argument,
    arguments_of,
    default_of,
    enum_member,
    keywords,
)
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.objects import UnknownError
from pyruns_jupyter.core.scripts.types import CUSTOM, Shape

from .option_types import DATE_FORMATS, click_type
from .options import declarations

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module

_INFOS = ("typer.Option", "typer.Argument")
_CONTEXTS = ("typer.Context", "click.Context", "typer.CallbackParam")


def command_of(module: Module, function: ast.AST, problems: Problems) -> ScriptCommand:
    """Return the command that typer makes of a function."""
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    docstring = docstring_of(function)
    helps = argument_help(docstring)
    command = ScriptCommand(line=function.lineno, help=summary(docstring))
    for argument in arguments_of(module, function):
        if argument.kind in ("many", "rest"):
            problems.add(
                module, f"typer does not support * and **, so {argument.name} gets no values", argument.line
            )
            continue
        name = external_name(module.tree, argument.annotation) if argument.annotation is not None else ""
        if name in _CONTEXTS:
            continue
        parameter = _Reader(module, argument, problems).parameter()
        if parameter is not None:
            command.parameters.append(replace(parameter, help=parameter.help or helps.get(argument.name, "")))
    return command


class _Reader:
    def __init__(self, module: Module, argument: Argument, problems: Problems) -> None:
        self.module = module
        self.argument = argument
        self.problems = problems
        self.kind = ""
        self.texts: list[str] = []
        self.words: dict[str, ast.expr] = {}
        self.default: ast.expr | None = argument.default
        for extra in argument.extras:
            self._info(module, extra, annotated=True)
        if argument.default is not None:
            self._info(module, argument.default, annotated=False)

    def _info(self, module: Module, node: ast.expr, *, annotated: bool, depth: int = 0) -> None:
        """Read `typer.Option(...)` or `typer.Argument(...)`."""
        if isinstance(node, (ast.Name, ast.Attribute)) and depth < 8:
            found = module.find(node)
            if found is not None and isinstance(found[1], ast.Call):
                self._info(found[0], found[1], annotated=annotated, depth=depth + 1)
            return
        name = external_name(module.tree, node.func) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or name not in _INFOS:
            return
        self.kind = name.rsplit(".", 1)[-1].lower()
        self.words = keywords(node)
        positional = list(node.args)
        if not annotated:
            # The first argument, or `default=`, is the default: `...` for none.
            self.default = positional.pop(0) if positional else self.words.get("default")
        elif "default_factory" in self.words or self.argument.default is None:
            self.default = self.words.get("default", self.argument.default)
        for item in positional:
            try:
                value = self.module.constants.value(item)
            except UnknownError:
                self._problem(f"The name of {self.argument.name} is computed", item.lineno)
                continue
            if isinstance(value, str):
                self.texts.append(value)

    def _problem(self, message: str, line: int) -> None:
        self.problems.add(self.module, message, line)

    def _word(self, name: str, default: Any = None) -> Any:
        return self.module.constants.get(self.words.get(name), default)

    def parameter(self) -> Parameter | None:
        argument = self.argument
        shape = self._shape()
        default, computed, given = self._default(shape)
        option = self.kind == "option" or (self.kind == "" and given)
        several = shape.name == "list"
        item = (shape.items[0] if shape.items else Shape("str")) if several else shape
        item = self._bounded(item)
        count = len(item.items) if item.name == "tuple" else None
        common: dict[str, Any] = {
            "name": argument.name,
            "default": default,
            "help": " ".join(str(self._word("help", "")).split()),
            "group": str(self._word("rich_help_panel") or ""),
            "line": argument.line,
            "file": "" if self.module.main else self.module.name,
            "computed": computed,
            "shape": item,
            "item_type": item.item_type,
            "type": "list" if several or count else item.shown,
            "choices": None if several or count else item.choices or None,
        }
        if not option:
            nargs: str | int | None = "*" if several else count
            return Parameter(**common, required=not given, positional=True, nargs=nargs)
        if self._word("is_eager") is True:
            return None
        prompts = self._word("prompt") not in (None, False) and self._word("prompt_required") is not False
        flags, off, _ = declarations(self.texts)
        common["required"] = not given or prompts
        if item.name == "bool" and not several:
            return self._flag(common, flags, off)
        if self._word("count") is True:
            common.update(default=default if isinstance(default, int) else 0, required=False)
            return Parameter(**common, flags=self._flags(flags), action="count")
        action = "append" if several else "store"
        return Parameter(**common, flags=self._flags(flags), nargs=count, action=action)

    def _flags(self, flags: list[str]) -> tuple[str, ...]:
        return tuple(flags) or (f"--{_dashed(self.argument.name)}",)

    def _flag(self, common: dict[str, Any], flags: list[str], off: list[str]) -> Parameter:
        name = _dashed(self.argument.name)
        if not flags and not off:
            flags, off = [f"--{name}"], [f"--no-{name}"]
        action = "boolean_optional" if off else "store_true"
        return Parameter(**common, flags=tuple(flags), off_flags=tuple(off), action=action)

    def _default(self, shape: Shape) -> tuple[Any, bool, bool]:
        """Return the default, whether it is computed, and whether there is one."""
        if "default_factory" in self.words:
            return self._factory(self.words["default_factory"])
        node = self.default
        if node is None or (isinstance(node, ast.Constant) and node.value is ...):
            return None, False, False
        item = shape.items[0] if shape.name == "list" and shape.items else shape
        return *self._value(node, lambda one: self._plain(one, item)), True

    def _value(self, node: ast.expr, value: Callable[[ast.expr], Any] | None = None) -> tuple[Any, bool]:
        return default_of(self.module, self.argument.name, node, self.problems, value)

    def _plain(self, node: ast.expr, shape: Shape) -> Any:
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self._plain(item, shape) for item in node.elts]
        if isinstance(node, ast.Attribute) and node.attr == "value":
            node = node.value
        member = enum_member(self.module, node)
        if member is not None and shape.definition is not None:
            return dict(enum_members(*shape.definition)).get(member)
        return self.module.constants.value(node)

    def _factory(self, node: ast.expr) -> tuple[Any, bool, bool]:
        if text_of(node) in ("list", "tuple", "set"):
            return [], False, True
        return *self._value(node.body if isinstance(node, ast.Lambda) else node), True

    def _shape(self) -> Shape:
        if "click_type" in self.words:
            return click_type(self.module, self.words["click_type"])
        if "parser" in self.words:
            return CUSTOM
        if self.argument.annotation is None:
            return Shape("str")
        shape = shape_of(self.module, self.argument.annotation)
        if shape.name in ("list", "tuple"):
            return replace(shape, items=tuple(enum_values(item) for item in shape.items))
        if shape.name == "any":
            return Shape("str")
        return enum_values(shape)

    def _bounded(self, shape: Shape) -> Shape:
        if shape.name == "choice":
            return replace(shape, fold_case=self._word("case_sensitive", True) is False)
        if shape.name == "datetime":
            return replace(shape, formats=tuple(self._word("formats") or DATE_FORMATS))
        if shape.name in ("int", "float") and not self._word("clamp", False):
            return replace(shape, low=self._word("min"), high=self._word("max"))
        return shape


def _dashed(name: str) -> str:
    return name.lower().replace("_", "-")
