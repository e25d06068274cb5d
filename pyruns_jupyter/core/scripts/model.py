"""Data classes for the parameters of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .types import Shape

if TYPE_CHECKING:
    from .source.modules import Module

_MAX_PROBLEMS = 200


@dataclass(frozen=True)
class Problem:
    """Source code that could not be analyzed; `line` counts from 1 (0: the whole file).

    `file` names another file of the project than the script, where `line` is; its message names it too.
    """

    message: str
    line: int
    file: str = ""


class Problems(list[Problem]):
    """The problems of a script, each of them once."""

    def add(self, module: Module, message: str, line: int) -> None:
        """Add a problem in a line of a file; `message` has no full stop."""
        problem = module.problem(message, line)
        if len(self) < _MAX_PROBLEMS and problem not in self:
            self.append(problem)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a script.

    `name` is its key in a configuration (the dest of argparse, or a dotted key). `type` is int, float, str,
    bool, list, choice, path or none, as a form shows it; `item_type` is how the script converts one
    argument: int, float, str, bool (Python's `bool`), truth (names for true and false), path, json, literal
    (a Python literal) or custom. `separator` splits one argument into a list of items. `spelling` holds
    values with a special spelling on the command line. `nargs` and `action` are those of argparse.
    `default` is also None when it is unknown; then `computed` is true. A `computed` parameter that has a
    default is always passed: without the argument, the script may have another value. `suppressed`: without
    the argument the script does not set the value. `scope` holds the subcommands that it belongs to,
    outermost first. `line` is in the script, or in `file` of its project. `off_flags` switch a boolean off.
    `shape` is a more precise type, if the framework declares one. `also` holds other arguments that set the
    same value.
    """

    name: str
    type: str = "str"
    default: Any = None
    flags: tuple[str, ...] = ()
    choices: tuple[Any, ...] | None = None
    help: str = ""
    group: str = ""
    required: bool = False
    positional: bool = False
    nargs: str | int | None = None
    action: str = "store"
    const: Any = None
    item_type: str = "str"
    line: int = 0
    separator: str = ""
    spelling: tuple[tuple[Any, str], ...] = ()
    metavar: str = ""
    computed: bool = False
    suppressed: bool = False
    scope: tuple[str, ...] = ()
    file: str = ""
    off_flags: tuple[str, ...] = ()
    shape: Shape | None = None
    also: tuple[Parameter, ...] = ()

    @property
    def flag(self) -> str:
        """The first long flag, else the first flag; "" for a positional."""
        long = [flag for flag in self.flags if len(flag) > 2 and flag[0] == flag[1]]
        return (long or [*self.flags, ""])[0]

    @property
    def key(self) -> str:
        """The key within its subcommand: the name without the subcommands' names."""
        return self.name[sum(len(one) + 1 for one in self.scope) :] if self.scope else self.name


@dataclass(frozen=True)
class Exclusive:
    """Arguments, by their keys, of which at most one may be set, and exactly one when `required`."""

    keys: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class Subcommands:
    """The subcommands of a parser: `choice` is the parameter that names one, `parsers` those of each name.

    `keys` are the configuration's keys that contain the parameters of a subcommand.
    """

    choice: Parameter
    parsers: Mapping[str, Parser]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Parser:
    """The parameters of one argparse parser, without those of its subcommands.

    The positionals are in command-line order, the choice of a subcommand among them. `open` means that the
    parser may accept more than is listed. `extra_style` is how the script reads keys that are not listed:
    dotlist (`key=value`), pairs (`KEY value`) or "" (as options); `extra_key` is the parameter that collects
    them, if any.
    """

    parameters: tuple[Parameter, ...] = ()
    exclusive: tuple[Exclusive, ...] = ()
    subcommands: Subcommands | None = None
    prefix_chars: str = "-"
    fromfile_chars: str = ""
    allow_abbrev: bool = True
    open: bool = False
    extra_style: str = ""
    extra_key: str = ""

    @cached_property
    def by_key(self) -> dict[str, Parameter]:
        """The parameters by key, and by long flag where that is not a key."""
        found = {parameter.key: parameter for parameter in self.parameters}
        for parameter in self.parameters:
            for flag in (flag for one in (parameter, *parameter.also) for flag in one.flags):
                if len(flag) > 2 and flag[0] == flag[1]:
                    found.setdefault(flag[2:], parameter)
        return found

    @cached_property
    def flags(self) -> frozenset[str]:
        """All flags, with those that argparse adds."""
        every = [each for one in self.parameters for each in (one, *one.also)]
        flags = {flag for one in every for flag in (*one.flags, *one.off_flags)}
        for one in self.parameters:
            if one.action == "boolean_optional":
                flags |= {f"--no-{flag[2:]}" for flag in one.flags if flag.startswith("--")}
        prefix = "-" if "-" in self.prefix_chars else self.prefix_chars[:1]
        return frozenset(flags | {f"{prefix}h", f"{prefix * 2}help"})

    @cached_property
    def exclusive_keys(self) -> frozenset[str]:
        """The keys of mutually exclusive arguments."""
        return frozenset(key for group in self.exclusive for key in group.keys)

    def everything(self) -> Iterator[Parameter]:
        """Yield all parameters, those of a subcommand after the choice of it."""
        yield from self.parameters
        if self.subcommands is not None:
            seen: list[Parser] = []
            for parser in self.subcommands.parsers.values():
                if not any(parser is one for one in seen):
                    seen.append(parser)
                    yield from parser.everything()


@dataclass(frozen=True)
class ScriptParameters:
    """The parameters of a script.

    `kind` is argparse, load (a YAML configuration), click, typer, fire, hydra, dataclass, absl,
    configurator, omegaconf, notebook, command (a free command line) or none. `open` means that it may
    accept more than is listed. `config_file` is the path that it passes to `load`. `parser` holds what
    argparse needs in addition to the list. `library` is the one that parses the arguments, where `kind`
    does not say it; `details` is what the `argv` module of this kind needs in addition to the list. `idle`
    is the problem that running the script has no effect; it is also in `problems`. `relative` is the number
    of leading dots of the script's imports: if there are any, it can only be started as a module of its
    package.
    """

    kind: str
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Problem, ...] = ()
    open: bool = False
    config_file: str | None = None
    parser: Parser | None = field(default=None, repr=False)
    library: str = ""
    details: Any = field(default=None, repr=False, compare=False)
    idle: Problem | None = None
    relative: int = 0

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Other spellings of parameter names: those of their long flags."""
        found: dict[str, str] = {}
        for parameter in self.parameters:
            scope = parameter.name.removesuffix(parameter.key)
            for flag in parameter.flags:
                if flag.startswith("--") and len(flag) > 2:
                    found.setdefault(f"{scope}{flag[2:]}", parameter.name)
        for parameter in self.parameters:
            found.pop(parameter.name, None)
        return found
