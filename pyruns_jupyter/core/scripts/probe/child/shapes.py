"""The types that annotations mean, and the fields of dataclasses."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import typing
from typing import Any

from .values import default_of

_MAX_LEVELS = 10


def _words(kind: Any, by_value: bool) -> list[str]:
    """Return the words for the members of an enumeration: their names, unless another one has it as value."""
    return [
        json.dumps(one.value, default=str)
        if by_value and any(other.value == one.name and other is not one for other in kind)
        else str(one.name)
        for one in kind
    ]


def shape_of(annotation: Any, by_value: bool = False) -> dict[str, Any]:
    """Return the type that an annotation means.

    With `by_value`, a word is first the value of a member of an enumeration, then its name: draccus.
    """

    def shape_in(inner: Any) -> dict[str, Any]:
        return shape_of(inner, by_value)

    origin: Any = getattr(annotation, "__origin__", None)
    inner: tuple[Any, ...] = getattr(annotation, "__args__", ())
    if origin in (list, set, frozenset) or str(origin).startswith("collections.abc"):
        return {"name": "list", "items": [shape_in(one) for one in inner[:1]]}
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"name": "list", "items": [shape_in(inner[0])]}
        return {"name": "tuple", "items": [shape_in(one) for one in inner]}
    if origin is dict:
        return {"name": "dict", "items": [shape_in(one) for one in inner]}
    if str(origin) == "typing.Union" or type(annotation).__name__ in ("UnionType", "Union"):
        some = [one for one in inner if one is not type(None)]
        shape: dict[str, Any] = {"name": "union", "items": list(map(shape_in, some))}
        shape = shape_in(some[0]) if len(some) == 1 else shape
        shape["optional"] = len(some) < len(inner)
        return shape
    if str(origin) in ("typing.Literal", "typing_extensions.Literal"):
        words = [one if isinstance(one, (str, int, float, bool)) else str(one) for one in inner]
        return {"name": "choice", "choices": words, "words": [str(one) for one in words]}
    if isinstance(annotation, type):
        if issubclass(annotation, enum.Enum):
            names = [str(one.name) for one in annotation]
            return {"name": "choice", "choices": names, "words": _words(annotation, by_value)}
        for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
            if issubclass(annotation, kind):
                return {"name": name}
        if annotation in (list, tuple, dict):
            return {"name": "dict" if annotation is dict else "list"}
        if annotation.__module__.split(".")[0] == "pathlib":  # `pathlib._local` in Python 3.13
            return {"name": "path"}
    if annotation in (Any, inspect.Parameter.empty):
        return {"name": "any"}
    return {"name": "custom"}


def fields_of(
    owner: Any, prefix: str = "", depth: int = 0, lost: bool = False
) -> dict[str, tuple[Any, Any, bool]]:
    """Return type and default (MISSING if there is none) of each field of a dataclass, by dotted name.

    The last item is whether the default is `lost` as soon as there is a word for its section: then pyrallis
    and draccus make a new object of the class from the words, which has the defaults of the class. Such a
    default is None if words cannot give it back.
    """
    found: dict[str, tuple[Any, Any, bool]] = {}
    kind = owner if isinstance(owner, type) else type(owner)
    try:
        types = typing.get_type_hints(kind)
    except Exception:
        types = {}
    for field in dataclasses.fields(kind):
        name, hint = prefix + field.name, types.get(field.name, Any)
        value: Any = field.default
        if not isinstance(owner, type):
            value = getattr(owner, field.name)
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        inner = value if dataclasses.is_dataclass(value) else hint
        if dataclasses.is_dataclass(inner) and depth < _MAX_LEVELS:
            below = inner is value and (lost or not _is_new(value))
            fields = fields_of(inner, name + ".", depth + 1, below)
            # An object of another class than the declared one cannot be made from words alone.
            declared = type(value) in (hint, *getattr(hint, "__args__", ()))
            if below and not (declared and _can_be_passed(value)):
                fields = {key: (one[0], None, True) for key, one in fields.items()}
            found.update(fields)
        else:
            found[name] = (hint, value, lost)
    return found


def _is_new(value: Any) -> bool:
    """Return whether an object equals one that its class makes without arguments."""
    try:
        return bool(value == type(value)())
    except Exception:
        return False


def _can_be_passed(value: Any) -> bool:
    """Return whether words can give all fields of an object their values, where the class has other ones."""
    for field in dataclasses.fields(value):
        one = getattr(value, field.name, None)
        if dataclasses.is_dataclass(one):
            if not _can_be_passed(one):
                return False
        elif one is not field.default and default_of(one).get("default") is None:
            return False
    return True
