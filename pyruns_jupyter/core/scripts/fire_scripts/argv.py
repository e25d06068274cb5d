"""The command-line arguments of a fire script for one configuration: `--key=VALUE` with Python literals.

null is passed as None when the default is another value. A null key is omitted when its default is unknown,
and, unless defaults are passed, so is a key that has its default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import Filled, MismatchError, fill, is_left_out
from pyruns_jupyter.core.scripts.commandtree import (
    ScriptCommand,
    chosen_commands,
    flattened,
    own_extra,
    scopes,
)
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters

_SEPARATOR = "-"
# Fire reads these as strings without quotes too; anything else may become a number, a list, an expression.
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[./-][A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_NOT_BARE = ("True", "False", "None")


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    command = script.details
    assert isinstance(command, ScriptCommand)
    filled = fill(list(flattened(command)), config, more=script.open, whole=True, holders=scopes(command))
    return filled.finish(_words(command, filled, "", pass_defaults))


def _words(command: ScriptCommand, filled: Filled, prefix: str, pass_defaults: bool) -> list[str]:
    words: list[str] = []
    own = {f"{prefix}{parameter.name}": parameter for parameter in command.parameters}
    for key, parameter in own.items():
        filled.require(parameter, key)
    # The values of `*args` would fill the omitted parameters before them.
    every = pass_defaults or any(one.positional and filled.values.get(key) for key, one in own.items())
    for key, value in filled.values.items():
        if key in own and not own[key].positional and not is_left_out(own[key], value, every):
            words += filled.word(key, partial(_named, own[key], value))
    for key, parameter in own.items():
        value = filled.values.get(key)
        if parameter.positional and value:
            words += filled.word(key, partial(_positional, own, filled, prefix, value))
    for name, value in own_extra(command, filled.extra, filled, prefix).items():
        words += filled.word(f"{prefix}{name}", partial(_flag, name, value))
    if command.commands:
        for name in chosen_commands(command, filled.values, filled, prefix):
            # Without the separator the constructor could consume the arguments of the method.
            words += [*([_SEPARATOR] if words or own else []), name]
            below = f"{prefix}{command.key_of(name)}."
            words += _words(command.commands[name], filled, below, pass_defaults)
    return words


def _named(parameter: Parameter, value: Any) -> list[str]:
    if value is None and (parameter.default is None or parameter.required):
        return []
    return _flag(parameter.name, value)


def _flag(name: str, value: Any) -> list[str]:
    if not name.isidentifier():
        raise MismatchError("it is not a valid name for a Python parameter")
    return [f"--{name}={literal(value)}"]


def _positional(own: Mapping[str, Parameter], filled: Filled, prefix: str, value: Any) -> list[str]:
    """Return the arguments for `*args`: fire fills the parameters before it first, so these must be set."""
    for key, parameter in own.items():
        if parameter.positional:
            break
        given = filled.values.get(key, None)
        if key not in filled.values or (given is None and parameter.default is None):
            raise MismatchError(f"the script would use its first value for {key}. Set {key} too")
    return [literal(item) for item in (value if isinstance(value, list) else [value])]


def literal(value: object, *, inside: bool = False) -> str:
    """Return the literal that fire reads back as the value; a string `inside` a list is always quoted.

    Raises:
        MismatchError: no literal represents the value.
    """
    if isinstance(value, str):
        if not inside and _BARE.fullmatch(value) and value not in _NOT_BARE:
            return value
        return repr(value)
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        if math.isnan(value):
            raise MismatchError("nan cannot be expressed on the command line of fire")
        return repr(value).replace("inf", "1e999")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item, inside=True) for item in value) + "]"
    if isinstance(value, Mapping):
        pairs = (f"{literal(key, inside=True)}: {literal(item, inside=True)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return repr(str(value))
