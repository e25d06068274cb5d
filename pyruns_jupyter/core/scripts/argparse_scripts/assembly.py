"""One parser from its arguments and subcommands, however they were found."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyruns_jupyter.core.scripts.model import Exclusive, Parameter, Parser, Subcommands

SWITCHES = ("store_true", "store_false", "boolean_optional")
_LISTS = ("append", "append_const", "extend")


def is_list(action: str, nargs: Any, separator: str) -> bool:
    """Return whether the value of an argument is a list."""
    many = nargs in ("*", "+", "...") or (isinstance(nargs, int) and not isinstance(nargs, bool))
    return many or action in _LISTS or bool(separator)


def shown_type(action: str, nargs: Any, item: str, separator: str, choices: Any, default: Any) -> str:
    """Return the type of an argument that a form shows."""
    if action in (*SWITCHES, "custom_flag"):
        return "bool"
    if action == "count":
        return "int"
    if is_list(action, nargs, separator):
        return "list"
    if action == "store_const" and isinstance(default, bool):
        return "bool"
    if choices is not None:
        return "choice"
    return "bool" if item == "truth" else item if item in ("int", "float", "bool", "path") else "str"


def parser_of(
    parameters: Iterable[Parameter],
    exclusive: tuple[Exclusive, ...],
    keys: tuple[str, ...],
    subcommands: Callable[[Container[str]], Subcommands] | None,
    choice_at: int,
    **options: Any,
) -> Parser:
    """Return a parser below `keys`; several options with one name become one parameter.

    `subcommands` makes those that do not have one of the given keys, and `choice_at` is the place of their
    choice. `options` are other fields of the parser.
    """
    found: dict[str, Parameter] = {}
    for one in parameters:
        first = found.setdefault(one.name, one)
        if first is not one and not first.positional and not one.positional:
            again = replace(one, default=first.default)
            found[one.name] = replace(first, also=(*first.also, again))
    commands = subcommands(found) if subcommands is not None else None
    listed = [
        replace(_narrowed(one), name=".".join((*keys, name)), scope=keys) for name, one in found.items()
    ]
    if commands is not None:
        listed.insert(choice_at, commands.choice)
    return Parser(tuple(listed), exclusive, commands, **options)


def subcommands_of(
    choice: Parameter,
    commands: Mapping[str, str],
    make: Callable[[str, tuple[str, ...]], Parser],
    aliases: Mapping[str, str],
    taken: Container[str],
    keys: tuple[str, ...],
) -> Subcommands:
    """Return subcommands with keys that are not `taken`; `make` returns a parser for a name and its keys.

    `choice` has the name, help, group and place of their choice; `commands` are the help texts by name.
    """
    key = choice.name or "command"
    while key in taken:
        key = f"sub{key}"
    below: dict[str, str] = {}
    parsers: dict[str, Parser] = {}
    for name in commands:
        below[name] = name
        while below[name] in taken or below[name] == key:
            below[name] += "_command"
        parsers[name] = make(name, (*keys, below[name]))
    for alias, name in aliases.items():
        if name in parsers:
            parsers[alias], below[alias] = parsers[name], below[name]
    choice = replace(
        choice,
        name=".".join((*keys, key)),
        type="choice",
        default=next(iter(parsers), None) if choice.required else None,
        choices=tuple(parsers),
        help=choice.help or "; ".join(f"{name}: {text}" for name, text in commands.items() if text),
        positional=True,
        nargs="A...",
        action="subcommand",
        scope=keys,
    )
    return Subcommands(choice, parsers, below)


def together(parsers: Sequence[Parser], *, is_open: bool) -> Parser:
    """Return one parser for several that read the same command line one after the other."""
    found: dict[str, Parameter] = {}
    for parser in parsers:
        for parameter in parser.parameters:
            found.setdefault(parameter.name, parameter)
    return replace(
        parsers[-1],
        parameters=tuple(found.values()),
        exclusive=tuple(group for parser in parsers for group in parser.exclusive),
        subcommands=next((one.subcommands for one in parsers if one.subcommands is not None), None),
        open=is_open,
    )


def _narrowed(parameter: Parameter) -> Parameter:
    """Return the parameter that a form shows for several arguments with one dest."""
    every = (parameter, *parameter.also)
    if len(every) == 1:
        return parameter
    parameter = replace(parameter, required=any(one.required for one in every))
    if not all(one.action in ("store_const", "store_true", "store_false") for one in every):
        return parameter
    if {True, False} >= {one.const for one in every if isinstance(one.const, (bool, str, int))}:
        return replace(parameter, type="bool")
    unique: list[Any] = []
    for value in (parameter.default, *(one.const for one in every)):
        if value is not None and value not in unique:
            unique.append(value)
    return replace(parameter, type="choice", choices=tuple(unique))
