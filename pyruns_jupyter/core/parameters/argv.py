"""The argument words of an argparse script for one configuration.

Rules: positionals in source order, then the other keys in the order of the configuration by their first long
flag; null leaves a key out; booleans only through their actions; lists by nargs or by repetition. What the
parser would refuse, or take for something else, is refused here, before anything starts.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import InvalidInput, InvalidInputs
from .reading import Parameter, ScriptParameters

_NEGATIVE_NUMBER = re.compile(r"-(?:\d+|\d*\.\d+)")  # what argparse itself takes for a number


class _MismatchError(Exception):
    pass


def build_argv(script: ScriptParameters | Sequence[Parameter], config: Mapping[str, object]) -> list[str]:
    """Return the words after the script's path for `config`.

    Raises:
        InvalidInputs: every key that does not fit, with the key as its field.
    """
    known = script if isinstance(script, ScriptParameters) else ScriptParameters("argparse", tuple(script))
    errors: list[InvalidInput] = []
    by_key = _keys(known.parameters)
    given: dict[str, object] = {}
    order: list[tuple[Parameter | None, str, object]] = []
    for key, value in _flattened(config, by_key):
        parameter = by_key.get(key)
        if parameter is None and not known.open:
            errors.append(InvalidInput(_unknown(key, known.parameters), field=key))
            continue
        if parameter is not None:
            if parameter.name in given:
                errors.append(InvalidInput(f"{key}: {parameter.name} is given twice.", field=key))
                continue
            given[parameter.name] = value
        order.append((parameter, key, value))
    words: list[str] = []
    for parameter in known.parameters:
        value = given.get(parameter.name)
        if parameter.required and value is None:
            errors.append(
                InvalidInput(f"{parameter.name} is required: give it a value.", field=parameter.name)
            )
        elif parameter.positional and value is not None:
            words += _checked(parameter, value, parameter.name, errors)
    for parameter, key, value in order:
        if value is None or (parameter is not None and parameter.positional):
            continue
        words += _checked(parameter, value, key, errors)
    if errors:
        raise InvalidInputs(errors)
    return words


def _keys(parameters: Sequence[Parameter]) -> dict[str, Parameter]:
    """Return the parameters by name, and by their long flags where no name is in the way."""
    result = {parameter.name: parameter for parameter in parameters}
    for parameter in parameters:
        for flag in parameter.flags:
            if flag.startswith("--"):
                result.setdefault(flag[2:], parameter)
    return result


def _flattened(
    config: Mapping[str, object], by_key: Mapping[str, Parameter], prefix: str = ""
) -> Iterator[tuple[str, object]]:
    for name, value in config.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value and key not in by_key:
            yield from _flattened(value, by_key, f"{key}.")
        else:
            yield key, value


def _unknown(key: str, parameters: Sequence[Parameter]) -> str:
    near = difflib.get_close_matches(key, [parameter.name for parameter in parameters], n=1)
    hint = f"; did you mean {near[0]}?" if near else "; remove the key or add the argument."
    return f"The script has no argument {key}{hint}"


def _checked(parameter: Parameter | None, value: object, key: str, errors: list[InvalidInput]) -> list[str]:
    try:
        return _unlisted(key, value) if parameter is None else _words(parameter, value)
    except _MismatchError as error:
        errors.append(InvalidInput(f"{key}: {error}.", field=key))
        return []


def _unlisted(key: str, value: object) -> list[str]:
    """A key of a parser whose arguments are not all known: the usual spelling."""
    flag = f"--{key}"
    if isinstance(value, bool):
        return [flag] if value else []
    items = value if isinstance(value, list) else [value]
    return [word for item in items for word in _option(flag, [_text(item)])]


def _words(parameter: Parameter, value: object) -> list[str]:
    action = parameter.action
    if action in ("store_true", "store_false", "boolean_optional"):
        return _switch(parameter, value)
    if action == "count":
        return _count(parameter, value)
    if action in ("store_const", "append_const"):
        return _constant(parameter, value)
    if _same(value, parameter.default) and (
        isinstance(value, (bool, Mapping)) or action in ("append", "extend") or value == []
    ):
        return []  # the script has it anyway, and there may be no words for it
    if action == "append":
        return _append(parameter, value)
    if action == "extend":
        return _extend(parameter, value)
    return _store(parameter, value)


def _switch(parameter: Parameter, value: object) -> list[str]:
    if not isinstance(value, bool):
        raise _MismatchError(f"{_name(parameter)} is a switch: write true or false, not {value!r}")
    if _same(value, parameter.default):
        return []
    if parameter.action == "boolean_optional":
        flag = parameter.flag
        return [flag if value else f"--no-{flag[2:]}"]
    if value != (parameter.action == "store_true"):
        raise _MismatchError(
            f"{_name(parameter)} cannot be switched {'on' if value else 'off'} by an argument"
        )
    return [parameter.flag]


def _count(parameter: Parameter, value: object) -> list[str]:
    base = parameter.default if isinstance(parameter.default, int) else 0
    if isinstance(value, bool) or not isinstance(value, int) or value < base or value - base > 1000:
        raise _MismatchError(f"{_name(parameter)} counts: write a whole number from {base} on, not {value!r}")
    return [parameter.flag] * (value - base)


def _constant(parameter: Parameter, value: object) -> list[str]:
    if parameter.action == "append_const":
        if isinstance(value, list) and all(_same(item, parameter.const) for item in value):
            return [parameter.flag] * len(value)
    elif _same(value, parameter.default):
        return []
    elif _same(value, parameter.const) or (parameter.const is None and value is True):
        return [parameter.flag]
    raise _MismatchError(f"{_name(parameter)} can only be {parameter.const!r} or null, not {value!r}")


def _append(parameter: Parameter, value: object) -> list[str]:
    items = list(value) if isinstance(value, list) else [value]
    items = _after_default(parameter, items)
    if parameter.nargs is not None:
        many = [item if isinstance(item, list) else [item] for item in items]
        return [word for item in many for word in _option(parameter.flag, _several(parameter, item))]
    return [word for item in items for word in _option(parameter.flag, [_one(parameter, item)])]


def _extend(parameter: Parameter, value: object) -> list[str]:
    items = _after_default(parameter, list(value) if isinstance(value, list) else [value])
    if not items:
        return []
    if parameter.nargs is None:
        return [word for item in items for word in _option(parameter.flag, [_one(parameter, item)])]
    return _option(parameter.flag, _several(parameter, items))


def _after_default(parameter: Parameter, items: list[object]) -> list[object]:
    """Return what is to be added to the default list, to which argparse appends."""
    start = list(parameter.default) if isinstance(parameter.default, (list, tuple)) else []
    if len(items) < len(start) or not all(_same(a, b) for a, b in zip(items, start, strict=False)):
        raise _MismatchError(
            f"{_name(parameter)} adds to its default {start}: the value has to begin with it"
        )
    return items[len(start) :]


def _store(parameter: Parameter, value: object) -> list[str]:
    if parameter.nargs in (None, "?"):
        if isinstance(value, list) and not parameter.positional and parameter.nargs is None:
            return [word for item in value for word in _option(parameter.flag, [_one(parameter, item)])]
        word = _one(parameter, value)
        if not parameter.positional:
            return _option(parameter.flag, [word])
        return [_no_option(parameter, word)]
    items = _several(parameter, value if isinstance(value, list) else [value])
    if parameter.positional:
        return [_no_option(parameter, word) for word in items]
    return _option(parameter.flag, items)


def _several(parameter: Parameter, items: Sequence[object]) -> list[str]:
    if isinstance(parameter.nargs, int) and len(items) != parameter.nargs:
        raise _MismatchError(f"{_name(parameter)} takes {parameter.nargs} values, {len(items)} are given")
    if parameter.nargs == "+" and not items:
        raise _MismatchError(f"{_name(parameter)} takes one value or more, the list is empty")
    words = [_one(parameter, item) for item in items]
    return words if len(words) == 1 else [_no_option(parameter, word) for word in words]


def _option(flag: str, words: list[str]) -> list[str]:
    """Return a flag and its words; one that looks like an option itself is joined to the flag."""
    if words == ["--"]:
        raise _MismatchError("argparse drops the word '--'")
    if len(words) == 1 and _looks_like_option(words[0]):
        if flag.startswith("--"):
            return [f"{flag}={words[0]}"]
        return [f"{flag}{words[0]}"]
    return [flag, *words]


def _looks_like_option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not _NEGATIVE_NUMBER.fullmatch(word)


def _no_option(parameter: Parameter, word: str) -> str:
    if _looks_like_option(word):
        raise _MismatchError(f"the script would take {word!r} for an option")
    return word


def _one(parameter: Parameter, value: object) -> str:
    """Return one value as the word that the parser converts back to it."""
    kind = parameter.item_type
    if isinstance(value, bool):
        if kind == "bool":
            return "True" if value else ""  # bool("") is the only false
        if kind == "custom" and isinstance(parameter.default, bool):
            return str(value)
        raise _MismatchError(
            f"{_name(parameter)} takes a value of type {kind} and is no switch; "
            f"quote {str(value).lower()} if it is text"
        )
    if isinstance(value, (list, Mapping)):
        what = "a list" if isinstance(value, list) else "a mapping"
        raise _MismatchError(f"{_name(parameter)} takes a single value here, not {what}")
    if value is None:
        raise _MismatchError(f"{_name(parameter)} has an empty value in its list")
    word = _text(value)
    if kind == "int":
        if isinstance(value, float) and value.is_integer():
            word = str(int(value))
        if not _converts(int, word):
            raise _MismatchError(f"{_name(parameter)} takes a whole number, not {value!r}")
    elif kind == "float" and not _converts(float, word):
        raise _MismatchError(f"{_name(parameter)} takes a number, not {value!r}")
    if parameter.choices is not None and not any(
        _same(value, one) or word == str(one) for one in parameter.choices
    ):
        allowed = ", ".join(str(one) for one in parameter.choices)
        raise _MismatchError(f"{_name(parameter)} takes one of {allowed}; {word!r} is none of them")
    return word


def _converts(kind: type[Any], word: str) -> bool:
    try:
        kind(word)
    except ValueError:
        return False
    return True


def _text(value: object) -> str:
    if "\0" in str(value):
        raise _MismatchError("a word cannot hold a zero character")
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(value)


def _same(value: object, other: object) -> bool:
    """Equal and of the same kind: True is not 1, but 1 is 1.0."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(_same(a, b) for a, b in zip(value, other, strict=True))
    return value == other


def _name(parameter: Parameter) -> str:
    return parameter.flag or parameter.name
