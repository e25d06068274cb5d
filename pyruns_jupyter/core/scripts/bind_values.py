"""The values of a configuration, put to the parameters that they are for, and turned into words.

Shared by the frameworks; what each of them writes around the words is its own module's subject.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs

from .model import Parameter
from .types import ANY, Shape

MISSING: Any = object()


class MismatchError(Exception):
    """A value cannot be passed; the message is the end of a sentence."""


@dataclass
class Filled:
    """Which parameter got which value, in the order of the configuration; `extra` is what nobody knows."""

    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    errors: list[InvalidInput] = field(default_factory=list)

    def refuse(self, key: str, error: object) -> None:
        """Note that the value of `key` cannot be passed."""
        text = str(error)
        self.errors.append(InvalidInput(text if text.endswith(".") else f"{key}: {text}.", field=key))

    def word(self, key: str, make: Callable[[], list[str]]) -> list[str]:
        """Return the words that `make` gives; a mismatch is noted."""
        try:
            return make()
        except MismatchError as error:
            self.refuse(key, error)
            return []

    def finish(self, words: list[str]) -> list[str]:
        """Return `words`.

        Raises:
            InvalidInputs: everything that was noted.
        """
        if self.errors:
            raise InvalidInputs(self.errors)
        for word in words:
            if "\0" in word:
                raise InvalidInput("A word of a command line cannot hold a zero character.")
        return words


def fill(
    parameters: Sequence[Parameter],
    config: Mapping[str, object],
    *,
    more: bool,
    whole: bool = False,
    holders: Iterable[str] = (),
) -> Filled:
    """Put the values of `config`, nested or with dotted keys, to the parameters.

    Unknown keys are errors with a suggestion, or `extra` when `more` is true; a mapping below an unknown key
    is a value by itself when `whole` is true, else its keys are. `holders` are keys that only hold others.
    """
    names = {parameter.name: parameter for parameter in parameters}
    keys: dict[str, Parameter] = dict(names)
    for parameter in parameters:
        for flag in parameter.flags:
            if flag.startswith("--"):
                keys.setdefault(flag.lstrip("-"), parameter)
    parents = set(holders)
    for name in names:
        parts = name.split(".")
        parents.update(".".join(parts[:count]) for count in range(1, len(parts)))
    filled = Filled()
    for key, value in _flattened(config, keys, parents, whole):
        found = keys.get(key)
        if found is None:
            if more:
                filled.extra[key] = value
            else:
                filled.errors.append(InvalidInput(unknown_key(key, [*names]), field=key))
        elif found.name in filled.values:
            filled.errors.append(InvalidInput(f"{key}: {found.name} is given twice.", field=key))
        else:
            filled.values[found.name] = value
    return filled


def require(parameter: Parameter, filled: Filled, key: str = "") -> None:
    """Note an error when a required parameter has no value."""
    if parameter.required and filled.values.get(parameter.name) is None:
        name = key or parameter.name
        filled.errors.append(InvalidInput(f"{name} is required: give it a value.", field=name))


def unknown_key(key: str, names: Sequence[str]) -> str:
    """Return the sentence for a key that no parameter has."""
    near = difflib.get_close_matches(key, names, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{key}: the script has no such parameter.{hint}"


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
    """Return a single value as the word that the script reads back as the same value.

    Raises:
        MismatchError: when it does not fit.
    """
    if isinstance(value, (list, tuple)):
        raise MismatchError("a single value is wanted here, not a list")
    if isinstance(value, Mapping):
        raise MismatchError("a single value is wanted here, not a mapping")
    if value is None:
        raise MismatchError("there is an empty value in its list")
    if shape.name == "choice":
        return _choice(shape, value)
    if shape.name == "bool":
        if not isinstance(value, bool):
            raise MismatchError(f"write true or false, not {value!r}")
        return "true" if value else "false"
    if shape.name == "union":
        return _alternative(shape, value)
    if isinstance(value, bool):
        if shape.name in ("any", "custom"):
            return "true" if value else "false"
        raise MismatchError(
            f"it takes {_WANTED.get(shape.name, 'text')}; quote {str(value).lower()} if it is text"
        )
    if shape.name == "int":
        return str(_integer(shape, value))
    if shape.name == "float":
        return _number(shape, value)
    if shape.name == "datetime" and shape.formats:
        _date(shape, str(value))
    return plain_word(value)


_WANTED = {"int": "a whole number", "float": "a number", "path": "a path", "datetime": "a date"}


def plain_word(value: object) -> str:
    """Return a number or text as one word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = str(value)
    if "\0" in text:
        raise MismatchError("a word cannot hold a zero character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MismatchError("it holds half a character and cannot be passed") from None
    return text


def same(value: object, other: object) -> bool:
    """Equal and of the same kind: True is not 1, but 1 is 1.0."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(same(a, b) for a, b in zip(value, other, strict=True))
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return list(value) == list(other) and all(same(value[key], other[key]) for key in value)
    if isinstance(value, str) or isinstance(other, str):
        return type(value) is type(other) and value == other
    return value == other


def is_default(parameter: Parameter, value: object) -> bool:
    """Tell whether a value is what the script has without the argument, written as text or not."""
    if parameter.computed:
        return False
    return same(value, parameter.default) or same(_as_read(parameter.item_type, value), parameter.default)


def is_left_out(parameter: Parameter, value: object, pass_defaults: bool) -> bool:
    """Tell whether an option is not passed because its value is the script's own default."""
    return not (pass_defaults or parameter.required) and is_default(parameter, value)


def _as_read(kind: str, value: object) -> object:
    """Return what a script makes of the word of a value that it reads as `kind`."""
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


def alike(value: object, other: object) -> bool:
    """Equal and exactly of one type, all the way down: 1 is not 1.0 either."""
    if type(value) is not type(other) and not isinstance(value, (list, tuple, dict)):
        return False
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(alike(a, b) for a, b in zip(value, other, strict=True))
    if isinstance(value, dict) and isinstance(other, dict):
        return list(value) == list(other) and all(alike(value[key], other[key]) for key in value)
    return value == other


def item_shape(shape: Shape, index: int = 0) -> Shape:
    """Return the type of an item of a list or tuple."""
    if shape.name == "tuple":
        return shape.items[index] if index < len(shape.items) else ANY
    return shape.items[0] if shape.items else ANY


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
    raise MismatchError(f"it takes one of {allowed}; {text!r} is none of them")


def _alternative(shape: Shape, value: object) -> str:
    for item in shape.items:
        if item.name in _EXACT and not isinstance(value, _EXACT[item.name]):
            continue
        if isinstance(value, bool) and item.name != "bool":
            continue
        try:
            return one_word(item, value)
        except MismatchError:
            continue
    if isinstance(value, bool):
        raise MismatchError(f"it takes no truth value; quote {str(value).lower()} if it is text")
    return plain_word(value)


_EXACT: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "str": str, "path": str}


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
        raise MismatchError(f"it takes a whole number, not {value!r}")
    _bounded(shape, number)
    return number


def _number(shape: Shape, value: object) -> str:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise MismatchError(f"it takes a number, not {value!r}") from None
    _bounded(shape, number)
    return plain_word(value)


def _bounded(shape: Shape, number: float) -> None:
    low, high = shape.low, shape.high
    if low is not None and (number < low or (shape.open_low and number == low)):
        raise MismatchError(
            f"it takes a number {'above' if shape.open_low else 'from'} {low} on, not {number}"
        )
    if high is not None and (number > high or (shape.open_high and number == high)):
        raise MismatchError(
            f"it takes a number {'below' if shape.open_high else 'up to'} {high}, not {number}"
        )


def _date(shape: Shape, text: str) -> None:
    for pattern in shape.formats:
        try:
            datetime.strptime(text, pattern)
        except ValueError:
            continue
        return
    raise MismatchError(f"it takes a date like {' or '.join(shape.formats)}, not {text!r}")
