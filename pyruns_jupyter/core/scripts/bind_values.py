"""Assignment of configuration values to parameters, and their conversion to command-line arguments.

Shared by all frameworks; the module `argv` of each framework adds the flags.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs, shown

from .model import Parameter, ScriptParameters
from .types import Shape

MISSING: Any = object()


class MismatchError(Exception):
    """A value cannot be passed; the message is the end of a sentence."""


@dataclass
class Filled:
    """The value of each parameter, in the order of the configuration; `extra` holds unknown keys."""

    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    errors: list[InvalidInput] = field(default_factory=list)

    def refuse(self, key: str, error: object) -> None:
        """Record that the value of `key` cannot be passed."""
        text = str(error)
        self.errors.append(InvalidInput(text if text.endswith(".") else f"{key}: {text}.", field=key))

    def require(self, parameter: Parameter, key: str) -> None:
        """Record an error if a required parameter has no value."""
        if parameter.required and self.values.get(key) is None:
            self.refuse(key, f"{key} is required. Set a value.")

    def word(self, key: str, make: Callable[[], list[str]]) -> list[str]:
        """Return the arguments that `make` returns; a mismatch is recorded."""
        try:
            return make()
        except MismatchError as error:
            self.refuse(key, error)
            return []

    def finish(self, words: list[str]) -> list[str]:
        """Return `words`.

        Raises:
            InvalidInputs: all recorded errors.
        """
        if self.errors:
            raise InvalidInputs(self.errors)
        for word in words:
            if "\0" in word:
                raise InvalidInput("A command-line argument cannot contain a NUL character.")
        return words


def fill(
    parameters: Sequence[Parameter],
    config: Mapping[str, object],
    *,
    more: bool,
    whole: bool = False,
    holders: Iterable[str] = (),
) -> Filled:
    """Assign the values of `config`, nested or with dotted keys, to the parameters.

    Unknown keys are errors with a suggestion, or go to `extra` when `more` is true. A mapping below an
    unknown key is one value when `whole` is true, else it is flattened. `holders` are keys that only contain
    others.
    """
    names = {parameter.name: parameter for parameter in parameters}
    keys: dict[str, Parameter] = dict(names)
    parents = set(holders)
    for name in names:
        parts = name.split(".")
        parents.update(".".join(parts[:count]) for count in range(1, len(parts)))
    for parameter in parameters:
        for flag in parameter.flags:
            key = f"{parameter.name.removesuffix(parameter.key)}{flag.lstrip('-')}"
            if flag.startswith("--") and key not in parents:
                keys.setdefault(key, parameter)
    filled = Filled()
    for key, value in _flattened(config, keys, parents, whole):
        found = keys.get(key)
        if found is None:
            if more:
                filled.extra[key] = value
            else:
                filled.errors.append(InvalidInput(unknown_key(key, [*names]), field=key))
        elif found.name in filled.values:
            filled.errors.append(
                InvalidInput(f"{key}: {found.name} is set twice. Keep one of the values.", field=key)
            )
        else:
            filled.values[found.name] = value
    return filled


def option_words(
    script: ScriptParameters,
    config: Mapping[str, object],
    pass_defaults: bool,
    make: Callable[[Parameter, Any], list[str]],
    *,
    passes_null: bool = False,
) -> list[str]:
    """Return the arguments that `make` returns for the values of `config`, those of positionals first.

    A value is omitted when it is the default or, unless `passes_null` is true, null.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    known = {one.name: one for one in script.parameters}
    filled = fill(script.parameters, config, more=script.open)
    for parameter in script.parameters:
        filled.require(parameter, parameter.name)
    first: list[str] = []
    words: list[str] = []
    for key, value in (*filled.values.items(), *filled.extra.items()):
        parameter = known.get(key) or Parameter(key)
        is_null = value is None and (not passes_null or parameter.default is None or parameter.required)
        if not is_null and not (key in known and is_left_out(parameter, value, pass_defaults)):
            (first if parameter.positional else words).extend(
                filled.word(key, partial(make, parameter, value))
            )
    return filled.finish([*first, *words])


