"""Detection of the functions and classes that a script passes to `fire.Fire`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from pyruns_jupyter.core.scripts.commandtree import ScriptCommand, script_of
from pyruns_jupyter.core.scripts.model import Parameter, Problem, ScriptParameters
from pyruns_jupyter.core.scripts.source.annotations import shape_of
from pyruns_jupyter.core.scripts.source.docstrings import argument_help, docstring_of, summary
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import Function, arguments_of, keywords, shown, without_self
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.source.objects import UnknownError
from pyruns_jupyter.core.scripts.types import Shape, shape_of_value

_DEPTH = 6
_MAX_PARAMETERS = 100


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
        self.problems: list[Problem] = []

    def entry(self, call: ast.Call) -> ScriptCommand:
        """Return the command that `fire.Fire(...)` derives from its component."""
        main = self.project.main
        words = keywords(call)
        component = call.args[0] if call.args else words.get("component")
        if "command" in words or len(call.args) > 1:
            self._problem(
                main,
                "The script passes its own command to fire. It does not read the command line",
                call.lineno,
            )
            return ScriptCommand(line=call.lineno)
        if component is None or (isinstance(component, ast.Constant) and component.value is None):
            return self._module(main, 0)
        return self._component(main, component, 0)

    def _problem(self, module: Module, message: str, line: int) -> None:
        self.problems.append(module.problem(message, line))

    def _component(self, module: Module, node: ast.expr, depth: int) -> ScriptCommand:
        found: tuple[Module, ast.AST] | None = module, node
        if isinstance(node, (ast.Name, ast.Attribute)):
            found = module.find(node)
        if found is not None and depth < _DEPTH:
            home, target = found
            if isinstance(target, (*Function, ast.Lambda)):
                return self._function(home, target)
            if isinstance(target, ast.ClassDef):
                return self._class(home, target, depth)
            if isinstance(target, ast.Module):
                return self._module(home, depth)
            if isinstance(target, ast.Dict):
                return self._table(home, target, depth)
            if isinstance(target, ast.Call):
                made = home.find(target.func)
                if made is not None and isinstance(made[1], ast.ClassDef):
                    command = self._class(made[0], made[1], depth)
                    command.parameters = []  # the script creates the object
                    return command
        self._problem(module, f"The parameters of {shown(node)} could not be determined", node.lineno)
        return ScriptCommand(open=True, line=node.lineno)

    def _table(self, module: Module, node: ast.Dict, depth: int) -> ScriptCommand:
        command = ScriptCommand(line=node.lineno)
        for key, value in zip(node.keys, node.values, strict=True):
            name = module.constants.text(key)
            if name:
                command.commands[name] = self._component(module, value, depth + 1)
            else:
                self._problem(
                    module, "The name of a command is computed. The command is not listed", node.lineno
                )
                command.open = True
        return command

    def _module(self, module: Module, depth: int) -> ScriptCommand:
        """Return all functions and classes of a module as commands, as `fire.Fire()` offers them."""
        command = ScriptCommand()
        for node in module.tree.body:
            if len(command.commands) >= _MAX_PARAMETERS or not isinstance(node, (*Function, ast.ClassDef)):
                continue
            if node.name.startswith("_"):
                continue
            if isinstance(node, ast.ClassDef):
                command.commands[node.name] = self._class(module, node, depth + 1)
            else:
                command.commands[node.name] = self._function(module, node)
        return command

    def _class(self, module: Module, node: ast.ClassDef, depth: int) -> ScriptCommand:
        """Return the constructor's parameters, with the methods as commands."""
        found = module.resolve(f"{node.name}.__init__")
        helps = argument_help(docstring_of(node))
        if found is not None and isinstance(found[1], Function):
            command = self._function(*found, in_class=True, helps=helps)
        elif any(text_of(one).split("(")[0].rsplit(".", 1)[-1] == "dataclass" for one in node.decorator_list):
            command = self._fields(module, node)
        else:
            command = ScriptCommand()
        command.help = summary(docstring_of(node)) or command.help
        command.line = node.lineno
        for home, method in self._methods(module, node, 0):
            assert isinstance(method, Function)
            if method.name not in command.commands and depth < _DEPTH:
                command.commands[method.name] = self._function(home, method, in_class=True)
        return command

    def _fields(self, module: Module, node: ast.ClassDef) -> ScriptCommand:
        command = ScriptCommand()
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                command.parameters.append(
                    self._parameter(
                        module, statement.target.id, statement.annotation, statement.value, node.lineno
                    )
                )
        return command

    def _methods(self, module: Module, node: ast.ClassDef, depth: int) -> Iterator[tuple[Module, ast.AST]]:
        for statement in node.body:
            if isinstance(statement, Function) and not statement.name.startswith("_"):
                marks = {text_of(one).rsplit(".", 1)[-1] for one in statement.decorator_list}
                if not marks & {"property", "cached_property", "setter", "deleter", "abstractmethod"}:
                    yield module, statement
        for base in node.bases if depth < _DEPTH else ():
            found = module.find(base)
            if found is not None and isinstance(found[1], ast.ClassDef):
                yield from self._methods(found[0], found[1], depth + 1)

    def _function(
        self,
        module: Module,
        function: ast.AST,
        *,
        in_class: bool = False,
        helps: dict[str, str] | None = None,
    ) -> ScriptCommand:
        docstring = docstring_of(function)
        texts = {**(helps or {}), **argument_help(docstring)}
        command = ScriptCommand(line=getattr(function, "lineno", 0), help=summary(docstring))
        for argument in without_self(list(arguments_of(module, function)), function, in_class):
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
            try:
                value = module.constants.value(default)
            except UnknownError:
                computed = True
                self._problem(
                    module,
                    f"The default of {name} is computed ({shown(default)}). Set null to use it",
                    default.lineno,
                )
        shape = shape_of(module, annotation) if annotation is not None else shape_of_value(value)
        choices = shape.choices if shape.name == "choice" and shape.definition is None else None
        return Parameter(
            name=name,
            type=_shown(shape),
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


def _shown(shape: Shape) -> str:
    return "str" if shape.name == "choice" and shape.definition is not None else shape.shown
