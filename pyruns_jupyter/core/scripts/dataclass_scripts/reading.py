"""Detection of the parameters of scripts that use `HfArgumentParser`, `TrlParser`, tyro, pyrallis or draccus.

A script of the last three is left to asking unless all fields of its class, and of the classes in them, are
simple.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace

from pyruns_jupyter.core.config.yamltext.values import string_text
from pyruns_jupyter.core.scripts.argparse_scripts import reading as argparse_reading
from pyruns_jupyter.core.scripts.argparse_scripts.assembly import together
from pyruns_jupyter.core.scripts.model import Parameter, Parser, Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.annotations import enum_members, enum_values, inherits
from pyruns_jupyter.core.scripts.source.classfields import (
    NOTHING,
    ClassField,
    fields_of,
    is_config_class,
    with_default,
)
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords, note_computed, shown
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.types import Shape

_TRL = "trl.TrlParser"
_TYRO = "tyro.cli"
_YAML = ("pyrallis", "draccus")
_PARSERS = (
    *("transformers.HfArgumentParser", "transformers.hf_argparser.HfArgumentParser", _TRL, _TYRO),
    *(f"{library}.{name}" for library in _YAML for name in ("wrap", "parse")),
)
_SIMPLE = ("int", "float", "str", "bool", "path", "choice")
_CHANGING = (
    *("args", "default", "config", "registry", "return_unknown_args", "use_underscores", "prog"),
    "config_path",  # a file of the script, whose values replace the defaults
)
_REGISTRIES = (
    "ChoiceRegistry",
    "PluginRegistry",
)  # of draccus: `--model.type` chooses a class
_MAX_DEPTH = 10
_FILE_METHODS = {"parse_json_file": "JSON", "parse_yaml_file": "YAML"}
WORDS = ((True, "True"), (False, "False"))  # of a value that may be a boolean


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that uses such a parser; None when it does not.

    The kind is "command" when only asking can find them.
    """
    for module in [project.main, *_called_modules(project.main)]:
        for node in nodes_of(module.tree):
            decorators = node.decorator_list if isinstance(node, Function) else ()
            call = next((one for one in (*decorators, node) if _name(module, one) in _PARSERS), None)
            if isinstance(call, ast.Call):
                first = node.args.args[:1] if isinstance(node, Function) else []
                found = _Reading(project, module, call, first[0].annotation if first else None).result()
                ask = found.open and found.library != "transformers"
                return replace(found, kind="command") if ask else found
    return None