def unknown_key(key: str, names: Sequence[str]) -> str:
    """Return the message for a key that is not a parameter."""
    near = difflib.get_close_matches(key, names, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{key}: The script has no such parameter.{hint}"


def _flattened(
    config: Mapping[str, object],
    known: Mapping[str, object],
    parents: set[str],
    whole: bool,
    prefix: str = "",
) -> Iterator[tuple[str, object]]:
    for name, value in config.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and key not in known and (key in parents or (value and not whole)):
            yield from _flattened(value, known, parents, whole, f"{key}.")
        elif key in parents and key not in known and value is None:
            continue
        else:
            yield key, value


def one_word(shape: Shape, value: object) -> str:
    """Return a single value as the argument that the script converts back to the same value.

    Raises:
        MismatchError: the value does not match the type.
    """
    if isinstance(value, (list, tuple)):
        raise MismatchError("expected a single value, not a list")
    if isinstance(value, Mapping):
        raise MismatchError("expected a single value, not a mapping")
    if value is None:
        raise MismatchError("the list contains a null value")
    if shape.name == "choice":
        return _choice(shape, value)
    if shape.name == "bool":
        if not isinstance(value, bool):
            raise MismatchError(f"expected true or false, got {shown(value)}")
        return "true" if value else "false"
    if isinstance(value, bool):
        if shape.name in ("any", "custom"):
            return "true" if value else "false"
        raise MismatchError(
            f"expected {_WANTED.get(shape.name, 'a string')}, not a boolean. "
            f"Quote {str(value).lower()} to pass it as a string"
        )
    if shape.name == "int":
        return str(_integer(shape, value))
    if shape.name == "float":
        return _number(shape, value)
    if shape.name == "datetime" and shape.formats:
        _date(shape, str(value))
    return plain_word(value)


_WANTED = {"int": "an integer", "float": "a number", "path": "a path", "datetime": "a date"}


def plain_word(value: object) -> str:
    """Return a number or string as one argument."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = str(value)
    if "\0" in text:
        raise MismatchError("a command-line argument cannot contain a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MismatchError("it contains an invalid character (a lone surrogate)") from None
    return text


def same(value: object, other: object, *, exact: bool = False) -> bool:
    """Return whether two values are equal: True is not 1, but 1 is 1.0, unless `exact`."""
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(
            same(a, b, exact=exact) for a, b in zip(value, other, strict=True)
        )
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return list(value) == list(other) and all(same(value[key], other[key], exact=exact) for key in value)
    if exact or isinstance(value, (bool, str)) or isinstance(other, (bool, str)):
        return type(value) is type(other) and value == other
    return value == other


def is_default(parameter: Parameter, value: object) -> bool:
    """Return whether a value is the default of the script, possibly written as a string."""
    if parameter.computed:
        return False
    return same(value, parameter.default) or same(_as_read(parameter.item_type, value), parameter.default)


def is_left_out(parameter: Parameter, value: object, pass_defaults: bool) -> bool:
    """Return whether an option is omitted because its value is the script's default."""
    return not (pass_defaults or parameter.required) and is_default(parameter, value)


def _as_read(kind: str, value: object) -> object:
    """Return the value after the script converted its argument to `kind`."""
    if isinstance(value, (list, tuple)):
        return [_as_read(kind, one) for one in value]
    try:
        if isinstance(value, str) and kind in ("int", "float"):
            return int(value) if kind == "int" else float(value)
        if kind == "str" and isinstance(value, (int, float)) and not isinstance(value, bool):
            return plain_word(value)
    except (ValueError, OverflowError):
        pass
    return value


def _choice(shape: Shape, value: object) -> str:
    for choice, word in zip(shape.choices, shape.words, strict=True):
        if same(value, choice) or (isinstance(value, str) and value == word):
            return word
    text = plain_word(value) if not isinstance(value, bool) else str(value)
    if shape.fold_case:
        for word in shape.words:
            if word.lower() == text.lower():
                return word
    elif text in shape.words and not isinstance(value, bool):
        return text
    allowed = ", ".join(shape.words)
    raise MismatchError(f"expected one of {allowed}, got {shown(text)}")


def _integer(shape: Shape, value: object) -> int:
    number: int | None = None
    if isinstance(value, int):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    elif isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            number = None
    if number is None:
        raise MismatchError(f"expected an integer, got {shown(value)}")
    _bounded(shape, number)
    return number


def _number(shape: Shape, value: object) -> str:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise MismatchError(f"expected a number, got {shown(value)}") from None
    _bounded(shape, number)
    return plain_word(value)


def _bounded(shape: Shape, number: float) -> None:
    low, high = shape.low, shape.high
    if low is not None and (number < low or (shape.open_low and number == low)):
        raise MismatchError(
            f"expected a number {'above' if shape.open_low else 'of at least'} {low}, got {number}"
        )
    if high is not None and (number > high or (shape.open_high and number == high)):
        raise MismatchError(
            f"expected a number {'below' if shape.open_high else 'of at most'} {high}, got {number}"
        )


def _date(shape: Shape, text: str) -> None:
    for pattern in shape.formats:
        try:
            datetime.strptime(text, pattern)
        except ValueError:
            continue
        return
    raise MismatchError(f"expected a date in the format {' or '.join(shape.formats)}, got {text!r}")
