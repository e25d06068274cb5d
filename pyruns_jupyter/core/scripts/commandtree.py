"""Scripts with subcommands: a tree of commands, each with its parameters and configuration keys.

The key `command` chooses a command; its parameters are below its name: `command: train`,
`train: {lr: 0.1}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .bind_values import Filled, unknown_key
from .model import Parameter, Problem, ScriptParameters
from .types import Shape

COMMAND = "command"


@dataclass
class ScriptCommand:
    """One command. `commands` are those below it; `required` says that one of them has to be chosen, `chain`
    that several may be. `open` says that it accepts parameters that are not listed."""

    name: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    commands: dict[str, ScriptCommand] = field(default_factory=dict)
    required: bool = True
    chain: bool = False
    open: bool = False
    help: str = ""
    line: int = 0

    @property
    def choice_key(self) -> str:
        """The key that chooses a command."""
        taken = {parameter.name for parameter in self.parameters}
        key = COMMAND
        while key in taken or key in self.commands:
            key = f"sub{key}"
        return key

    def key_of(self, name: str) -> str:
        """Return the key that contains the parameters of the command `name`."""
        taken = {parameter.name for parameter in self.parameters}
        key = name
        while key in taken:
            key = f"{key}_command"
        return key


def flattened(command: ScriptCommand, scope: tuple[str, ...] = ()) -> Iterator[Parameter]:
    """Yield the parameters of a command and of those below it, under dotted names.

    `scope` holds the keys that contain the command.
    """
    group = ".".join(scope)
    prefix = f"{group}." if scope else ""
    for parameter in command.parameters:
        name = f"{prefix}{parameter.name}"
        yield replace(parameter, name=name, group=parameter.group or group, scope=scope)
    if not command.commands:
        return
    names = tuple(command.commands)
    chosen = names[0] if command.required and not command.chain else None
    yield Parameter(
        name=f"{prefix}{command.choice_key}",
        type="list" if command.chain else "choice",
        default=chosen,
        choices=names,
        help="; ".join(
            f"{name}: {one.help.rstrip('.')}" for name, one in command.commands.items() if one.help
        ),
        group=group,
        required=command.required,
        positional=True,
        action="command",
        line=command.line,
        scope=scope,
        shape=Shape("choice", choices=names, words=names),
    )
    for name, one in command.commands.items():
        yield from flattened(one, (*scope, command.key_of(name)))


def script_of(kind: str, command: ScriptCommand, problems: Iterable[Problem]) -> ScriptParameters:
    """Return the parameters of a script that runs a command."""
    return ScriptParameters(
        kind,
        tuple(flattened(command)),
        tuple(dict.fromkeys(problems)),
        is_open(command),
        details=command,
    )


def scopes(command: ScriptCommand, prefix: str = "") -> Iterator[str]:
    """Yield the keys that contain the parameters of commands."""
    for name, one in command.commands.items():
        key = f"{prefix}{command.key_of(name)}"
        yield key
        yield from scopes(one, f"{key}.")


def is_open(command: ScriptCommand) -> bool:
    """Return whether the command or one below it accepts parameters that are not listed."""
    return command.open or any(is_open(one) for one in command.commands.values())


def chosen_commands(
    command: ScriptCommand, values: Mapping[str, Any], filled: Filled, prefix: str
) -> list[str]:
    """Return the names of the commands that a configuration chooses; errors are recorded in `filled`."""
    key = f"{prefix}{command.choice_key}"
    value = values.get(key)
    names = value if isinstance(value, list) else [] if value is None else [value]
    if not names and command.required:
        filled.refuse(key, f"{key} is required. Choose one of {', '.join(command.commands)}.")
    if len(names) > 1 and not command.chain:
        filled.refuse(key, "only one command can be chosen")
    known = []
    for name in names:
        if isinstance(name, str) and name in command.commands:
            known.append(name)
        else:
            filled.refuse(key, f"expected one of {', '.join(command.commands)}, got {name!r}")
    return known


def own_extra(
    command: ScriptCommand, extra: Mapping[str, Any], filled: Filled, prefix: str
) -> dict[str, Any]:
    """Return the unlisted values for this command; an error for each that it does not accept."""
    below = [f"{prefix}{command.key_of(name)}." for name in command.commands]
    mine = {
        key[len(prefix) :]: value
        for key, value in extra.items()
        if key.startswith(prefix) and not any(key.startswith(one) for one in below)
    }
    if mine and not command.open:
        names = [parameter.name for parameter in flattened(command, tuple(prefix.split(".")[:-1]))]
        for key in mine:
            filled.refuse(f"{prefix}{key}", unknown_key(f"{prefix}{key}", names))
        return {}
    return mine
