"""Models of argparse parsers, and the effect of the script's calls on them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Problem
from pyruns_jupyter.core.scripts.source.files import dotted_name, text_of
from pyruns_jupyter.core.scripts.source.functions import keywords
from pyruns_jupyter.core.scripts.source.modules import Module
from pyruns_jupyter.core.scripts.source.objects import (
    UNKNOWN,
    ClassRef,
    External,
    Method,
    Scope,
    Unknown,
)

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.tracing import Tracer

ADDING = ("add_argument", "add_argument_group", "add_mutually_exclusive_group")
_CHANGEABLE = ("default", "choices", "help", "required", "nargs", "const")  # of an argument, later
_MAX_PROBLEMS = 200
_COMPLETE = ("argparse.", "configargparse.")  # parsers without arguments of their own
_HARMLESS = ("builtins.", "argcomplete.", "sys.", "logging.")


class Finished(Exception):
    """The script has parsed its arguments: the code after that declares none."""


@dataclass(eq=False)
class ArgumentAction:
    """One declared argument, with the keyword arguments of its declaration."""

    flags: tuple[str, ...]
    words: dict[str, Any]
    group: str
    module: Module
    line: int
    nodes: dict[str, ast.expr] = field(default_factory=dict)


@dataclass(eq=False)
class ExclusiveObject:
    """A mutually exclusive group."""

    required: bool
    actions: list[ArgumentAction] = field(default_factory=list)


@dataclass(frozen=True)
class Parse:
    """A call that parses the command line: it may contain unknown arguments (`known`), or some were
    removed before (`rest`)."""

    known: bool
    rest: bool
    module: Module
    line: int


@dataclass(eq=False)
class ParserObject:
    """A parser. `implied`: only its use was seen, not its creation."""

    module: Module
    line: int
    cls: ClassRef | None = None
    implied: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    actions: list[ArgumentAction] = field(default_factory=list)
    exclusives: list[ExclusiveObject] = field(default_factory=list)
    defaults: dict[str, tuple[Any, str, Module, int]] = field(default_factory=dict)
    argument_default: Any = None
    prefix_chars: str = "-"
    fromfile_chars: str = ""
    allow_abbrev: bool = True
    resolves: bool = False
    subparsers: SubparsersObject | None = None
    open: bool = False
    used: bool = False
    doubt: int = 0
    parsed: list[Parse] = field(default_factory=list)
    help: str = ""


@dataclass(eq=False)
class GroupObject:
    """An argument group, possibly a mutually exclusive one."""

    parser: ParserObject
    title: str = ""
    exclusive: ExclusiveObject | None = None


@dataclass(eq=False)
class SubparsersObject:
    """The subcommands of a parser."""

    parser: ParserObject
    action: ArgumentAction
    parsers: dict[str, ParserObject] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def text_or_empty(value: Any) -> str:
    """Return a string, "" for anything else."""
    return value if isinstance(value, str) else ""


class ParserMethods:
    """The effects of the methods of parsers."""

    tracer: Tracer

    def __init__(self) -> None:
        self.parsers: list[ParserObject] = []
        self.problems: list[Problem] = []
        self._implied: dict[tuple[int, str], ParserObject] = {}

    def problem(self, module: Module, message: str, line: int) -> None:
        """Record a problem: code that could not be analyzed."""
        problem = module.problem(message, line)
        if len(self.problems) < _MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)

    def leave_open(self) -> None:
        """Record that any parser may accept more arguments than the detected ones."""
        for parser in self.parsers:
            parser.open = True

    # The interface that the tracer uses

    def is_parser(self, value: Any) -> bool:
        """Return whether a value is one of these objects."""
        return isinstance(value, (ParserObject, GroupObject, SubparsersObject, ArgumentAction))

    def attribute(self, owner: Any, name: str) -> Any:
        """Return an attribute of a parser."""
        if isinstance(owner, ParserObject):
            if name in owner.attributes:
                return owner.attributes[name]
            if owner.cls is not None:
                value = self.tracer.class_attribute(owner.cls, name, owner)
                if value is not UNKNOWN:
                    return value
            if name == "prefix_chars":
                return owner.prefix_chars
        if isinstance(owner, GroupObject) and name == "title":
            return owner.title
        return Method(owner, name) if hasattr(self, f"do_{name}") else UNKNOWN

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a parser, or of an argument that was declared."""
        if isinstance(owner, ParserObject):
            owner.attributes[name] = value
        elif isinstance(owner, ArgumentAction) and name in _CHANGEABLE:
            owner.words[name] = UNKNOWN if self.tracer.doubt else value

    def call(
        self, method: Method, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """Apply a method of a parser."""
        function = getattr(self, f"do_{method.name}", None)
        return UNKNOWN if function is None else function(method.owner, arguments, words, node, scope)

    def external(
        self, callee: External, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """Return the effect on parsers of a call to code outside the project; None: no effect."""
        if is_parser_class(callee):
            parser = self._new(scope.module, node.lineno)
            parser.implied = callee.short.endswith("HfArgumentParser")
            parser.open = not callee.name.startswith(_COMPLETE) and not parser.implied
            if parser.open:
                self.problem(
                    scope.module, f"{callee.name} may have arguments that are not listed", node.lineno
                )
            self._configure(parser, arguments, words, node, scope)
            return parser
        if any(isinstance(one, (ParserObject, GroupObject)) for one in (*arguments, *words.values())):
            return self.stranger(callee, arguments, words, node, scope)
        return None

    def subclass(
        self, cls: ClassRef, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> ParserObject | None:
        """Return a new parser when a class of the project is one."""
        ancestors = list(self.tracer.ancestors(cls))
        kind = next((one for one in ancestors if isinstance(one, External) and is_parser_class(one)), None)
        if kind is None:
            return None
        parser = self._new(scope.module, node.lineno)
        parser.cls = cls
        parser.open = not kind.name.startswith(_COMPLETE)
        if self.tracer.class_attribute(cls, "__init__", parser) is UNKNOWN:
            self._configure(parser, arguments, words, node, scope)
        return parser

    def stranger(
        self, callee: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """Mark a parser as open: it is passed to code that could not be resolved."""
        name = callee.name if isinstance(callee, External) else ""
        if name.startswith(_HARMLESS):
            return None
        found: Any = UNKNOWN
        for one in (*arguments, *words.values()):
            if isinstance(one, GroupObject):
                one = one.parser
            if isinstance(one, ParserObject) and not isinstance(callee, ParserObject):
                shown = text_of(node.func)
                self.problem(scope.module, f"{shown} may declare arguments that are not listed", node.lineno)
                one.open = True
                found = one
        return found

    def implied(self, node: ast.Attribute, scope: Scope) -> Method | None:
        """Return the method of a parser whose creation was not seen."""
        text = dotted_name(node.value)
        if node.attr not in (*ADDING, "set_defaults") or text is None:
            return None
        if not isinstance(self.tracer.evaluate(node.value, scope), Unknown):
            return None
        key = (id(scope) if isinstance(node.value, ast.Name) else id(scope.module), text)
        parser = self._implied.get(key)
        if parser is None:
            parser = self._implied[key] = self._new(scope.module, node.lineno)
            parser.implied = True
        self.tracer.assign(node.value, parser, scope)
        return Method(parser, node.attr)

    # Methods

    def _new(self, module: Module, line: int) -> ParserObject:
        parser = ParserObject(module, line, doubt=self.tracer.doubt)
        self.parsers.append(parser)
        return parser

    def do___init__(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> None:
        """`ArgumentParser.__init__`."""
        if isinstance(owner, ParserObject):
            self._configure(owner, arguments, words, node, scope)

    def _configure(
        self,
        parser: ParserObject,
        arguments: list[Any],
        words: dict[str, Any],
        node: ast.Call,
        scope: Scope,
    ) -> None:
        names = ("prog", "usage", "description", "epilog", "parents", "formatter_class", "prefix_chars")
        words = {**dict(zip(names, arguments, strict=False)), **words}
        parents = words.get("parents", [])
        for parent in parents if isinstance(parents, (list, tuple)) else [UNKNOWN]:
            if isinstance(parent, ParserObject):
                _inherit(parser, parent)
            else:
                parser.open = True
                self.problem(scope.module, "A parent of the parser could not be resolved", node.lineno)
        parser.prefix_chars = text_or_empty(words.get("prefix_chars")) or "-"
        parser.fromfile_chars = text_or_empty(words.get("fromfile_prefix_chars"))
        parser.allow_abbrev = words.get("allow_abbrev", True) is not False
        parser.resolves = words.get("conflict_handler") == "resolve"
        parser.argument_default = words.get("argument_default")

    def do_add_argument(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`add_argument` of a parser or a group."""
        parser = owner.parser if isinstance(owner, GroupObject) else owner
        if not isinstance(parser, ParserObject):
            return UNKNOWN
        module, line = scope.module, node.lineno
        if "**" in words:
            self.problem(module, "An argument is declared with **, which could not be resolved", line)
        if not arguments and isinstance(words.get("dest"), str):
            arguments = [words["dest"]]
        if not arguments or not all(isinstance(flag, str) and flag for flag in arguments):
            self.problem(
                module, "The name of an argument is computed. It is not listed but can be set as a key", line
            )
            parser.open = True
            return UNKNOWN
        nodes = keywords(node)
        title = owner.title if isinstance(owner, GroupObject) else ""
        action = ArgumentAction(tuple(arguments), dict(words), title, module, line, nodes)
        if self.tracer.doubt > parser.doubt:
            if not all(module.project.writes(flag) for flag in arguments):
                self.problem(
                    module,
                    "The name of an argument depends on a condition that could not be evaluated. It is not "
                    "listed but can be set as a key",
                    line,
                )
                parser.open = True
                return UNKNOWN
            action.words["required"] = False
            self.problem(
                module,
                f"{arguments[0]} is declared under a condition that could not be evaluated. It may not exist",
                line,
            )
        if parser.resolves:
            self.tracer.steps -= len(parser.actions) // 10
            for other in parser.actions:
                other.flags = tuple(flag for flag in other.flags if flag not in action.flags)
            parser.actions = [other for other in parser.actions if other.flags]
        parser.actions.append(action)
        if isinstance(owner, GroupObject) and owner.exclusive is not None:
            owner.exclusive.actions.append(action)
        return action

    do_add_arg = do_add = do_add_argument  # of configargparse

    def do_add_argument_group(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`add_argument_group`."""
        parser = owner.parser if isinstance(owner, GroupObject) else owner
        if not isinstance(parser, ParserObject):
            return UNKNOWN
        title = text_or_empty(words.get("title", arguments[0] if arguments else ""))
        return GroupObject(parser, title)

    def do_add_mutually_exclusive_group(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`add_mutually_exclusive_group`."""
        parser = owner.parser if isinstance(owner, GroupObject) else owner
        if not isinstance(parser, ParserObject):
            return UNKNOWN
        group = ExclusiveObject(words.get("required") is True)
        parser.exclusives.append(group)
        return GroupObject(parser, owner.title if isinstance(owner, GroupObject) else "", group)

    def do_add_subparsers(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`add_subparsers`."""
        if not isinstance(owner, ParserObject):
            return UNKNOWN
        if owner.subparsers is None:
            action = ArgumentAction((), dict(words), "", scope.module, node.lineno)
            owner.actions.append(action)
            owner.subparsers = SubparsersObject(owner, action)
        return owner.subparsers

    def do_add_parser(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`add_parser` of subcommands."""
        if not isinstance(owner, SubparsersObject):
            return UNKNOWN
        made = owner.action.words.get("parser_class")
        name = arguments[0] if arguments else words.get("name", UNKNOWN)
        parser: Any = None
        if isinstance(made, ClassRef):
            inner = {key: value for key, value in words.items() if key not in ("name", "aliases", "help")}
            parser = self.tracer.call(made, [], inner, node, scope)
        if not isinstance(parser, ParserObject):
            parser = self._new(scope.module, node.lineno)
            self._configure(parser, [], words, node, scope)
        parser.used = True
        parser.help = text_or_empty(words.get("help"))
        if not isinstance(name, str) or not name:
            self.problem(
                scope.module,
                "The name of a subcommand is computed. The subcommand is not listed",
                node.lineno,
            )
            return parser
        owner.parsers[name] = parser
        aliases = words.get("aliases", ())
        for alias in aliases if isinstance(aliases, (list, tuple)) else ():
            if isinstance(alias, str):
                owner.aliases[alias] = name
        return parser

    def do_set_defaults(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> None:
        """`set_defaults`."""
        parser = owner.parser if isinstance(owner, GroupObject) else owner
        if not isinstance(parser, ParserObject):
            return
        texts = {keyword.arg: text_of(keyword.value) for keyword in node.keywords if keyword.arg}
        if self.tracer.doubt > parser.doubt:
            texts = dict.fromkeys(words, "set under a condition that could not be evaluated")
            words = {name: value if name == "**" else UNKNOWN for name, value in words.items()}
        for name, value in words.items():
            if name == "**" or not isinstance(name, str):
                self.problem(
                    scope.module, "Defaults are set from values that could not be resolved", node.lineno
                )
            else:
                parser.defaults[name] = (value, texts.get(name, ""), scope.module, node.lineno)

    def _parse(self, owner: Any, arguments: list[Any], known: bool, node: ast.Call, scope: Scope) -> None:
        if not isinstance(owner, ParserObject):
            return
        given = arguments[0] if arguments else None
        if isinstance(given, (list, tuple, str)) and UNKNOWN not in given:
            shown = f"{text_of(node.func)} gets its own list of arguments"
            self.problem(scope.module, f"{shown}. It does not read the command line", node.lineno)
            return
        text = text_of(node.args[0]) if node.args else ""
        rest = given is UNKNOWN and not text.startswith("sys.argv")
        owner.parsed.append(Parse(known, rest, scope.module, node.lineno))
        if not known and self.tracer.doubt == 0 and not owner.implied:
            raise Finished

    def do_parse_args(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`parse_args`."""
        self._parse(owner, arguments or list(words.values())[:1], False, node, scope)
        return UNKNOWN

    do_parse_intermixed_args = do_parse = do_parse_args

    def do_parse_known_args(
        self, owner: Any, arguments: list[Any], words: dict[str, Any], node: ast.Call, scope: Scope
    ) -> Any:
        """`parse_known_args`."""
        self._parse(owner, arguments or list(words.values())[:1], True, node, scope)
        return (UNKNOWN, UNKNOWN)

    do_parse_known_intermixed_args = do_parse_known = do_parse_known_args


def is_parser_class(value: External) -> bool:
    """Return whether a name outside the project is a class of parsers like argparse's."""
    return value.short.endswith(("ArgumentParser", "ArgParser"))


def _inherit(parser: ParserObject, parent: ParserObject) -> None:
    parent.used = True
    parser.actions += [action for action in parent.actions if action not in parser.actions]
    parser.exclusives += [ExclusiveObject(group.required, list(group.actions)) for group in parent.exclusives]
    parser.defaults.update(parent.defaults)
    parser.subparsers = parser.subparsers or parent.subparsers
    parser.open = parser.open or parent.open
