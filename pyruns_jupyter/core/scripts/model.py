"""What is known about the parameters of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .types import Shape


@dataclass(frozen=True)
class Problem:
    """Something in the source that could not be understood; `line` counts from 1 (0: the whole file).

    `file` names another file of the project than the script, where `line` is; its message names it too.
    """

    message: str
    line: int
    file: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a script.

    `name` is its key in a configuration (the dest of argparse, or a dotted key). `type` is int, float, str,
    bool, list, choice, path or none, as a form shows it; `item_type` is how the script converts one word:
    int, float, str, bool (Python's `bool`), truth (words for true and false), path, json, literal (a Python
    literal) or custom. `separator` splits one word into a list of items. `spelling` holds the values that
    are written otherwise than their text, with their words. `nargs` and `action` are those of argparse.
    `default` is None too when it cannot be told; then `computed` is true. `suppressed`: without the argument
    the script has no such value at all. `scope` holds the subcommands that it belongs to, outermost first.
    `line` is in the script, or in `file` of its project. `off_flags` switch a boolean off. `shape` says more
    exactly than `type` what a value has to look like, where a framework tells. `also` holds further arguments
    that set the same value.
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
    """Arguments, by their keys, of which at most one may be given, and one has to be when `required`."""

    keys: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class Subcommands:
    """The subcommands of a parser: `choice` is the parameter that names one, `parsers` those of each name.

    `keys` are the configuration's keys below which the parameters of a subcommand lie.
    """

    choice: Parameter
    parsers: Mapping[str, Parser]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Parser:
    """What one parser of argparse takes, without the parameters of its subcommands.

    The positionals are in the order of their words; the choice of a subcommand is one of them. `open` tells
    that it may take more than is listed.
    """

    parameters: tuple[Parameter, ...] = ()
    exclusive: tuple[Exclusive, ...] = ()
    subcommands: Subcommands | None = None
    prefix_chars: str = "-"
    fromfile_chars: str = ""
    allow_abbrev: bool = True
    open: bool = False

    @cached_property
    def by_key(self) -> dict[str, Parameter]:
        """The parameters by key, and by their long flags where no key is in the way."""
        found = {parameter.key: parameter for parameter in self.parameters}
        for parameter in self.parameters:
            for flag in (flag for one in (parameter, *parameter.also) for flag in one.flags):
                if len(flag) > 2 and flag[0] == flag[1]:
                    found.setdefault(flag[2:], parameter)
        return found

    @cached_property
    def flags(self) -> frozenset[str]:
        """All flags, with those that argparse adds."""
        flags = {flag for one in self.parameters for each in (one, *one.also) for flag in each.flags}
        for one in self.parameters:
            if one.action == "boolean_optional":
                flags |= {f"--no-{flag[2:]}" for flag in one.flags if flag.startswith("--")}
        prefix = "-" if "-" in self.prefix_chars else self.prefix_chars[:1]
        return frozenset(flags | {f"{prefix}h", f"{prefix * 2}help"})

    @cached_property
    def exclusive_keys(self) -> frozenset[str]:
        """The keys of which not all may be given."""
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
    """What a script takes.

    `kind` is argparse, load (a YAML configuration), click, typer, fire, hydra, dataclass, notebook, command
    (a free command line) or none. `open` tells that it may take more than is listed. `config_file` is the
    path that it gives to `load`. `parser` holds what argparse needs beyond the list.
    `library` is the one that parses the arguments, where `kind` leaves that open; `details` is what
    the module that writes the words of such a script needs beyond the list. `idle` tells that running the
    script does nothing; it is one of the problems, too.
    """

    kind: str
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Problem, ...] = ()
    open: bool = False
    config_file: str | None = None
    names: frozenset[str] = field(default=frozenset(), repr=False)
    parser: Parser | None = field(default=None, repr=False)
    library: str = ""
    details: Any = field(default=None, repr=False, compare=False)
    idle: Problem | None = None

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Other ways to write the names of parameters: as their long flags are written."""
        found: dict[str, str] = {}
        for parameter in self.parameters:
            scope = parameter.name.removesuffix(parameter.key)
            for flag in parameter.flags:
                if flag.startswith("--") and len(flag) > 2:
                    found.setdefault(f"{scope}{flag[2:]}", parameter.name)
        for parameter in self.parameters:
            found.pop(parameter.name, None)
        return found