def _name(module: Module, node: ast.AST) -> str:
    return external_name(module.tree, node.func) if isinstance(node, ast.Call) else ""


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
    def __init__(self, project: Project, module: Module, call: ast.Call, annotation: ast.expr | None) -> None:
        self.project = project
        self.module = module
        self.call = call
        self.problems = Problems()
        self.annotation = annotation  # of the function that a decorator calls with the values
        self.name = _name(module, call)
        package = self.name.partition(".")[0]
        self.library = package if package in ("tyro", *_YAML) else "transformers"
        changed = len(call.args) > 1 or not keywords(call).keys().isdisjoint(_CHANGING)
        self.open = self.library != "transformers" and changed
        self.reads_file = ""  # the format of a file that can replace all arguments
        for node in nodes_of(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                rest = keywords(node).get("return_remaining_strings")
                kind = _FILE_METHODS.get(node.func.attr)
                if kind and "argv" in text_of(node) and kind not in self.reads_file:
                    self.reads_file = f"{self.reads_file} or {kind}" if self.reads_file else kind
                if node.func.attr == "parse_known_args" or (rest is not None and text_of(rest) == "True"):
                    self.open = True

    def result(self) -> ScriptParameters:
        """Return all parameters: the file with values, those of argparse, the fields of the classes."""
        found = [*self._files()]
        known = len(found)
        words = keywords(self.call)
        given = (words.get(name) for name in ("dataclass_types", "f", "config_class"))
        classes = next((one for one in (*self.call.args, *given) if one is not None), self.annotation)
        plain = self._plain()
        if classes is not None:
            found += self._several(self.module, classes)
        unique: dict[str, Parameter] = {}
        for one in found:
            unique.setdefault(one.name, one)
        own = list(unique.values())
        parsers = [Parser(tuple(own[:known])), Parser(tuple(own[known:]))]
        problems = [*self.problems, *self.project.problems]
        if plain is not None and plain.parser is not None:
            parsers.insert(1, plain.parser)
            problems = [*plain.problems, *problems]
        parser = together(parsers, is_open=self.open)
        return ScriptParameters(
            "dataclass",
            parser.parameters,
            tuple(dict.fromkeys(problems)),
            self.open,
            parser=parser,
            library=self.library,
            details="config_file" if any(one.name == "config_file" for one in own[:known]) else "",
        )

    def _several(self, module: Module, node: ast.expr) -> list[Parameter]:
        """Return the fields of the classes of `HfArgumentParser((A, B))`."""
        if isinstance(node, (ast.Tuple, ast.List)):
            return [one for item in node.elts for one in self._several(module, item)]
        target = module.find(node)
        if target is not None and isinstance(target[1], (ast.Tuple, ast.List)):
            return self._several(target[0], target[1])
        target = target or module.find_class(node)
        if target is not None and isinstance(target[1], ast.ClassDef) and is_config_class(*target):
            return self._of_class(target[0], target[1])
        self.problems.add(
            module,
            f"{shown(node)} is not a class of this project. Its fields are not listed but can be set",
            node.lineno,
        )
        self.open = True
        return []

    def _of_class(
        self, module: Module, node: ast.ClassDef, around: ClassField | None = None
    ) -> list[Parameter]:
        """Return the parameters of a class; those of the class in the field `around` have dotted names."""
        endless = around is not None and around.name.count(".") > _MAX_DEPTH
        if endless or inherits(module, node, *_REGISTRIES):
            self.open = True
            return []
        fields, unknown = fields_of(module, node, init_vars=self.library == "tyro")
        for base in unknown:
            self.problems.add(
                module,
                f"{node.name} inherits from {base}, whose fields are not listed but can be set",
                node.lineno,
            )
            self.open = True
        make = {"tyro": self._of_tyro, "transformers": self._parameter}.get(self.library, self._of_yaml)
        found: list[Parameter] = []
        for item in fields:
            if around is not None:
                item = replace(_given(item, around), name=f"{around.name}.{item.name}")
            if self.library == "transformers" or item.nested is None or not _is_plain(item):
                found.append(make(item))
                continue
            inner = self._of_class(*item.nested, item) if not self.open else []
            found += inner
            # These libraries make no object of a class without an argument for it or a default, and forget
            # the values that the default sets as soon as there is an argument.
            made = item.default is not NOTHING or any(one.required for one in inner)
            if self.library in _YAML and (item.given or not made):
                self.open = True
        return found

    def _of_yaml(self, item: ClassField) -> Parameter:
        """Return the parameter of a field whose value is read as YAML."""
        shape = _draccus_words(item.shape) if self.library == "draccus" else item.shape
        missing = item.default is NOTHING
        if item.nested is not None or any(one.name in ("class", "custom") for one in (shape, *shape.items)):
            self.open = True
        found = self._parameter(replace(item, shape=replace(shape, definition=None)))
        item_type = found.item_type if shape.name in ("int", "float", "bool", "choice") else "json"
        # YAML would read some names as another value, such as ON.
        words = found.spelling
        spelling = tuple((value, string_text(word) if value == word else word) for value, word in words)
        return replace(
            found,
            default=None if missing else item.default,
            required=missing,
            nargs=None,
            item_type=item_type,
            spelling=spelling,
        )

    def _of_tyro(self, item: ClassField) -> Parameter:
        """Return the parameter of a field; the script is left to asking if the field is not simple."""
        shape, missing = item.shape, item.default is NOTHING
        several = shape.name in ("list", "tuple")
        items = shape.items if several else (shape,)
        simple = len({one.name for one in items}) == 1 and items[0].name in _SIMPLE
        # tyro keeps the underscores at the ends of a name.
        flag = re.sub(r"(?<=[^._])_+(?=[^._])", lambda found: "-" * len(found[0]), item.name)
        parent, dot, own = flag.rpartition(".")
        if item.extras or not simple or own.startswith("no-"):
            self.open = True
        found = self._parameter(replace(item, shape=replace(shape, definition=None)))
        is_switch = shape.name == "bool" and not shape.optional and not missing
        return replace(
            found,
            flags=(f"--{flag}",),
            off_flags=(f"--{parent}{dot}no-{own}",) if is_switch else (),
            action="boolean_optional" if is_switch else "store",
            nargs="*" if found.nargs == "+" else found.nargs,
            default=None if missing else item.default,
            required=missing,
            spelling=WORDS if items and items[0].name == "bool" else found.spelling,
        )

    def _parameter(self, item: ClassField) -> Parameter:
        if item.computed and item.expression is not None:
            note_computed(self.problems, item.module, item.name, item.expression)
        missing = item.default is NOTHING
        shape, default = _by_value(item.shape, None if missing else item.default)
        if missing and shape.name == "bool" and not shape.optional:
            missing, default = False, False
        several = shape.name in ("list", "tuple")
        given = item.word("choices")
        if isinstance(given, (list, dict)) and not shape.choices and not several:
            words = tuple(map(str, given))
            shape = Shape("choice", choices=tuple(given), words=words, optional=shape.optional)
        one = shape.items[0] if several and shape.items else shape
        spelling: tuple[tuple[object, str], ...] = ()
        if one.name == "choice":
            spelling = tuple(zip(one.choices, one.words, strict=True))
        elif one.name == "bool":
            # transformers converts the items of a list by `bool`, for which only an empty text is false.
            no = "" if several and self.library == "transformers" else "false"
            spelling = ((True, "true"), (False, no))
        elif one.name in ("union", "any", "custom"):
            spelling = WORDS
        return Parameter(
            name=item.name,
            type="list" if several else shape.shown,
            default=default,
            flags=(f"--{item.name}",),
            choices=None if several else shape.choices or None,
            help=item.help,
            group=item.name.rpartition(".")[0],
            required=missing,
            nargs=(len(shape.items) if shape.name == "tuple" else "+") if several else None,
            item_type="truth" if one.name == "bool" else one.item_type,
            line=item.line,
            spelling=spelling,
            file="" if item.module.main else item.module.name,
            shape=shape,
            computed=item.computed,
        )

    def _files(self) -> list[Parameter]:
        """Return the parameter that names a file with values, if the script reads one."""
        key = "config" if self.name == _TRL else "config_path" if self.library in _YAML else ""
        if key:
            about = "YAML file with values; other arguments override them"
            return [Parameter(key, "path", None, (f"--{key}",), help=about, item_type="path")]
        if self.reads_file:
            about = f"{self.reads_file} file with all values, passed as the only argument"
            return [Parameter("config_file", "path", None, help=about, positional=True, item_type="path")]
        return []

    def _plain(self) -> ScriptParameters | None:
        """Return the arguments that `add_argument` declares in addition to the dataclasses."""
        nodes = nodes_of(self.project.main.tree)
        adds = any(isinstance(node, ast.Attribute) and node.attr == "add_argument" for node in nodes)
        if self.library != "transformers" or not adds:
            return None
        return argparse_reading.read(self.project) or argparse_reading.read_uncalled(self.project)


def _given(item: ClassField, around: ClassField) -> ClassField:
    """Return a field with the value that the default of the field around it sets: `C(lr=1)`."""
    node = around.given.get(item.name)
    if node is None:
        return item
    item = replace(item, module=around.module, line=node.lineno)
    return with_default(item, around.module, node) or item


def _is_plain(item: ClassField) -> bool:
    """Return whether a field always holds the class of its annotation, with known values by default."""
    shape, default = item.shape, item.words.get("default", item.expression)
    if shape.definition is None or item.nested is None or item.nested[1] is not shape.definition[1]:
        return False
    if shape.optional or item.extras or item.computed or not isinstance(default, (ast.Call, type(None))):
        return False
    parts = list(ast.walk(default)) if default is not None else []
    return not any(
        isinstance(one, ast.Starred) or (isinstance(one, ast.keyword) and one.arg is None) for one in parts
    )


def _draccus_words(shape: Shape) -> Shape:
    """Return a type with the words that draccus reads as the members of an enumeration: it prefers values."""
    words = shape.words
    if shape.name == "choice" and shape.definition is not None:
        members = enum_members(*shape.definition)
        words = tuple(
            json.dumps(value) if any(name == one and name != other for other, one in members) else name
            for name, value in members
        )
    return replace(shape, items=tuple(map(_draccus_words, shape.items)), words=words)


def _by_value(shape: Shape, default: object) -> tuple[Shape, object]:
    """Return the type and default of an enumeration by its values instead of its names."""
    if shape.name == "choice" and shape.definition is not None:
        if isinstance(default, str):
            default = dict(enum_members(*shape.definition)).get(default, default)
        shape = enum_values(shape)
    return shape, default
