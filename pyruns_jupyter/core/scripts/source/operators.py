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


def _shifted(left: Any, right: Any) -> Any:
    if not 0 <= right <= 64:
        raise UnknownError("an operation")
    return left << right


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
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
    ast.LShift: _shifted,
    ast.RShift: operator.rshift,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


def unary(kind: ast.unaryop, value: Any) -> Any:
    """Return the result of an operator with one operand, other than `not`."""
    if not isinstance(value, (int, float)):
        raise UnknownError("an operation")
    return _OPERATORS[type(kind)](value)


def compare(kind: ast.cmpop, left: Any, right: Any) -> Any:
    """Return the result of one comparison."""
    weight((left, right))
    return _OPERATORS[type(kind)](left, right)


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
    if isinstance(kind, ast.Add) and not _number(left):
        if isinstance(left, str) is not isinstance(right, str):
            raise UnknownError("an operation")
        return sized(left + right)
    if isinstance(kind, ast.Mult) and _number(left) != _number(right):
        many, times = (right, left) if _number(left) else (left, right)
        if not isinstance(many, (str, list, tuple)) or len(many) * int(times) > MAX_TEXT:
            raise UnknownError("an operation")
        return many * times
    if all(isinstance(one, (dict, set, frozenset)) for one in (left, right)):
        return sized(_OPERATORS[type(kind)](left, right))
    if not (_number(left) and _number(right)) or abs(left) > _LIMIT or abs(right) > _LIMIT:
        raise UnknownError("an operation on values that are not numbers")
    result = _OPERATORS[type(kind)](left, right)
    if isinstance(result, complex):
        raise UnknownError("not plain data")
    return result
