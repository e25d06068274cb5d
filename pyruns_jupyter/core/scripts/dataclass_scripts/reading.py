"""Detection of the parameters of scripts that use dataclasses: transformers, tyro, pyrallis, draccus."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from pyruns_jupyter.core.scripts.argparse_scripts import reading as argparse_reading
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.source.classfields import given_values, is_config_class
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords, shown
from pyruns_jupyter.core.scripts.source.import_map import external_name, imported_names
from pyruns_jupyter.core.scripts.source.modules import Module, Project

from .fields import LIBRARIES, FieldReader

_TYRO = "tyro"
_YAML = ("pyrallis", "draccus")
_PARSERS = {
    "transformers.HfArgumentParser": "transformers",
    "transformers.hf_argparser.HfArgumentParser": "transformers",
    "trl.TrlParser": "transformers",
    "pyrallis.ArgumentParser": "pyrallis",
    "pyrallis.argparsing.ArgumentParser": "pyrallis",
    "draccus.ArgumentParser": "draccus",
}
CONFIG_PATH = "config_path"  # of pyrallis and draccus
_FILE_METHODS = {"parse_json_file": "JSON", "parse_yaml_file": "YAML"}


@dataclass
class FoundClass:
    """One class (or function) that a parser reads arguments from."""

    module: Module
    node: ast.AST
    given: dict[str, ast.expr] = field(default_factory=dict)
    giver: Module | None = None


@dataclass(frozen=True)
class DataclassDetails:
    """What `dataclass_argv` needs in addition to the list, such as plain argparse arguments."""

    plain: ScriptParameters | None = None
    file_key: str = ""  # of the file that replaces all other arguments


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that derives them from dataclasses; None when it does not."""
    main = project.main
    if not any(name.split(".")[0] in (*LIBRARIES, "trl") for name in _all_imports(project)):
        return None
    reader = _Reading(project)
    for module in [main, *_called_modules(main)]:
        reader.look(module)
        if reader.library:
            break
    return reader.result() if reader.library else None


def _all_imports(project: Project) -> list[str]:
    names = list(imported_names(project.main.tree).values())
    for module in _called_modules(project.main):
        names += imported_names(module.tree).values()
    return names


def _called_modules(main: Module) -> list[Module]:
    """Return the files of the functions that the script's top level calls (`from app import main`)."""
    found: list[Module] = []
    for statement in main.tree.body:
        if isinstance(statement, (*Function, ast.ClassDef)):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                target = main.find(node.func)
                if target is not None and target[0] is not main and target[0] not in found:
                    found.append(target[0])
    return found


