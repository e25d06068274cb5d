"""Models of argparse parsers, and the effect of the script's calls on them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pyruns_jupyter.core.scripts.model import Problems
from pyruns_jupyter.core.scripts.source.files import dotted_name, text_of
from pyruns_jupyter.core.scripts.source.functions import keywords
from pyruns_jupyter.core.scripts.source.modules import Module
from pyruns_jupyter.core.scripts.source.objects import (
    UNKNOWN,
    CallSite,
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


class Parse(NamedTuple):
    """A call that parses the command line: it may contain unknown arguments (`known`), or some were
    removed before (`rest`)."""

    known: bool
    rest: bool


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
        self.problems = Problems()
        self._implied: dict[tuple[int, str], ParserObject] = {}

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

    def call(self, method: Method, call: CallSite) -> Any:
        """Apply a method of a parser."""
        function = getattr(self, f"do_{method.name}", None)
        fits = isinstance(method.owner, SubparsersObject) is (method.name == "add_parser")
        fits = fits and not isinstance(method.owner, ArgumentAction)
        return function(method.owner, call) if function is not None and fits else UNKNOWN

    def external(self, callee: External, call: CallSite) -> Any:
        """Return the effect on parsers of a call to code outside the project; None: no effect."""
        if is_parser_class(callee):
            parser = self._new(call)
            parser.implied = callee.short.endswith("HfArgumentParser")
            parser.open = not callee.name.startswith(_COMPLETE) and not parser.implied
            if parser.open:
                self._problem(call, f"{callee.name} may have arguments that are not listed")
            self._configure(parser, call)
            return parser
        if any(isinstance(one, (ParserObject, GroupObject)) for one in call.values):
            return self.stranger(callee, call)
        return None

    def subclass(self, cls: ClassRef, call: CallSite) -> ParserObject | None:
        """Return a new parser when a class of the project is one."""
        ancestors = self.tracer.ancestors(cls)
        kind = next((one for one in ancestors if isinstance(one, External) and is_parser_class(one)), None)
        if kind is None:
            return None
        parser = self._new(call)
        parser.cls = cls
        parser.open = not kind.name.startswith(_COMPLETE)
        if self.tracer.class_attribute(cls, "__init__", parser) is UNKNOWN:
            self._configure(parser, call)
        return parser

    def stranger(self, callee: Any, call: CallSite) -> Any:
        """Mark a parser as open: it is passed to code that could not be resolved."""
        if isinstance(callee, External) and callee.name.startswith(_HARMLESS):
            return None
        found: Any = UNKNOWN
        for one in call.values:
            if isinstance(one, (ParserObject, GroupObject)) and not isinstance(callee, ParserObject):
                found = _parser(one)
                found.open = True
                self._problem(call, f"{text_of(call.node.func)} may declare arguments that are not listed")
        return found

    def implied(self, node: ast.Attribute, scope: Scope) -> Method | None:
        """Return the method of a parser whose creation was not seen."""
        text = dotted_name(node.value)
        if node.attr not in (*ADDING, "set_defaults") or text is None:
            return None
        if not isinstance(self.tracer.evaluate(node.value, scope), Unknown):
            return None
        key = (id(scope) if isinstance(node.value, ast.Name) else id(scope.module), text)
        if key not in self._implied:
            made = ParserObject(scope.module, node.lineno, implied=True, doubt=self.tracer.doubt)
            made.open = True
            self._implied[key] = made
            self.parsers.append(made)
        parser = self._implied[key]
        self.tracer.assign(node.value, parser, scope)
        return Method(parser, node.attr)

    def _problem(self, call: CallSite, message: str) -> None:
        self.problems.add(call.scope.module, message, call.node.lineno)

    def _new(self, call: CallSite) -> ParserObject:
        parser = ParserObject(call.scope.module, call.node.lineno, doubt=self.tracer.doubt)
        self.parsers.append(parser)
        return parser

    # Methods; groups have those of their parsers

    def do___init__(self, owner: ParserObject, call: CallSite) -> None:
        """`ArgumentParser.__init__`."""
        self._configure(owner, call)

    def _configure(self, parser: ParserObject, call: CallSite) -> None:
        names = ("prog", "usage", "description", "epilog", "parents", "formatter_class", "prefix_chars")
        words = {**dict(zip(names, call.arguments, strict=False)), **call.words}
        parents = words.get("parents", [])
        for parent in parents if isinstance(parents, (list, tuple)) else [UNKNOWN]:
            if isinstance(parent, ParserObject):
                _inherit(parser, parent)
            else:
                parser.open = True
                self._problem(call, "A parent of the parser could not be resolved")
        parser.prefix_chars = text_or_empty(words.get("prefix_chars")) or "-"
        parser.fromfile_chars = text_or_empty(words.get("fromfile_prefix_chars"))
        parser.allow_abbrev = words.get("allow_abbrev", True) is not False
        parser.resolves = words.get("conflict_handler") == "resolve"
        parser.argument_default = words.get("argument_default")

    def do_add_argument(self, owner: ParserObject | GroupObject, call: CallSite) -> Any:
        """`add_argument`."""
        parser, words, flags = _parser(owner), call.words, call.arguments
        module, line = call.scope.module, call.node.lineno
        if "**" in words:
            self._problem(call, "An argument is declared with **, which could not be resolved")
        if not flags and isinstance(words.get("dest"), str):
            flags = [words["dest"]]
        if not flags or not all(isinstance(flag, str) and flag for flag in flags):
            self._problem(
                call, "The name of an argument is computed. It is not listed but can be set as a key"
            )
            parser.open = True
            return UNKNOWN
        title = owner.title if isinstance(owner, GroupObject) else ""
        action = ArgumentAction(tuple(flags), dict(words), title, module, line, keywords(call.node))
        if self.tracer.doubt > parser.doubt:
            if not all(module.project.writes(flag) for flag in flags):
                self._problem(
                    call,
                    "The name of an argument depends on a condition that could not be evaluated. It is not "
                    "listed but can be set as a key",
                )
                parser.open = True
                return UNKNOWN
            action.words["required"] = False
            self._problem(
                call,
                f"{flags[0]} is declared under a condition that could not be evaluated. It may not exist",
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

    def do_add_argument_group(self, owner: ParserObject | GroupObject, call: CallSite) -> GroupObject:
        """`add_argument_group`."""
        title = call.words.get("title", call.arguments[0] if call.arguments else "")
        return GroupObject(_parser(owner), text_or_empty(title))

    def do_add_mutually_exclusive_group(
        self, owner: ParserObject | GroupObject, call: CallSite
    ) -> GroupObject:
        """`add_mutually_exclusive_group`."""
        group = ExclusiveObject(call.words.get("required") is True)
        _parser(owner).exclusives.append(group)
        return GroupObject(_parser(owner), owner.title if isinstance(owner, GroupObject) else "", group)

    def do_add_subparsers(self, owner: ParserObject | GroupObject, call: CallSite) -> SubparsersObject:
        """`add_subparsers`."""
        parser = _parser(owner)
        if parser.subparsers is None:
            action = ArgumentAction((), dict(call.words), "", call.scope.module, call.node.lineno)
            parser.actions.append(action)
            parser.subparsers = SubparsersObject(parser, action)
        return parser.subparsers

    def do_add_parser(self, owner: SubparsersObject, call: CallSite) -> ParserObject:
        """`add_parser` of subcommands."""
        made, words = owner.action.words.get("parser_class"), call.words
        name = call.arguments[0] if call.arguments else words.get("name", UNKNOWN)
        own: Any = None
        if isinstance(made, ClassRef):
            inner = {key: value for key, value in words.items() if key not in ("name", "aliases", "help")}
            own = self.tracer.call(made, replace(call, arguments=[], words=inner))
        parser = own if isinstance(own, ParserObject) else self._new(call)
        if parser is not own:
            self._configure(parser, replace(call, arguments=[]))
        parser.used = True
        parser.help = text_or_empty(words.get("help"))
        if not isinstance(name, str) or not name:
            self._problem(call, "The name of a subcommand is computed. The subcommand is not listed")
            return parser
        owner.parsers[name] = parser
        aliases = words.get("aliases", ())
        for alias in aliases if isinstance(aliases, (list, tuple)) else ():
            if isinstance(alias, str):
                owner.aliases[alias] = name
        return parser

    def do_set_defaults(self, owner: ParserObject | GroupObject, call: CallSite) -> None:
        """`set_defaults`."""
        parser, words = _parser(owner), call.words
        texts = {name: text_of(value) for name, value in keywords(call.node).items()}
        if self.tracer.doubt > parser.doubt:
            texts = dict.fromkeys(words, "set under a condition that could not be evaluated")
            words = {name: value if name == "**" else UNKNOWN for name, value in words.items()}
        for name, value in words.items():
            if name == "**":
                self._problem(call, "Defaults are set from values that could not be resolved")
            else:
                parser.defaults[name] = (value, texts.get(name, ""), call.scope.module, call.node.lineno)

    def do_parse_args(self, owner: ParserObject | GroupObject, call: CallSite, known: bool = False) -> Any:
        """`parse_args`."""
        parser, given = _parser(owner), next(iter(call.values), None)
        text = text_of(call.node.args[0]) if call.node.args else ""
        if isinstance(given, (list, tuple, str)) and UNKNOWN not in given:
            shown = f"{text_of(call.node.func)} gets its own list of arguments"
            self._problem(call, f"{shown}. It does not read the command line")
        else:
            rest = given is UNKNOWN and not text.startswith("sys.argv")
            parser.parsed.append(Parse(known, rest))
            if not known and self.tracer.doubt == 0 and not parser.implied:
                raise Finished
        return (UNKNOWN, UNKNOWN) if known else UNKNOWN

    do_parse_intermixed_args = do_parse = do_parse_args

    def do_parse_known_args(self, owner: ParserObject | GroupObject, call: CallSite) -> Any:
        """`parse_known_args`."""
        return self.do_parse_args(owner, call, known=True)

    do_parse_known_intermixed_args = do_parse_known = do_parse_known_args


def _parser(owner: ParserObject | GroupObject) -> ParserObject:
    return owner.parser if isinstance(owner, GroupObject) else owner


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
