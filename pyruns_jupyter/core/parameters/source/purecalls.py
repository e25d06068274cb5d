"""Functions and methods whose result is computed here, without running anything of the script.

Every function has a bound on what it is given and makes, so that no source can make us work or store much.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import posixpath
import re
from collections.abc import Callable
from typing import Any

from .objects import MOST_BITS, MOST_TEXT, UNKNOWN, External, PathText, UnknownError, weight

LIMIT = 2**64
_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
ARGPARSE_WORDS = {
    "SUPPRESS": "==SUPPRESS==",
    "OPTIONAL": "?",
    "ZERO_OR_MORE": "*",
    "ONE_OR_MORE": "+",
    "REMAINDER": "...",
    "PARSER": "A...",
}
CONSTANTS: dict[str, Any] = {
    **{f"{name}.pi": math.pi for name in ("math", "np", "numpy", "torch")},
    **{f"{name}.e": math.e for name in ("math", "np", "numpy", "torch")},
    **{f"{name}.inf": math.inf for name in ("math", "np", "numpy", "torch")},
    "math.tau": math.tau,
    "os.sep": "/",
    "os.path.sep": "/",
    "os.pathsep": ":",
    "os.curdir": ".",
    "string.ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
    "string.digits": "0123456789",
    **{f"argparse.{name}": word for name, word in ARGPARSE_WORDS.items()},
    "logging.DEBUG": 10,
    "logging.INFO": 20,
    "logging.WARNING": 30,
    "logging.ERROR": 40,
}


def _sized(value: Any) -> Any:
    if isinstance(value, (str, list, tuple, dict, set, frozenset, range)) and len(value) > MOST_TEXT:
        raise UnknownError("too long")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise UnknownError("a large number")
    return value


def _sum(values: Any, start: Any = 0) -> Any:
    if not all(isinstance(value, (int, float)) for value in (start, *values)):
        raise UnknownError("a sum of something else than numbers")
    return sum(values, start)


def _product(values: Any, *, start: Any = 1) -> Any:
    numbers = [start, *values]
    if not all(isinstance(value, (int, float)) for value in numbers):
        raise UnknownError("a product of something else than numbers")
    if sum(value.bit_length() for value in numbers if isinstance(value, int)) > MOST_BITS:
        raise UnknownError("a large product")
    return math.prod(numbers)


def _range(*values: Any) -> list[int]:
    return list(_sized(range(*values)))


def _pow(base: Any, exponent: Any) -> Any:
    if abs(exponent) > 64 or abs(base) > 1000:
        raise UnknownError("a large power")
    return base**exponent


def _environment(_name: Any, default: Any = UNKNOWN) -> Any:
    return default  # what a task's environment will hold is not known here


def _strtobool(text: str) -> int:
    if text.lower() in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if text.lower() in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(text)


def _join(*parts: Any) -> str:
    return posixpath.join(*(str(part) for part in parts)) if parts else "."


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        f"builtins.{function.__name__}": function
        for function in (
            int,
            float,
            str,
            bool,
            list,
            tuple,
            set,
            frozenset,
            dict,
            len,
            min,
            max,
            abs,
            round,
            any,
            all,
            repr,
            chr,
            ord,
            divmod,
            sorted,
        )
    },
    "builtins.range": _range,
    "builtins.sum": _sum,
    "builtins.pow": _pow,
    "builtins.reversed": lambda values: list(reversed(values)),
    "builtins.enumerate": lambda values, start=0: list(enumerate(values, start)),
    "builtins.zip": lambda *values, strict=False: list(zip(*values, strict=strict)),
    "os.path.join": _join,
    "posixpath.join": _join,
    "os.path.basename": posixpath.basename,
    "os.path.dirname": posixpath.dirname,
    "os.path.splitext": posixpath.splitext,
    "os.path.normpath": posixpath.normpath,
    "os.environ.get": _environment,
    "os.getenv": _environment,
    "json.loads": json.loads,
    "ast.literal_eval": ast.literal_eval,
    "collections.OrderedDict": dict,
    "copy.copy": lambda value: value,
    "copy.deepcopy": lambda value: value,
    "math.pow": lambda base, exponent: float(_pow(base, exponent)),
    **{
        f"math.{name}": getattr(math, name)
        for name in ("sqrt", "log", "log2", "log10", "floor", "ceil", "exp")
    },
    "math.prod": _product,
    **dict.fromkeys(("distutils.util.strtobool", "setuptools._distutils.util.strtobool"), _strtobool),
}
for _path in _PATHS:
    _FUNCTIONS[f"pathlib.{_path}"] = lambda *parts: PathText(posixpath.normpath(_join(*parts)))
del _path

_TEXT_METHODS = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "endswith",
        "find",
        "format",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isspace",
        "istitle",
        "isupper",
        "join",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "zfill",
    ]
)
_DICT_METHODS = frozenset(("get", "keys", "values", "items", "copy"))
_LIST_METHODS = frozenset(("index", "count", "copy"))
_SET_METHODS = frozenset(("union", "intersection", "difference", "issubset", "issuperset", "copy"))
CHANGING = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "update",
        "setdefault",
        "add",
        "discard",
        "sort",
        "reverse",
    ]
)


def has_method(owner: Any, name: str) -> bool:
    """Tell whether a method of plain data is computed here."""
    if isinstance(owner, str):
        return name in _TEXT_METHODS
    if isinstance(owner, dict):
        return name in _DICT_METHODS or name in CHANGING
    if isinstance(owner, (list, tuple)):
        return name in _LIST_METHODS or (isinstance(owner, list) and name in CHANGING)
    if isinstance(owner, (set, frozenset)):
        return name in _SET_METHODS or (isinstance(owner, set) and name in CHANGING)
    return False


def call_method(owner: Any, name: str, arguments: list[Any], words: dict[str, Any]) -> Any:
    """Return what a method of plain data returns; a changing one with an unknown argument spoils its owner.

    Raises:
        Exception: whatever the method raises.
    """
    known = not any(value is UNKNOWN for value in (*arguments, *words.values()))
    if name in CHANGING and not isinstance(owner, str):
        if not known and name in ("extend", "update"):
            if isinstance(owner, dict):
                owner[UNKNOWN] = UNKNOWN
            elif isinstance(owner, list):
                owner.append(UNKNOWN)
            else:
                owner.add(UNKNOWN)
            return UNKNOWN
        more = [one for one in arguments if isinstance(one, (list, tuple, set, dict, str))]
        if name in ("extend", "update") and sum(map(len, (owner, *more))) > MOST_TEXT:
            raise UnknownError("too long")  # before it grows: a list may be put into itself
        result = getattr(owner, name)(*arguments, **words)
        _sized(owner)
        return result
    if not known and not (isinstance(owner, dict) and name == "get"):
        return UNKNOWN
    weight([owner, arguments])
    if isinstance(owner, str):
        _check_text(owner, name, arguments, words)
    if name in ("keys", "values", "items") and isinstance(owner, dict):
        return list(getattr(owner, name)())
    return _sized(getattr(owner, name)(*arguments, **words))


def _check_text(owner: str, name: str, arguments: list[Any], words: dict[str, Any]) -> None:
    for value in (*arguments, *words.values()):
        if isinstance(value, int) and abs(value) > 1000:
            raise UnknownError("a large number")
        if isinstance(value, str) and len(value) > 1000 and name != "join":
            raise UnknownError("a long text")
    if name == "join":
        items = arguments[0] if arguments else ()
        if len(owner) * len(items) + sum(len(item) for item in items) > MOST_TEXT:
            raise UnknownError("a long text")
    if name == "replace" and len(arguments) > 1:
        old, new = arguments[0], arguments[1]
        if len(owner) + owner.count(old) * len(new) > 2 * MOST_TEXT:
            raise UnknownError("a long text")
    if name == "format":
        _check_format(owner, owner.count("{"), [*arguments, *words.values()])
        if not all(isinstance(value, (bool, int, float, str)) for value in (*arguments, *words.values())):
            raise UnknownError("a format of something else than plain data")


def _check_format(text: str, fields: int, values: Any) -> None:
    """Check what a format would make of `values`, each of which could stand in every field."""
    if re.search(r"\d{4}|[*]", text) or sum(map(int, re.findall(r"\d+", text))) > MOST_TEXT:
        raise UnknownError("a wide format")
    if fields * weight(values) > MOST_TEXT:
        raise UnknownError("a long text")


def call_external(name: str, arguments: list[Any], words: dict[str, Any]) -> Any:
    """Return what a function outside the project gives, UNKNOWN when it is not one of ours."""
    function = _FUNCTIONS.get(name)
    if function is None or any(value is UNKNOWN for value in (*arguments, *words.values())):
        return UNKNOWN
    if name in ("builtins.sorted", "builtins.min", "builtins.max") and "key" in words:
        key = _FUNCTIONS.get(words["key"].name) if isinstance(words["key"], External) else None
        if key is None:
            return UNKNOWN
        words = {**words, "key": key}
    weight(arguments)
    try:
        return _sized(function(*arguments, **words))
    except RecursionError:  # of a text that is nested
        raise UnknownError("nested too deeply") from None


def is_path(name: str) -> bool:
    """Tell whether a dotted name is a class of pathlib."""
    return name.startswith("pathlib.") and name.rpartition(".")[2] in _PATHS


def path_attribute(path: PathText, name: str) -> Any:
    """Return an attribute of a path."""
    base, suffix = posixpath.splitext(posixpath.basename(path))
    known = {
        "name": posixpath.basename(path),
        "stem": base,
        "suffix": suffix,
        "parent": PathText(posixpath.dirname(path) or "."),
    }
    return known.get(name, UNKNOWN)


def formatted(value: Any, conversion: int, spec: str) -> str:
    """Return one value of an f-string.

    Raises:
        UnknownError: when it is no plain data.
    """
    if not isinstance(value, (bool, int, float, str)) and value is not None and not isinstance(value, list):
        raise UnknownError("a format of something else than plain data")
    weight(value)
    if conversion == ord("r"):
        value = repr(value)
    elif conversion == ord("s"):
        value = str(value)
    elif conversion != -1:
        raise UnknownError("a format")
    _check_format(spec, 1, value)
    return format(str(value) if isinstance(value, (PathText, list)) else value, spec)


def unary(kind: ast.unaryop, value: Any) -> Any:
    """Return the result of an operator with one operand."""
    if isinstance(kind, ast.Not):
        return not value
    if not isinstance(value, (int, float)):
        raise UnknownError("an operation")
    if isinstance(kind, ast.USub):
        return -value
    if isinstance(kind, ast.UAdd):
        return +value
    return ~value  # type: ignore[operator]  # a float raises, which is what the script would do


def _number(value: Any) -> bool:
    return isinstance(value, (int, float))


def binary(kind: ast.operator, left: Any, right: Any) -> Any:
    """Return the result of an operator with two operands.

    Raises:
        Exception: when it cannot be told, or would be too large.
    """
    if isinstance(kind, ast.Div) and isinstance(left, PathText):
        return PathText(posixpath.join(left, str(right)))
    if isinstance(kind, ast.Div) and isinstance(right, PathText) and isinstance(left, str):
        return PathText(posixpath.join(left, right))
    if isinstance(kind, ast.Mod) and isinstance(left, str):
        _check_format(left, left.count("%"), right)
        return _sized(left % (tuple(right) if isinstance(right, tuple) else right))
    if isinstance(kind, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return _sized({**left, **right})
    if isinstance(left, (set, frozenset)) and isinstance(right, (set, frozenset)):
        sets: dict[type, Callable[[Any, Any], Any]] = {
            ast.BitOr: operator.or_,
            ast.BitAnd: operator.and_,
            ast.Sub: operator.sub,
        }
        return sets[type(kind)](left, right)
    if isinstance(kind, ast.Add) and not _number(left):
        if isinstance(left, str) is not isinstance(right, str):
            raise UnknownError("an operation")
        return _sized(left + right)
    if isinstance(kind, ast.Mult) and _number(left) != _number(right):
        many, times = (right, left) if _number(left) else (left, right)
        if not isinstance(many, (str, list, tuple)) or len(many) * int(times) > MOST_TEXT:
            raise UnknownError("an operation")
        return many * times
    if not (_number(left) and _number(right)) or abs(left) > LIMIT or abs(right) > LIMIT:
        raise UnknownError("an operation on something else than numbers")
    return _arithmetic(kind, left, right)


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _pow,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.RShift: operator.rshift,
}


def _arithmetic(kind: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(kind, ast.LShift) and 0 <= right <= 64:
        return left << right
    function = _OPERATORS.get(type(kind))
    if function is None:
        raise UnknownError("an operation")
    result = function(left, right)
    if isinstance(result, complex):
        raise UnknownError("not plain data")
    return result


def compare(kind: ast.cmpop, left: Any, right: Any) -> Any:
    """Return the result of one comparison."""
    weight((left, right))
    functions: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.Is: operator.is_,
        ast.IsNot: operator.is_not,
        ast.In: lambda a, b: a in b,
        ast.NotIn: lambda a, b: a not in b,
    }
    return functions[type(kind)](left, right)
