"""Detection of the commands that a script declares with typer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pyruns_jupyter.core.scripts.commandtree import ScriptCommand, script_of
from pyruns_jupyter.core.scripts.model import Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords
from pyruns_jupyter.core.scripts.source.import_map import external_name, imports_package
from pyruns_jupyter.core.scripts.source.modules import Module, Project

from .registrations import registered
from .typer_options import command_of

_DEPTH = 8


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that runs a typer application; None when there is none."""
    main = project.main
    if not imports_package(main.tree, "typer") and not _imported_app(main):
        return None
    reader = TyperReader(project)
    command = reader.entry()
    if command is None:
        return None
    return script_of("typer", command, [*reader.problems, *project.problems])


def _imported_app(main: Module) -> bool:
    """Return whether the script calls something that another file made with `typer.Typer()`."""
    for node in nodes_of(main.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            found = main.find(node.func)
            if found is not None and _is_app(*found):
                return True
    return False


def _is_app(module: Module, node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and external_name(module.tree, node.func) == "typer.Typer"


class TyperReader:
    """Finds the application or function that a script runs."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.problems = Problems()
        self.modules: list[Module] = [project.main]
        self.around: list[ast.AST] = []  # the applications around the current one

    def entry(self) -> ScriptCommand | None:
        """Return the command that the script runs."""
        main = self.project.main
        for node in nodes_of(main.tree):
            if not isinstance(node, ast.Call):
                continue
            if external_name(main.tree, node.func) == "typer.run" and node.args:
                found = main.find(node.args[0])
                if found is not None and isinstance(found[1], Function):
                    return command_of(*found, self.problems)
                text = f"The function in {text_of(node)} could not be resolved. Its parameters are not listed"
                self.problems.add(main, text, node.lineno)
                return ScriptCommand(open=True, line=node.lineno)
            target = node.func
            if isinstance(target, ast.Attribute) and target.attr == "__call__":
                target = target.value
            if isinstance(target, (ast.Name, ast.Attribute)):
                found = main.find(target)
                if found is not None and _is_app(*found):
                    return self._app(*found, 0)
        for statement in main.tree.body:
            if isinstance(statement, ast.Assign) and _is_app(main, statement.value):
                return self._app(main, statement.value, 0)
        return None

    def _app(self, module: Module, node: ast.AST, depth: int) -> ScriptCommand:
        """Return the command of an application: its single command, or a group."""
        assert isinstance(node, ast.Call)
        if module not in self.modules:
            self.modules.append(module)
        commands: dict[str, ScriptCommand] = {}
        callback = ScriptCommand(line=node.lineno)
        words = keywords(node)
        grouped = module.constants.get(words.get("invoke_without_command")) is True or "callback" in words
        without = module.constants.get(words.get("invoke_without_command")) is True
        chained = module.constants.get(words.get("chain")) is True
        if depth > _DEPTH or any(node is one for one in self.around):
            return callback
        self.around.append(node)
        if "callback" in words:
            found = module.find(words["callback"])
            if found is not None and isinstance(found[1], Function):
                callback = command_of(*found, self.problems)
        for kind, call, home, found in self._registrations(module, node):
            if not isinstance(call, ast.Call):
                continue
            given, target = keywords(call), found[1]
            if kind == "callback":
                callback = command_of(*found, self.problems)
                grouped = True
                without = without or home.constants.get(given.get("invoke_without_command")) is True
                chained = chained or home.constants.get(given.get("chain")) is True
            elif kind == "command":
                command = command_of(*found, self.problems)
                name = home.constants.text(call.args[0] if call.args else given.get("name"))
                settings = given.get("context_settings")
                command.open = command.open or self._ignores_unknown(home, settings)
                commands[name or _spelled(getattr(target, "name", "command"))] = command
            else:
                sub = self._app(*found, depth + 1)
                grouped = True
                name = home.constants.text(given.get("name")) or self._app_name(*found)
                if name:
                    commands[name] = sub
                else:
                    commands.update(sub.commands)
        self.around.pop()
        if len(commands) == 1 and not grouped and depth == 0:
            return next(iter(commands.values()))
        callback.commands, callback.required, callback.chain = commands, not without, chained
        if not commands:
            self.problems.add(module, "The commands of this application could not be determined", node.lineno)
            callback.open = True
        return callback

    def _registrations(
        self, module: Module, app: ast.AST
    ) -> Iterator[tuple[str, ast.expr, Module, tuple[Module, ast.AST]]]:
        modules = list(dict.fromkeys([module, *self.modules]))
        return registered(modules, app, _is_app, self.problems)

    def _app_name(self, module: Module, app: ast.AST) -> str:
        assert isinstance(app, ast.Call)
        words = keywords(app)
        name = module.constants.text(words.get("name"))
        if name:
            return name
        for kind, _, _, found in self._registrations(module, app):
            if kind == "callback":
                return _spelled(getattr(found[1], "name", ""))
        return ""

    def _ignores_unknown(self, module: Module, node: ast.expr | None) -> bool:
        settings = module.constants.get(node)
        return isinstance(settings, dict) and settings.get("ignore_unknown_options") is True


def _spelled(name: str) -> str:
    return name.lower().replace("_", "-")
