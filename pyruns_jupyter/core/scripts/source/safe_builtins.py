"""Functions and methods that static evaluation calls for their result; no code of the script runs.

The size of arguments and results is bounded, so that a script cannot cause high CPU or memory use.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import json
import logging
import math
import posixpath
import re
from collections.abc import Callable
from typing import Any

from .changes import update_unknown
from .objects import MAX_BITS, MAX_TEXT, UNKNOWN, PathText, UnknownError, weight

_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
_ARGPARSE = "SUPPRESS OPTIONAL ZERO_OR_MORE ONE_OR_MORE REMAINDER PARSER"
CONSTANTS: dict[str, Any] = {
    **{
        f"{module}.{name}": getattr(math, name)
        for module in ("math", "np", "numpy", "torch")
        for name in ("pi", "e", "inf")
    },
    "math.tau": math.tau,
    "os.sep": "/",
    "os.path.sep": "/",
    "os.pathsep": ":",
    "os.curdir": ".",
    "string.ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
    "string.digits": "0123456789",
    **{f"argparse.{name}": getattr(argparse, name) for name in _ARGPARSE.split()},
    **{f"logging.{name}": getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR")},
}


def sized(value: Any) -> Any:
    """Return a value.

    Raises:
        UnknownError: the value is too large.
    """
    if isinstance(value, (str, list, tuple, dict, set, frozenset, range)) and len(value) > MAX_TEXT:
        raise UnknownError("too long")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise UnknownError("a large number")
    return value


def _numbers(*values: Any) -> Any:
    if not all(isinstance(value, (int, float)) for value in values):
        raise UnknownError("values that are not numbers")
    return values


def _factors(*values: Any) -> Any:
    if sum(value.bit_length() for value in values if isinstance(value, int)) > MAX_BITS:
        raise UnknownError("large numbers")
    return _numbers(*values)


def power(base: Any, exponent: Any) -> Any:
    """Return a small power."""
    if abs(exponent) > 64 or abs(base) > 1000:
        raise UnknownError("a large power")
    return base**exponent


def _strtobool(text: str) -> int:
    if text.lower() in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if text.lower() in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(text)


def join_paths(*parts: Any) -> str:
    """Return the result of `os.path.join`."""
    if not all(isinstance(part, str) for part in parts):
        raise UnknownError("a path that does not consist of strings")
    return posixpath.join(*map(str, parts)) if parts else "."


def check_data(value: Any) -> None:
    """Check that a value is plain data recursively: other objects print differently in the script.

    Raises:
        UnknownError: it is not plain data.
    """
    weight(value)
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        elif one is not None and not isinstance(one, (bool, int, float, str)):
            raise UnknownError("not plain data")


_BUILTINS = (
    "int float str bool list tuple set frozenset dict len min max abs round any all repr chr ord divmod "
    "sorted"
)
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f"builtins.{name}": getattr(builtins, name) for name in _BUILTINS.split()},
    "builtins.range": lambda *values: list(sized(range(*values))),
    "builtins.sum": lambda values, start=0: sum(_numbers(start, *values)),
    "builtins.pow": power,
    "builtins.reversed": lambda values: list(reversed(values)),
    "builtins.enumerate": lambda values, start=0: list(enumerate(values, start)),
    "builtins.zip": lambda *values, strict=False: list(zip(*values, strict=strict)),
    "os.path.join": join_paths,
    "posixpath.join": join_paths,
    "os.path.basename": posixpath.basename,
    "os.path.dirname": posixpath.dirname,
    "os.path.splitext": posixpath.splitext,
    "os.path.normpath": posixpath.normpath,
    # The environment of the task is unknown here.
    **dict.fromkeys(("os.environ.get", "os.getenv"), lambda name, default=UNKNOWN: default),
    "json.loads": json.loads,
    "ast.literal_eval": ast.literal_eval,
    "collections.OrderedDict": dict,
    "copy.copy": lambda value: value,
    "copy.deepcopy": lambda value: value,
    "math.pow": lambda base, exponent: float(power(base, exponent)),
    **{
        f"math.{name}": getattr(math, name)
        for name in ("sqrt", "log", "log2", "log10", "floor", "ceil", "exp")
    },
    "math.prod": lambda values, *, start=1: math.prod(_factors(start, *values)),
    **dict.fromkeys(("distutils.util.strtobool", "setuptools._distutils.util.strtobool"), _strtobool),
}
# Functions that ignore the items of their arguments: an unknown item stays unknown.
_BLIND = ("list", "tuple", "dict", "set", "frozenset", "reversed", "enumerate", "zip")
_STRUCTURAL = frozenset(
    (*(f"builtins.{name}" for name in _BLIND), "collections.OrderedDict", "copy.copy", "copy.deepcopy")
)
for _path in _PATHS:
    _FUNCTIONS[f"pathlib.{_path}"] = lambda *parts: PathText(posixpath.normpath(join_paths(*parts)))
del _path

_SET_METHODS = frozenset(("union", "intersection", "difference", "issubset", "issuperset", "copy"))
_LIST_METHODS = frozenset(("index", "count", "copy"))
_LEFT_OUT = frozenset(("encode", "expandtabs", "format_map", "maketrans", "translate"))
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(name for name in dir(str) if name[0] != "_") - _LEFT_OUT,
    dict: frozenset(("get", "keys", "values", "items", "copy")),
    list: _LIST_METHODS,
    tuple: _LIST_METHODS,
    set: _SET_METHODS,
    frozenset: _SET_METHODS,
}
CHANGING = frozenset(("append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault"))
CHANGING |= frozenset(("add", "discard", "sort", "reverse"))


def has_method(owner: Any, name: str) -> bool:
    """Return whether a method of plain data is computed here."""
    known = next((names for kind, names in _METHODS.items() if isinstance(owner, kind)), ())
    return name in known or (isinstance(owner, (dict, list, set)) and name in CHANGING)


def call_method(owner: Any, name: str, arguments: list[Any], words: dict[str, Any]) -> Any:
    """Return the result of a method of plain data; a mutation by an unknown argument makes the owner unknown.

    Raises:
        Exception: whatever the method raises.
    """
    known = not any(value is UNKNOWN for value in (*arguments, *words.values()))
    if name in CHANGING and not isinstance(owner, str):
        if not known and name in ("extend", "update"):
            if isinstance(owner, dict):
                update_unknown(owner)
            elif isinstance(owner, list):
                owner.append(UNKNOWN)
            else:
                owner.add(UNKNOWN)
            return UNKNOWN
        more = [one for one in arguments if isinstance(one, (list, tuple, set, dict, str))]
        if name in ("extend", "update") and sum(map(len, (owner, *more))) > MAX_TEXT:
            raise UnknownError("too long")  # before it grows: a list may be appended to itself
        if name == "update" and isinstance(owner, dict) and any(UNKNOWN in one for one in more):
            update_unknown(owner)
        result = getattr(owner, name)(*arguments, **words)
        sized(owner)
        return result
    if not known and not (isinstance(owner, dict) and name == "get"):
        return UNKNOWN
    weight([owner, arguments])
    if isinstance(owner, dict) and name == "get" and UNKNOWN in owner and arguments[0] not in owner:
        return UNKNOWN  # it may be one of the unknown ones
    if isinstance(owner, str):
        _check_text(owner, name, arguments, words)
    if name in ("keys", "values", "items") and isinstance(owner, dict):
        return list(getattr(owner, name)())
    return sized(getattr(owner, name)(*arguments, **words))


def _check_text(owner: str, name: str, arguments: list[Any], words: dict[str, Any]) -> None:
    for value in (*arguments, *words.values()):
        if isinstance(value, int) and abs(value) > 1000:
            raise UnknownError("a large number")
        if isinstance(value, str) and len(value) > 1000 and name != "join":
            raise UnknownError("a long text")
    if name == "join":
        items = arguments[0] if arguments else ()
        if len(owner) * len(items) + sum(len(item) for item in items) > MAX_TEXT:
            raise UnknownError("a long text")
    if name == "replace" and len(arguments) > 1:
        old, new = arguments[0], arguments[1]
        if len(owner) + owner.count(old) * len(new) > 2 * MAX_TEXT:
            raise UnknownError("a long text")
    check_data([*arguments, *words.values()])
    if name == "format":
        check_format(owner, owner.count("{"), [*arguments, *words.values()])
        if not all(isinstance(value, (bool, int, float, str)) for value in (*arguments, *words.values())):
            raise UnknownError("a format of values that are not plain data")


def check_format(text: str, fields: int, values: Any) -> None:
    """Check the size of a formatted text, in which each value could fill every field."""
    if re.search(r"\d{4}|[*]", text) or sum(map(int, re.findall(r"\d+", text))) > MAX_TEXT:
        raise UnknownError("a wide format")
    if fields * weight(values) > MAX_TEXT:
        raise UnknownError("a long text")


def call_external(name: str, arguments: list[Any], words: dict[str, Any]) -> Any:
    """Return the result of a function outside the project, UNKNOWN when it is not computed here."""
    function = _FUNCTIONS.get(name)
    if function is None or any(value is UNKNOWN for value in (*arguments, *words.values())):
        return UNKNOWN
    weight(arguments)
    if name not in _STRUCTURAL:
        check_data([*arguments, *words.values()])
    try:
        return sized(function(*arguments, **words))
    except RecursionError:  # of a nested literal
        raise UnknownError("nested too deeply") from None


def is_path(name: str) -> bool:
    """Return whether a dotted name is a class of pathlib."""
    return name.startswith("pathlib.") and name.rpartition(".")[2] in _PATHS


def formatted(value: Any, conversion: int, spec: str) -> str:
    """Return one value of an f-string.

    Raises:
        UnknownError: it is not plain data.
    """
    if not isinstance(value, (bool, int, float, str)) and value is not None and not isinstance(value, list):
        raise UnknownError("a format of values that are not plain data")
    check_data(value)
    if conversion == ord("r"):
        value = repr(value)
    elif conversion == ord("s"):
        value = str(value)
    elif conversion != -1:
        raise UnknownError("a format")
    check_format(spec, 1, value)
    return format(str(value) if isinstance(value, (PathText, list)) else value, spec)
