"""Detection of the flags that a script and the files of its project define with absl (or TensorFlow 1)."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from pyruns_jupyter.core.scripts.model import Parameter, Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.annotations import enum_members
from pyruns_jupyter.core.scripts.source.files import dotted_name, nodes_of
from pyruns_jupyter.core.scripts.source.functions import default_of, keywords, known_default, shown
from pyruns_jupyter.core.scripts.source.import_map import external_name, imports_package
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.types import Shape

# The type of each definition, and what a list of values is separated by.
_KINDS = {
    "string": ("str", ""),
    "integer": ("int", ""),
    "float": ("float", ""),
    "bool": ("bool", ""),
    "boolean": ("bool", ""),
    "enum": ("choice", ""),
    "enum_class": ("choice", ""),
    "list": ("list", ","),
    "spaceseplist": ("list", " "),
    "multi_string": ("list", ""),
    "multi_integer": ("list", ""),
    "multi_float": ("list", ""),
    "multi_enum": ("list", ""),
    "config_file": ("path", ""),
}
_ITEMS = {"integer": "int", "float": "float", "bool": "bool", "boolean": "bool", "config_file": "path"}
_NAMES = ("name", "default", "help")
_WITH_CHOICES = ("name", "default", "enum_values", "help")
_BOUNDED = ("name", "default", "help", "lower_bound", "upper_bound")
_REQUIRING = ("mark_flag_as_required", "mark_flags_as_required")
_UNKNOWN = object()  # the value of a condition that could not be evaluated


def read(project: Project) -> ScriptParameters | None:
    """Return the flags of a script that parses them; None when it defines none."""
    if not _parses(project.main):
        return None
    reader = _Reading()
    for module in project.reached():
        for node, doubt in _calls(module):
            reader.call(module, node, doubt)
    if not reader.found:
        return None
    parameters = tuple(
        replace(one, required=one.required or one.name in reader.required) for one in reader.found.values()
    )
    problems = tuple(dict.fromkeys([*reader.problems, *project.problems]))
    return ScriptParameters("absl", parameters, problems, reader.open)


def _calls(module: Module) -> list[tuple[ast.Call, bool]]:
    """Return the calls about flags that may run, in order, and whether it is unknown that they run."""
    around: set[int] = set()  # the nodes that are or contain such a call
    for node in reversed(nodes_of(module.tree)):  # a node after those that it contains
        name = external_name(module.tree, node.func) if isinstance(node, ast.Call) else ""
        is_about_flags = name.rpartition(".")[2].startswith(("DEFINE", *_REQUIRING))
        if is_about_flags or any(id(one) in around for one in ast.iter_child_nodes(node)):
            around.add(id(node))
    found: list[tuple[ast.Call, bool]] = []
    waiting: list[tuple[ast.AST, bool, bool]] = [(node, False, False) for node in module.tree.body]
    while waiting:
        node, doubt, inside = waiting.pop()
        if id(node) not in around:
            continue
        if isinstance(node, ast.Call):
            found.append((node, doubt))
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if not isinstance(node, ast.If):
            waiting += [(one, doubt, inside) for one in ast.iter_child_nodes(node)]
            continue
        # The names in a function may be its own.
        value = _UNKNOWN if inside else module.constants.get(node.test, _UNKNOWN)
        for branch, runs in ((node.body, True), (node.orelse, False)):
            if value is _UNKNOWN or bool(value) is runs:
                waiting += [(one, doubt or value is _UNKNOWN, inside) for one in branch]
    return sorted(found, key=lambda one: (one[0].lineno, one[0].col_offset))


def _parses(main: Module) -> bool:
    """Return whether a script runs an application of absl, or parses flags itself."""
    if not imports_package(main.tree, "absl", "tensorflow"):
        return False
    calls = [node for node in nodes_of(main.tree) if isinstance(node, ast.Call)]
    names = [dotted_name(call.func) or "" for call in calls]
    return any(name.endswith(("app.run", "FLAGS")) or "DEFINE_" in name for name in names)


class _Reading:
    def __init__(self) -> None:
        self.found: dict[str, Parameter] = {}
        self.required: set[str] = set()
        self.problems = Problems()
        self.open = False

    def call(self, module: Module, node: ast.Call, doubt: bool) -> None:
        """Record what one call defines or requires; with `doubt` it is unknown whether it runs."""
        name = external_name(module.tree, node.func)
        last = name.rpartition(".")[2]
        if last in _REQUIRING and node.args and not doubt:
            names = module.constants.get(node.args[0], [])
            self.required.update(names if isinstance(names, list) else [names])
        elif last.startswith("DEFINE") and ("flags" in name.lower() or name == last):
            self._define(module, node, last.removeprefix("DEFINE").removeprefix("_"), doubt)

    def _define(self, module: Module, node: ast.Call, kind: str, doubt: bool) -> None:
        signature = _WITH_CHOICES if "enum" in kind else _BOUNDED
        given: dict[str, ast.expr] = dict(zip(signature, node.args, strict=False))
        given.update(keywords(node))
        name = module.constants.text(given.get("name"))
        if kind == "alias":
            return
        if not name or kind not in _KINDS:
            self.problems.add(
                module, f"The flag {shown(node)} could not be read. It is not listed", node.lineno
            )
            self.open = True
            return
        if kind == "config_file":
            self.open = True  # `--config.lr=0.1` sets a value of the file
        parameter = self._parameter(module, node, kind, name, given)
        if doubt:
            message = f"--{name} is declared under a condition that could not be evaluated. It may not exist"
            self.problems.add(module, message, node.lineno)
            parameter = replace(parameter, required=False)
        self.found.setdefault(name, parameter)

    def _parameter(
        self, module: Module, node: ast.Call, kind: str, name: str, given: dict[str, ast.expr]
    ) -> Parameter:
        constants = module.constants
        shown_type, separator = _KINDS[kind]
        item = _ITEMS.get(kind.removeprefix("multi_"), "str")
        choices = self._choices(module, given) if "enum" in kind else None
        default, computed = None, False
        if "default" in given:
            default, computed = default_of(
                module, name, given["default"], self.problems, lambda one: known_default(module, one)
            )
        if shown_type == "list" and default is not None and not isinstance(default, list):
            default = str(default).split(separator or None) if separator else [default]
        if choices is not None and shown_type != "list":
            shape = Shape("choice", choices=choices, words=tuple(map(str, choices)))
            shape = replace(shape, fold_case=constants.get(given.get("case_sensitive"), True) is False)
        else:
            shape = Shape(
                item,
                low=constants.get(given.get("lower_bound")),
                high=constants.get(given.get("upper_bound")),
            )
        text = constants.get(given.get("help"), "")
        return Parameter(
            name,
            shown_type if choices is not None or shown_type != "choice" else "str",
            default,
            (f"--{name}",),
            None if shown_type == "list" else choices,
            help=" ".join(text.split()) if isinstance(text, str) else "",
            required=constants.get(given.get("required")) is True,
            action="append" if shown_type == "list" and not separator else "store",
            item_type=item,
            line=node.lineno,
            separator=separator,
            computed=computed,
            file="" if module.main else module.name,
            off_flags=(f"--no{name}",) if item == "bool" else (),
            shape=shape,
        )

    def _choices(self, module: Module, given: dict[str, ast.expr]) -> tuple[Any, ...] | None:
        node = given.get("enum_values", given.get("enum_class"))
        if node is None:
            return None
        found = module.find(node)
        if found is not None and isinstance(found[1], ast.ClassDef):
            return tuple(name for name, _ in enum_members(found[0], found[1])) or None
        values = module.constants.get(node)
        return tuple(values) if isinstance(values, list) else None
