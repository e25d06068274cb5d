"""The command-line arguments of a script made with click or typer, for one configuration.

Options come before arguments; an argument that looks like an option is protected by `--`. A parameter is
omitted when it is null or, unless defaults are passed, has its default value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import chain, repeat
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import (
    Filled,
    MismatchError,
    fill,
    is_left_out,
    one_word,
    plain_word,
    same,
)
from pyruns_jupyter.core.scripts.commandtree import (
    ScriptCommand,
    chosen_commands,
    flattened,
    own_extra,
    scopes,
)
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.types import ANY


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    command = script.details
    assert isinstance(command, ScriptCommand)
    filled = fill(list(flattened(command)), config, more=script.open, holders=scopes(command))
    return filled.finish(_words(command, filled, "", pass_defaults))


def _words(command: ScriptCommand, filled: Filled, prefix: str, pass_defaults: bool) -> list[str]:
    options: list[str] = []
    arguments: list[str] = []
    own = {f"{prefix}{parameter.name}": parameter for parameter in command.parameters}
    for key, value in filled.values.items():
        if key not in own or own[key].positional or value is None:
            continue
        if not is_left_out(own[key], value, pass_defaults):
            options += filled.word(key, partial(_option, own[key], value))
    left_out = ""
    for key, parameter in own.items():
        value = filled.values.get(key)
        if parameter.required and value is None:
            filled.refuse(key, f"{key} is required. Set a value.")
        elif not parameter.positional:
            continue
        elif value is None or (value == [] and not parameter.required):
            left_out = left_out or key
        elif left_out:
            filled.refuse(
                key, f"the script would use its value for {left_out}, which comes before it and is not set"
            )
        else:
            arguments += filled.word(key, partial(_argument, parameter, value))
    for name, value in own_extra(command, filled.extra, filled, prefix).items():
        if value is not None:
            options += filled.word(f"{prefix}{name}", partial(_extra, name, value))
    if any(word.startswith("-") and word != "-" for word in arguments):
        options.append("--")
    words = options + arguments
    if command.commands:
        for name in chosen_commands(command, filled.values, filled, prefix):
            below = f"{prefix}{command.key_of(name)}."
            words += [name, *_words(command.commands[name], filled, below, pass_defaults)]
    return words


def _option(parameter: Parameter, value: Any) -> list[str]:
    action = parameter.action
    if action in ("boolean_optional", "store_true", "store_false"):
        return _switch(parameter, value)
    if action == "count":
        return _count(parameter, value)
    if action == "store_const":
        return _flag_of_value(parameter, value)
    if action == "append":
        items = value if isinstance(value, list) else [value]
        if not items and parameter.default not in (None, []):
            raise MismatchError(
                f"it cannot be an empty list, because click would use its default {parameter.default}"
            )
        return [word for item in items for word in _flagged(parameter, item)]
    return _flagged(parameter, value)


def _flagged(parameter: Parameter, value: Any) -> list[str]:
    words = _several(parameter, value) if isinstance(parameter.nargs, int) else [_one(parameter, value)]
    flag = parameter.flag
    if parameter.nargs == "?" and len(words[0]) > 1 and words[0].startswith("-"):
        raise MismatchError(f"click would parse {words[0]!r} as an option")
    if len(words) == 1 and (words[0].startswith("-") or parameter.nargs == "?"):
        return [f"{flag}={words[0]}"] if flag.startswith("--") else [f"{flag}{words[0]}"]
    return [flag, *words]


def _argument(parameter: Parameter, value: Any) -> list[str]:
    if parameter.nargs == "*":
        items = value if isinstance(value, list) else [value]
        return [one_word(parameter.shape or ANY, item) for item in items]
    return _several(parameter, value) if isinstance(parameter.nargs, int) else [_one(parameter, value)]


def _several(parameter: Parameter, value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    if len(items) != parameter.nargs:
        raise MismatchError(f"expected {parameter.nargs} values, got {len(items)}")
    shape = parameter.shape or ANY
    if shape.name != "tuple":
        return [one_word(shape, item) for item in items]
    return [one_word(one, item) for one, item in zip(chain(shape.items, repeat(ANY)), items, strict=False)]


def _one(parameter: Parameter, value: Any) -> str:
    return one_word(parameter.shape or ANY, value)


def _switch(parameter: Parameter, value: Any) -> list[str]:
    if not isinstance(value, bool):
        raise MismatchError(f"it is a boolean flag. Write true or false, not {value!r}")
    if parameter.off_flags and (value or not parameter.flags):
        return [parameter.flag] if value and parameter.flags else _unless(parameter, value, True)
    if parameter.off_flags:
        return [_long(parameter.off_flags)]
    if same(value, parameter.default):
        return []
    if value != (parameter.action == "store_true"):
        raise MismatchError(f"it cannot be {'enabled' if value else 'disabled'} from the command line")
    return [parameter.flag]


def _unless(parameter: Parameter, value: bool, other: bool) -> list[str]:
    """Return the arguments of a parameter that has only a flag to disable it."""
    if value == other:
        if parameter.default is not True:
            raise MismatchError("it cannot be enabled from the command line")
        return []
    return [_long(parameter.off_flags)]


def _long(flags: tuple[str, ...]) -> str:
    return next((flag for flag in flags if flag.startswith("--")), flags[0])


def _count(parameter: Parameter, value: Any) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1000:
        raise MismatchError(f"it is counted. Write an integer of at least 0, not {value!r}")
    if value == 0 and parameter.default != 0:
        raise MismatchError(f"it cannot be 0, because its value without the flag is {parameter.default}")
    return [] if value == parameter.default and value == 0 else [parameter.flag] * value


def _flag_of_value(parameter: Parameter, value: Any) -> list[str]:
    shape = parameter.shape or ANY
    for choice, flag in zip(shape.choices, shape.words, strict=True):
        if same(choice, value):
            return [flag]
    if same(value, parameter.default):
        return []
    allowed = ", ".join(str(choice) for choice in shape.choices)
    raise MismatchError(f"expected one of {allowed}, got {value!r}")


def _extra(name: str, value: Any) -> list[str]:
    """Return the arguments of a key that is not listed: the key as a flag."""
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return [flag]
    if value is False:
        raise MismatchError("the source of the script does not show how to disable it. Remove the key")
    words = []
    for item in value if isinstance(value, list) else [value]:
        word = plain_word(item)
        words += [f"{flag}={word}"] if word.startswith("-") else [flag, word]
    return words