class _Reading:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.library = ""
        self.found: list[FoundClass] = []
        self.fields = FieldReader()
        self.open = False
        self.file_key = ""
        self.reads_config = False
        self.reads_file = ""  # the format of a file that can replace all arguments

    def look(self, module: Module) -> None:
        """Find the parser that a file creates."""
        for node in nodes_of(module.tree):
            if isinstance(node, Function):
                for decorator in node.decorator_list:
                    called = decorator.func if isinstance(decorator, ast.Call) else decorator
                    name = external_name(module.tree, called)
                    if name.rsplit(".", 1)[-1] == "wrap" and name.split(".")[0] in _YAML and not self.library:
                        self._wrapped(module, node, name.split(".")[0])
            elif isinstance(node, ast.Call) and not self.library:
                self._call(module, node)
        if self.library:
            for node in nodes_of(module.tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    rest = {item.arg: item.value for item in node.keywords}.get("return_remaining_strings")
                    kind = _FILE_METHODS.get(node.func.attr)
                    if kind and "argv" in text_of(node) and kind not in self.reads_file:
                        self.reads_file = f"{self.reads_file} or {kind}" if self.reads_file else kind
                    known = node.func.attr == "parse_known_args" or (
                        rest is not None and text_of(rest) == "True"
                    )
                    self.open = self.open or known

    def _wrapped(self, module: Module, function: ast.AST, library: str) -> None:
        assert isinstance(function, Function)
        self.library = library
        first = function.args.args[0] if function.args.args else None
        if first is not None and first.annotation is not None:
            self._take(module, first.annotation)
        else:
            self.fields.problems.add(
                module, f"The first parameter of {function.name} has no type annotation", function.lineno
            )

    def _call(self, module: Module, node: ast.Call) -> None:
        name = external_name(module.tree, node.func)
        package, last = name.split(".")[0], name.rsplit(".", 1)[-1]
        words = keywords(node)
        first = node.args[0] if node.args else words.get("config_class")
        if name in _PARSERS:
            self.library = _PARSERS[name]
            self.reads_config = name == "trl.TrlParser"
            if self.library == "transformers":
                self._several(module, node.args[0] if node.args else words.get("dataclass_types"))
            elif first is not None:
                self._take(module, first)
        elif package in _YAML and last == "parse" and first is not None:
            self.library = package
            self._take(module, first, words)
        elif name == "tyro.cli" and (first or words.get("f")) is not None:
            self.library = _TYRO
            self._take(module, first or words["f"], words)

    def _several(self, module: Module, node: ast.expr | None) -> None:
        """Read the classes of `HfArgumentParser((A, B))`."""
        if isinstance(node, (ast.Tuple, ast.List)):
            for item in node.elts:
                self._take(module, item)
        elif node is not None:
            target = module.find(node)
            if target is not None and isinstance(target[1], (ast.Tuple, ast.List)):
                self._several(target[0], target[1])
            else:
                self._take(module, node)

    def _take(self, module: Module, node: ast.expr, words: dict[str, ast.expr] | None = None) -> None:
        """Record a class or function that arguments are derived from."""
        words = words or {}
        given: dict[str, ast.expr] = {}
        made = module.find(node.func) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and made is not None and isinstance(made[1], ast.ClassDef):
            given = given_values(*made, node)  # an instance: its values are the defaults
            target: tuple[Module, ast.AST] | None = made
        else:
            target = module.find(node) or module.find_class(node)
        default = words.get("default")
        if isinstance(default, ast.Call):
            owner = module.find(default.func)
            if owner is not None and isinstance(owner[1], ast.ClassDef):
                given = given_values(*owner, default)
        elif default is not None and not (isinstance(default, ast.Constant) and default.value is None):
            self.fields.problems.add(
                module,
                f"The default {shown(default)} is computed. The defaults of the class are shown",
                node.lineno,
            )
        if target is not None and isinstance(target[1], ast.ClassDef) and is_config_class(*target):
            self.found.append(FoundClass(*target, given=given, giver=module))
        elif target is not None and isinstance(target[1], Function) and self.library == _TYRO:
            self.found.append(FoundClass(*target))
        else:
            self.fields.problems.add(
                module,
                f"{shown(node)} is not a class of this project. Its fields are not listed but can be set",
                node.lineno,
            )
            self.open = True

    def result(self) -> ScriptParameters:
        """Return all parameters."""
        self.fields.library = self.library
        plain = self._plain()
        parameters: list[Parameter] = []
        for found in self.found:
            parameters += self.fields.of(found.module, found.node, "", found.given, found.giver)
        unique: dict[str, Parameter] = {}
        for one in (*self._files(), *(plain.parameters if plain is not None else ()), *parameters):
            unique.setdefault(one.name, one)
        problems = [
            *(plain.problems if plain is not None else ()),
            *self.fields.problems,
            *self.project.problems,
        ]
        more = self.open or self.fields.open
        return ScriptParameters(
            "dataclass",
            tuple(unique.values()),
            tuple(dict.fromkeys(problems)),
            more,
            library=self.library,
            details=DataclassDetails(plain, self.file_key),
        )

    def _files(self) -> list[Parameter]:
        """Return the parameter that names a file with values, if the script reads one."""
        if self.library in _YAML:
            about = "YAML file with values; other arguments override them"
            return [Parameter(CONFIG_PATH, "path", None, (f"--{CONFIG_PATH}",), help=about, item_type="path")]
        if self.reads_config:
            about = "YAML file with values; other arguments override them"
            return [Parameter("config", "path", None, ("--config",), help=about, item_type="path")]
        if self.reads_file:
            self.file_key = "config_file"
            about = f"{self.reads_file} file with all values, passed as the only argument"
            return [Parameter(self.file_key, "path", None, help=about, positional=True, item_type="path")]
        return []

    def _plain(self) -> ScriptParameters | None:
        """Return the arguments that `add_argument` declares in addition to the dataclasses."""
        if self.library != "transformers" or not _adds(self.project.main):
            return None
        return argparse_reading.read(self.project) or argparse_reading.read_uncalled(self.project)


def _adds(module: Module) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "add_argument" for node in nodes_of(module.tree)
    )
