"""Values of the script as JSON, and what a converter (`type=`) makes of a word."""

from __future__ import annotations

import ast
import enum
import json
import math
import os
import pathlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ITEMS = 1000
_MAX_DEPTH = 8
_MAX_TEXT = 20_000
_TRUTHS = (("true", "false"), ("True", "False"), ("yes", "no"), ("1", "0"), ("y", "n"), ("on", "off"))
_SEPARATORS = (",", ":", ";", " ", "x", "/")
_KNOWN = {int: "int", float: "float", str: "str", bool: "bool", pathlib.Path: "path"}
NOT_INSTALLED = ", not installed>"  # ends the text of what stands for a missing library
RAISED = object()  # the result of a converter that rejects a word


class Unwritable(Exception):
    """A value that JSON cannot hold, or that is not known."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON. Numbers that JSON lacks become `{"$float": "nan"}`.

    Raises:
        Unwritable: for an object of another type, and for text of a library that is not installed.
    """
    if depth > _MAX_DEPTH:
        raise Unwritable(type(value).__name__)
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1) if isinstance(value.value, (str, int)) else value.name
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if NOT_INSTALLED in value:
            raise Unwritable("text with an unknown part")
        return str(value)[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int):
        number = int(value)
        return number if -(2**63) <= number < 2**64 else str(number)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, os.PathLike) and os.fspath(value):  # that of a stub is empty
        return plain(os.fspath(value), depth + 1)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else list(value)
        return [plain(item, depth + 1) for item in items[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "item") and type(value).__module__.split(".")[0] == "numpy":
        return plain(value.item(), depth + 1)
    raise Unwritable(type(value).__name__)


def default_of(value: Any) -> dict[str, Any]:
    """Return the fields `default`, or `computed` with the text of the value."""
    try:
        return {"default": plain(value)}
    except Exception:
        return {"computed": True, "shown": _shown(value)}


def _shown(value: Any) -> str:
    try:
        return repr(value)[:200].encode("utf-8", "replace").decode("utf-8")
    except Exception:
        return type(value).__name__


def text_of(value: Any) -> str:
    """Return a help text as one line; "" for anything else."""
    text = " ".join(value.split()) if isinstance(value, str) and value != "==SUPPRESS==" else ""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def _call(kind: Any, word: str) -> Any:
    try:
        return kind(word)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return RAISED


def converter(kind: Any, choices: list[Any] | None) -> dict[str, Any]:
    """Return what a converter does: `item`, with `separator`, `spelling` or `choices` where it has them."""
    if kind is None:
        members = [one for one in choices or [] if isinstance(one, enum.Enum)]
        if members and len(members) == len(choices or []):
            return {"item": "custom", "spelling": [[plain(one), str(one)] for one in members]}
        return {"item": "str"}
    if isinstance(kind, type):
        for known, name in _KNOWN.items():
            if kind is known or (known is pathlib.Path and issubclass(kind, pathlib.PurePath)):
                return {"item": name}
        if issubclass(kind, enum.Enum):
            return _members(kind, list(kind))
    if kind is json.loads:
        return {"item": "json"}
    if kind is ast.literal_eval:
        return {"item": "literal"}
    if type(kind).__name__ == "FileType":
        return {"item": "path"}
    return _probed(kind, choices)


def _probed(kind: Any, choices: list[Any] | None) -> dict[str, Any]:
    found = probed(lambda word: _call(kind, word))
    members = [one for one in choices or [] if isinstance(one, enum.Enum)]
    return _members(kind, members) if members and found["item"] != "truth" else found


def probed(call: Callable[[str], Any]) -> dict[str, Any]:
    """Return how strings become values, from the results of sample strings."""
    for yes, no in _TRUTHS:
        if call(yes) is True and call(no) is False:
            return {"item": "truth", "spelling": [[True, yes], [False, no]]}
    for separator in _SEPARATORS:
        result = call("1" + separator + "2")
        if isinstance(result, (list, tuple)) and len(result) == 2:
            item = _item(list(result))
            return {"item": item, "separator": separator} if item else {"item": "custom"}
    results = {word: call(word) for word in ("3", "1.5", "abc")}
    if type(results["3"]) is int and results["1.5"] is RAISED:
        return {"item": "int"}
    if type(results["3"]) is float and type(results["1.5"]) is float:
        return {"item": "float"}
    if all(isinstance(result, str) and result == word for word, result in results.items()):
        return {"item": "str"}
    if all(isinstance(result, pathlib.PurePath) for result in results.values()):
        return {"item": "path"}
    return {"item": "custom"}


def _item(result: list[Any]) -> str:
    if result == ["1", "2"]:
        return "str"
    if result == [1, 2]:
        return {int: "int", float: "float"}.get(type(result[0]), "")
    return ""


def _members(kind: Any, members: list[Any]) -> dict[str, Any]:
    """Return the word for each member of an Enum that the converter reads back as it."""
    found: list[tuple[Any, str]] = []
    for member in members[:MAX_ITEMS]:
        for word in (str(member.value), member.name, str(member)):
            if _call(kind, word) is member:
                found.append((plain(member), word))
                break
        else:
            return {"item": "custom"}
    spelling = [[value, word] for value, word in found]
    return {"item": "custom", "spelling": spelling, "choices": [word for _, word in found]}


def choices_of(choices: Any, stubbed: bool) -> list[Any] | None:
    """Return the choices as a list; None when they cannot be listed, or when stubs may have emptied them."""
    if choices is None:
        return None
    try:
        found = []
        for one in choices:
            found.append(one)
            if len(found) >= MAX_ITEMS:
                break
        return None if stubbed and not found else found
    except Exception:
        return None
