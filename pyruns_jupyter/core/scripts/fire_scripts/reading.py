"""Detection of the functions that a script passes to `fire.Fire`, also in a dictionary."""

from __future__ import annotations

import ast
from dataclasses import replace

from pyruns_jupyter.core.scripts.commandtree import ScriptCommand, script_of
from pyruns_jupyter.core.scripts.model import Parameter, Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.annotations import shape_of
from pyruns_jupyter.core.scripts.source.docstrings import argument_help, docstring_of, summary
from pyruns_jupyter.core.scripts.source.files import nodes_of
from pyruns_jupyter.core.scripts.source.functions import Function, arguments_of, default_of, keywords, shown
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.types import shape_of_value

_DEPTH = 6


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that calls `fire.Fire`; None when it does not."""
    main = project.main
    calls = [
        node
        for node in nodes_of(main.tree)
        if isinstance(node, ast.Call)
        and external_name(main.tree, node.func) in ("fire.Fire", "fire.core.Fire")
    ]
    if not calls:
        return None
    reader = _FireReader(project)
    command = reader.entry(calls[0])
    return script_of("fire", command, [*reader.problems, *project.problems])


class _FireReader:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.problems = Problems()

    def entry(self, call: ast.Call) -> ScriptCommand:
        """Return the command that `fire.Fire(...)` derives from its component."""
        main = self.project.main
        words = keywords(call)
        component = call.args[0] if call.args else words.get("component")
        if "command" in words or len(call.args) > 1:
            self.problems.add(
                main,
                "The script passes its own command to fire. It does not read the command line",
                call.lineno,
            )
            return ScriptCommand(line=call.lineno)
        if component is None or (isinstance(component, ast.Constant) and component.value is None):
            return self._given_up(main, "all functions of the script", call.lineno)
        return self._component(main, component, 0)

    def _component(self, module: Module, node: ast.expr, depth: int) -> ScriptCommand:
        found: tuple[Module, ast.AST] | None = module, node
        if isinstance(node, (ast.Name, ast.Attribute)):
            found = module.find(node)
        if found is not None and depth < _DEPTH:
            home, target = found
            if isinstance(target, (*Function, ast.Lambda)):
                return self._function(home, target)
            if isinstance(target, ast.Dict):
                return self._table(home, target, depth)
        return self._given_up(module, shown(node), node.lineno)

    def _given_up(self, module: Module, what: str, line: int) -> ScriptCommand:
        self.problems.add(module, f"The parameters of {what} could not be determined", line)
        return ScriptCommand(open=True, line=line)

    def _table(self, module: Module, node: ast.Dict, depth: int) -> ScriptCommand:
        command = ScriptCommand(line=node.lineno)
        for key, value in zip(node.keys, node.values, strict=True):
            name = module.constants.text(key)
            if name:
                command.commands[name] = self._component(module, value, depth + 1)
            else:
                self.problems.add(
                    module, "The name of a command is computed. The command is not listed", node.lineno
                )
                command.open = True
        return command

    def _function(self, module: Module, function: ast.AST) -> ScriptCommand:
        docstring = docstring_of(function)
        texts = argument_help(docstring)
        command = ScriptCommand(line=getattr(function, "lineno", 0), help=summary(docstring))
        for argument in arguments_of(module, function):
            if argument.kind == "rest":
                command.open = True
                continue
            if argument.kind == "many":
                parameter = Parameter(
                    argument.name,
                    "list",
                    [],
                    positional=True,
                    nargs="*",
                    line=argument.line,
                    item_type="literal",
                )
            else:
                parameter = self._parameter(
                    module, argument.name, argument.annotation, argument.default, argument.line
                )
            command.parameters.append(replace(parameter, help=texts.get(argument.name, "")))
        return command

    def _parameter(
        self, module: Module, name: str, annotation: ast.expr | None, default: ast.expr | None, line: int
    ) -> Parameter:
        value, computed = None, False
        if default is not None:
            value, computed = default_of(module, name, default, self.problems)
        shape = shape_of(module, annotation) if annotation is not None else shape_of_value(value)
        choices = shape.choices if shape.name == "choice" and shape.definition is None else None
        return Parameter(
            name=name,
            type="str" if shape.name == "choice" and shape.definition is not None else shape.shown,
            default=value,
            flags=(f"--{name}",),
            choices=choices,
            required=default is None,
            item_type="literal",
            line=line,
            file="" if module.main else module.name,
            shape=shape,
            computed=computed,
        )
