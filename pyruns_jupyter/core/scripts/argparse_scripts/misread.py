"""Values that the libraries of dataclasses read as others: argparse gives them every word as a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyruns_jupyter.core.common.errors import shown
from pyruns_jupyter.core.scripts.bind_values import plain_word, same
from pyruns_jupyter.core.scripts.model import Parameter
from pyruns_jupyter.core.scripts.types import Shape

from .argv_words import no_boolean

_READS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}
_TRUTHS = {"draccus": {"true": True, "false": False}, "tyro": {"True": True, "False": False}}
_CONVERTING = {
    "tyro": ("union",),
    "transformers": ("bool",),
    "pyrallis": ("union", "tuple", "bool", "int", "float"),
    "draccus": ("union", "tuple", "bool", "int", "float"),
}  # the types for which a library takes values of others
_REFUSALS = (TypeError, ValueError, LookupError, OverflowError)


def misread(library: str, parameter: Parameter, value: object, has_file: bool) -> str:
    """Return why a library would read another value, as the end of a sentence; "" if it reads this one.

    `has_file` is whether a file sets values, too.
    """
    shape = parameter.shape
    if library == "draccus" and isinstance(value, str) and value.startswith("include"):
        return "draccus would open a file, because the text begins with 'include'"
    if library == "draccus" and isinstance(value, Mapping) and has_file:
        return "draccus would merge it into the mapping in the file of config_path"
    if shape is None or (library == "transformers" and shape.name != "list"):
        return ""  # transformers knows the names of true and false, but not in lists
    items = value if isinstance(value, list) else [value]
    many = shape.name == "list" and library in ("tyro", "transformers")  # each word is an item
    if library == "tyro":
        in_items = any(one.optional for one in shape.items)
        if (shape.optional and items == ["None"]) or (in_items and "None" in items):
            return "the script would parse the string 'None' as a null value"
    for one, inner in _leaves(shape, items if many else value):
        if library == "draccus" and one is not shape and _is_taken(one, inner):
            return f"draccus would read {shown(inner)} as the value of another member of the enumeration"
        if one.name not in _CONVERTING.get(library, ()):
            continue
        try:
            read = _read(library, one, _word(inner) if library == "tyro" else inner)
        except _REFUSALS:
            continue  # the library refuses it
        # A text may stand for a number, and for draccus for a boolean.
        is_text = isinstance(inner, str) and (one.name in ("int", "float") or library == "draccus")
        is_text = is_text and one.name not in ("union", "tuple")
        if read is inner or is_text or same(read, inner):
            continue
        if one.name == "bool":
            return no_boolean(parameter, inner)
        what = "it" if inner is value else shown(inner)
        return f"{library} would convert {what} to {type(read).__name__}"
    return ""


def _leaves(shape: Shape, value: object) -> Iterator[tuple[Shape, object]]:
    """Yield the values in lists and mappings with their types."""
    pairs: Iterable[tuple[Shape, object]] | None = None
    if shape.name == "list" and shape.items and isinstance(value, list):
        pairs = [(shape.items[0], one) for one in value]
    elif shape.name == "tuple" and isinstance(value, list):
        pairs = zip(shape.items, value, strict=False)
    elif shape.name == "dict" and len(shape.items) == 2 and isinstance(value, Mapping):
        pairs = [(shape.items[1], one) for one in value.values()]
    if pairs is None:
        yield shape, value
    else:
        for one, inner in pairs:
            yield from _leaves(one, inner)


def _is_taken(shape: Shape, value: object) -> bool:
    """Return whether a member of an enumeration has another word than its name."""
    words = zip(shape.choices, shape.words, strict=False)
    return isinstance(value, str) and any(one == value != word for one, word in words)


def _word(value: object) -> Any:
    """Return the word of a value, or the list of words of a list."""
    if isinstance(value, (list, Mapping)):
        return [_word(one) for one in value] if isinstance(value, list) else value
    return str(value) if isinstance(value, bool) else plain_word(value)


def _read(library: str, shape: Shape, value: Any) -> Any:
    """Return what a library makes of a value; it raises an error when the library refuses the value."""
    name, items = shape.name, shape.items
    if value is None and (shape.optional or library == "draccus"):
        return None
    if name == "union":  # the first type that takes it
        for one in items:
            try:
                return _read(library, one, value)
            except _REFUSALS:
                continue
        raise ValueError(value)
    if library == "tyro" and isinstance(value, list) != (name in ("list", "tuple")):
        (value,) = value if isinstance(value, list) else [[value]]
    if name == "choice":
        for one, word in zip(shape.choices, shape.words or shape.choices, strict=True):
            if same(one, value) or (library in _TRUTHS and word == value):
                return one
        raise ValueError(value)
    if (name == "list" and not isinstance(value, list)) or (name == "path" and not isinstance(value, str)):
        raise TypeError(value)
    if name == "tuple":  # also of the characters of a text
        return [_read(library, one, inner) for one, inner in zip(items, value, strict=True)]
    if name == "list" and items:
        return [_read(library, items[0], one) for one in value]
    if name == "dict":
        inside = dict(value).items()
        return {key: _read(library, items[1], one) for key, one in inside} if items else value
    if name == "bool" and library in _TRUTHS and not isinstance(value, bool):
        return _TRUTHS[library][value]
    if name == "int" and library == "draccus" and isinstance(value, float):
        raise ValueError(value)
    return _READS[name](value) if name in _READS else value
