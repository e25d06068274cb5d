"""Results of the operators of Python for plain data."""

from __future__ import annotations

import ast
import operator
import posixpath
from collections.abc import Callable
from typing import Any

from .objects import MAX_TEXT, UNKNOWN, PathText, UnknownError, weight
from .safe_builtins import check_data, check_format, join_paths, power, sized

_LIMIT = 2**64


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
        Exception: it is unknown, or would be too large.
    """
    if left is UNKNOWN or right is UNKNOWN:
        raise UnknownError("an operation")
    if isinstance(kind, ast.Div) and isinstance(left, PathText):
        return PathText(join_paths(left, right))
    if isinstance(kind, ast.Div) and isinstance(right, PathText) and isinstance(left, str):
        return PathText(posixpath.join(left, right))
    if isinstance(kind, ast.Mod) and isinstance(left, str):
        check_data(right)
        check_format(left, left.count("%"), right)
        return sized(left % (tuple(right) if isinstance(right, tuple) else right))
    if isinstance(kind, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return sized({**left, **right})
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
        return sized(left + right)
    if isinstance(kind, ast.Mult) and _number(left) != _number(right):
        many, times = (right, left) if _number(left) else (left, right)
        if not isinstance(many, (str, list, tuple)) or len(many) * int(times) > MAX_TEXT:
            raise UnknownError("an operation")
        return many * times
    if not (_number(left) and _number(right)) or abs(left) > _LIMIT or abs(right) > _LIMIT:
        raise UnknownError("an operation on values that are not numbers")
    return _arithmetic(kind, left, right)


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
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
