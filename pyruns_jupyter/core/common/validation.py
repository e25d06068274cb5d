"""Validating untrusted data with `msgspec`, with one formatter for all error messages."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from .errors import InvalidInput, shown

T = TypeVar("T")

_STEP = re.compile(r"\w+|\[\.\.\.\]")  # in a path such as `$.body.names[2]`; `[...]` is a value of a mapping


def convert(value: object, kind: type[T], *, field: str = "", strict: bool = True) -> T:
    """Return `value` as an instance of a type; without `strict`, numbers and booleans may be given as text.

    Raises:
        InvalidInput: if it is invalid; its field is the path in `value`, whose own name is `field`.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # the latter for a key that is not Unicode
        raise _invalid(str(error), value, inspect.type_info(kind), field) from None


def describe(kind: object) -> str:
    """Return the description of a type for a message: `a whole number from 1 to 10`."""
    return _described(inspect.type_info(kind))


def unknown_field(key: object, known: Collection[str], inside: str = "") -> InvalidInput:
    """Return the error for a key that an object does not have; `inside` is a prefix with a dot."""
    valid = ", ".join(sorted(known))
    return InvalidInput(f"Unknown field {shown(key)}. Valid fields: {valid}.", field=f"{inside}{key}")


def _invalid(message: str, value: Any, kind: inspect.Type, field: str) -> InvalidInput:
    """Return the error for a message of msgspec, with the value and the type that is required."""
    name = field
    _, has_place, place = message.rpartition(" - at ")
    for step in _STEP.findall(place) if has_place else ():
        plain = _plain(kind)
        if isinstance(plain, inspect.StructType) and isinstance(value, dict) and step in value:
            kind, value = next(one.type for one in plain.fields if one.encode_name == step), value[step]
            name = field = f"{field}.{step}" if field else step
        elif isinstance(plain, (inspect.ListType, inspect.VarTupleType)) and step.isdigit():
            kind, value, name = plain.item_type, value[int(step)], f"{field}[{step}]"
        elif isinstance(plain, inspect.DictType):
            return InvalidInput(f"The values of {field} must be {_described(plain.value_type)}.", field=field)
    plain = _plain(kind)
    if isinstance(plain, inspect.StructType) and isinstance(value, dict):
        inside = f"{field}." if field else ""
        known = {one.encode_name: one.required for one in plain.fields}
        for key in value:
            if key not in known:
                return unknown_field(key, known, inside)
        for key, required in known.items():
            if required and key not in value:
                return InvalidInput(f"Missing field {inside + key!r}.", field=inside + key)
    return InvalidInput(f"{name or 'This'} must be {_described(kind)}, not {shown(value)}.", field=field)


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return a type without its description, and without None."""
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next(_plain(one) for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind


def _described(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(extra_json_schema={"description": description}):
            return str(description)
        case inspect.Metadata(type=inner):
            return _described(inner)
        case inspect.UnionType(types=types):
            return " or ".join(_described(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(str(value) for value in values if value)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number{_bounds(low, high)}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number{_bounds(low, high)}"
        case inspect.StrType():
            return "text"
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"a list of {'strings' if isinstance(_plain(item), inspect.StrType) else 'values'}"
        case _:
            return "an object"


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return f", {low} or more" if high is None else f" from {low} to {high}"
