"""Detection of the configuration that a script merges with `OmegaConf.from_cli()`."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.boundary import is_inside
from pyruns_jupyter.core.scripts.hydra_scripts.files import File, merge, read_file
from pyruns_jupyter.core.scripts.hydra_scripts.reading import boundaries, values_of
from pyruns_jupyter.core.scripts.hydra_scripts.store import stored_file
from pyruns_jupyter.core.scripts.hydra_scripts.tree import Composed
from pyruns_jupyter.core.scripts.model import Parameter, Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.cache import stamp
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import shown
from pyruns_jupyter.core.scripts.source.import_map import external_name, imports_package
from pyruns_jupyter.core.scripts.source.modules import Module, Project

_MAX_BYTES = 1 << 20
_MAX_DEPTH = 8
_WHOLE = ("sys.argv", "sys.argv[1:]")


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that calls `OmegaConf.from_cli()`; None when it does not."""
    for module in project.reached():
        if imports_package(module.tree, "omegaconf"):
            for node in _calls(module, "from_cli"):
                if not node.args or text_of(node.args[0]) in _WHOLE:
                    return _Reading(project, module, node).result()
    return None


def _calls(module: Module, *names: str) -> Iterator[ast.Call]:
    for node in nodes_of(module.tree):
        if isinstance(node, ast.Call) and external_name(module.tree, node.func).endswith(
            tuple(f"OmegaConf.{name}" for name in names)
        ):
            yield node


class _Reading:
    def __init__(self, project: Project, module: Module, call: ast.Call) -> None:
        self.project = project
        self.module = module
        self.call = call
        self.problems = Problems()
        self.composed = Composed()
        self.open = True
        self.assigned = [
            (target.id, node.value)
            for node in nodes_of(module.tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        self.own_keys: dict[str, Parameter] = {}

    def result(self) -> ScriptParameters:
        """Return the parameters: those of the configurations that are merged with the command line."""
        kinds: list[str] = []
        for node in _calls(self.module, "merge", "unsafe_merge"):
            parts = [self._resolved(one) for one in node.args]
            if any(one is self.call for one in parts):
                kinds = [self._take(one) for one in parts if one is not self.call]
                break
        self.open = "structured" not in kinds or "" in kinds
        parameters = {**self.own_keys, **{one.name: one for one in values_of(self.composed)}}
        return ScriptParameters(
            "omegaconf",
            tuple(parameters.values()),
            tuple(dict.fromkeys([*self.problems, *self.project.problems])),
            self.open,
        )

    def _resolved(self, node: ast.expr) -> ast.expr:
        """Return the value of a name: the last one that is assigned in a line before it."""
        for _ in range(_MAX_DEPTH):
            if not isinstance(node, ast.Name):
                break
            name, line = node.id, node.lineno
            values = [value for one, value in self.assigned if one == name and value.lineno < line]
            if not values:
                break
            node = max(values, key=lambda value: value.lineno)
        return node

    def _take(self, node: ast.expr) -> str:
        """Merge one configuration; return how it is made, "" when it could not be read."""
        kind = (
            external_name(self.module.tree, node.func).rpartition(".")[2]
            if isinstance(node, ast.Call)
            else ""
        )
        first = self._resolved(node.args[0]) if isinstance(node, ast.Call) and node.args else None
        file: File | None = None
        if kind == "load" and first is not None:
            file = self._loaded(first)
        elif kind in ("structured", "create") and first is not None:
            file = stored_file(self.module, first, self.problems)
        elif isinstance(node, ast.Dict):
            file = stored_file(self.module, node, self.problems)
        else:
            self._problem(f"The configuration {shown(node)} could not be read", node.lineno)
        if file is None:
            return ""
        merge(self.composed.content, file.content)
        self.composed.helps.update(file.helps)
        self.composed.shapes.update(file.shapes)
        return kind or "create"

    def _loaded(self, node: ast.expr) -> File | None:
        """Return the file of `OmegaConf.load(...)`; None when its name is computed or an argument."""
        key = self._own_key(node)
        if key:
            self.own_keys[key] = Parameter(key, "path", help="file of the configuration", item_type="path")
            self._problem(f"The values of the file {key} are not listed but can be set", node.lineno)
            return None
        name, script = self.module.constants.text(node), self.project.script
        if not name or script is None:
            self._problem(f"The file {shown(node)} could not be read", node.lineno)
            return None
        path = script.parent / name  # the working folder of a run
        self.project.consulted[str(path)] = stamp(str(path))
        if not all(is_inside(path, boundary) for boundary in boundaries(self.project)):
            self._problem(f"The file {name} is outside the project and is not read", node.lineno)
            return None
        try:
            return read_file(read_whole(path, most=_MAX_BYTES, follow=True)[0].decode("utf-8"), name)
        except (OSError, ValueError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
            self._problem(f"The file {name} cannot be read: {reason}", node.lineno)
        except PyrunsError as error:
            self._problem(error.message.rstrip("."), node.lineno)
        return None

    def _own_key(self, node: ast.expr) -> str:
        """Return the key of `cli.key` or `cli["key"]`, else ""."""
        if isinstance(node, ast.Attribute) and self._resolved(node.value) is self.call:
            return node.attr
        if isinstance(node, ast.Subscript) and self._resolved(node.value) is self.call:
            return self.module.constants.text(node.slice)
        owner = node.func if isinstance(node, ast.Call) else None
        if isinstance(owner, ast.Attribute) and owner.attr in ("get", "pop") and isinstance(node, ast.Call):
            first: Any = node.args[0] if node.args else None
            if self._resolved(owner.value) is self.call and isinstance(first, ast.Constant):
                return str(first.value)
        return ""

    def _problem(self, message: str, line: int) -> None:
        self.problems.add(self.module, message, line)
