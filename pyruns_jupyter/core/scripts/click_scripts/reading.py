"""Detection of the options, arguments and commands that a script declares with click."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pyruns_jupyter.core.scripts.commandtree import ScriptCommand, script_of
from pyruns_jupyter.core.scripts.model import Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.docstrings import docstring_of, summary
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords
from pyruns_jupyter.core.scripts.source.import_map import external_name, imports_package
from pyruns_jupyter.core.scripts.source.modules import Module, Project

from .decorators import PACKAGES, declared, is_click
from .registrations import registered

_COMMAND, _GROUP = "command", "group"
_DEPTH = 8
_SUFFIXES = ("_command", "_cmd", "_group", "_grp")


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that runs a click command; None when there is none."""
    reader = ClickReader(project)
    command = reader.entry()
    if command is None:
        return None
    return script_of("click", command, [*reader.problems, *project.problems])


class ClickReader:
    """Finds the command that a script runs and builds the tree below it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.problems = Problems()
        self.modules: list[Module] = [project.main]
        self.around: list[ast.AST] = []  # the groups around a command

    def entry(self) -> ScriptCommand | None:
        """Return the command that the script runs: the one that it calls, else the outermost one."""
        main = self.project.main
        for node in _calls(main.tree):
            target = node.func
            if isinstance(target, ast.Attribute) and target.attr in ("main", "__call__"):
                target = target.value
            if isinstance(target, (ast.Name, ast.Attribute)):
                found = self._definition(main, text_of(target))
                if found is not None:
                    return self._command(*found, 0)
        if not imports_package(main.tree, *PACKAGES):
            return None
        own = [node for node in main.tree.body if self._kind(main, node)]
        own.sort(key=lambda node: self._kind(main, node) != _GROUP)
        return self._command(main, own[0], 0) if own else None

    def _definition(self, module: Module, name: str) -> tuple[Module, ast.AST] | None:
        """Return the command of that name, if it is one."""
        found = module.resolve(name)
        if found is None or not self._kind(*found):
            return None
        if found[0] not in self.modules:
            self.modules.append(found[0])
        return found

    def _kind(self, module: Module, node: ast.AST) -> str:
        """Return "command" or "group" if `node` defines one, else ""."""
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                kind = self._decorator_kind(module, decorator)
                if kind:
                    return kind
        elif isinstance(node, ast.Assign):
            return self._kind(module, node.value)
        elif isinstance(node, ast.Call):
            if is_click(external_name(module.tree, node.func)) and text_of(node.func).endswith("Group"):
                return _GROUP
            if isinstance(node.func, ast.Call):  # click.command(...)(function)
                return self._decorator_kind(module, node.func)
        return ""

    def _decorator_kind(self, module: Module, decorator: ast.expr) -> str:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = external_name(module.tree, called)
        last = name.rsplit(".", 1)[-1]
        if last not in (_COMMAND, _GROUP):
            return ""
        if is_click(name):
            return last
        if isinstance(called, ast.Attribute):
            owner = module.find(called.value)
            if owner is not None and owner[1] is not decorator and self._kind(*owner):
                return last
        return ""

    def _command(self, module: Module, node: ast.AST, depth: int) -> ScriptCommand:
        if isinstance(node, ast.Assign):
            node = node.value
        command = ScriptCommand(line=getattr(node, "lineno", 0))
        if depth > _DEPTH or any(node is one for one in self.around):
            return command
        group = self._kind(module, node) == _GROUP
        if isinstance(node, Function):
            self._decorated(module, node, command)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Call):
            self._settings(module, node.func, command)
            found = module.find(node.args[0]) if node.args else None
            if found and isinstance(found[1], Function):
                self._decorated(*found, command)
        if group:
            self.around.append(node)
            for name, (home, member) in self._members(module, node):
                command.commands[name] = self._command(home, member, depth + 1)
            self.around.pop()
            if not command.commands:
                self.problems.add(module, "The commands of this group could not be determined", command.line)
                command.open = True
        return command

    def _decorated(self, module: Module, node: ast.AST, command: ScriptCommand) -> None:
        assert isinstance(node, Function)
        command.help = summary(docstring_of(node))
        for decorator in node.decorator_list:
            if self._decorator_kind(module, decorator):
                if isinstance(decorator, ast.Call):
                    self._settings(module, decorator, command)
                continue
            self._take(module, decorator, command)

    def _take(self, module: Module, decorator: ast.expr, command: ScriptCommand) -> None:
        found, is_open = declared(module, decorator, self.problems)
        command.open = command.open or is_open
        known = {one.name for one in command.parameters}
        command.parameters += [one for one in found if one.name not in known]

    def _settings(self, module: Module, call: ast.Call, command: ScriptCommand) -> None:
        """Read the arguments of `@click.command(...)`."""
        words = keywords(call)
        constants = module.constants
        command.required = constants.get(words.get("invoke_without_command")) is not True
        command.chain = constants.get(words.get("chain")) is True
        settings = constants.get(words.get("context_settings"))
        if isinstance(settings, dict) and settings.get("ignore_unknown_options"):
            command.open = True
        if "params" in words and isinstance(words["params"], (ast.List, ast.Tuple)):
            for item in words["params"].elts:
                self._take(module, item, command)
        if isinstance(words.get("help"), ast.Constant):
            command.help = summary(str(constants.value(words["help"])))
        own_class = words.get("cls")
        if own_class is not None and module.find(own_class) is not None:
            self.problems.add(
                module,
                f"{text_of(own_class)} is a custom class, which may add parameters that are not listed",
                call.lineno,
            )
            command.open = True

    def _members(self, module: Module, group: ast.AST) -> Iterator[tuple[str, tuple[Module, ast.AST]]]:
        """Yield the commands of a group with their names."""
        modules = list(dict.fromkeys([module, *self.modules]))
        for method, call, home, found in registered(modules, group, self._kind, self.problems):
            if found[0] not in self.modules:
                self.modules.append(found[0])
            name = ""
            if method == "add_command" and isinstance(call, ast.Call):
                named = call.args[1] if len(call.args) > 1 else keywords(call).get("name")
                name = home.constants.text(named) or self._own_name(*found)
            yield name or self._name(home, call, found[1]), found

    def _own_name(self, module: Module, node: ast.AST) -> str:
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                if self._decorator_kind(module, decorator):
                    return self._name(module, decorator, node)
        return "command"

    def _name(self, module: Module, decorator: ast.expr, node: ast.AST) -> str:
        """Return the name of a command: the given one, else that of its function."""
        assert isinstance(node, Function)
        if isinstance(decorator, ast.Call):
            words = keywords(decorator)
            given = module.constants.text(decorator.args[0] if decorator.args else words.get("name"))
            if given:
                return given
        name = node.name.lower()
        for suffix in _SUFFIXES:
            if name.endswith(suffix) and name != suffix:
                self.problems.add(
                    module,
                    f"The name of the command {node.name} depends on the version of click (from 8.2 on "
                    f"without {suffix}). Set the name explicitly",
                    node.lineno,
                )
                name = name[: -len(suffix)]
                break
        return name.replace("_", "-")


def _calls(tree: ast.Module) -> list[ast.Call]:
    """Return the calls that are not decorators, those outside functions first."""
    inside: set[int] = set()
    decorators: set[int] = set()
    for node in nodes_of(tree):
        if isinstance(node, Function):
            decorators |= {id(decorator) for decorator in node.decorator_list}
            inside |= {id(inner) for statement in node.body for inner in ast.walk(statement)}
    calls = [node for node in nodes_of(tree) if isinstance(node, ast.Call) and id(node) not in decorators]
    return sorted(calls, key=lambda node: id(node) in inside)
