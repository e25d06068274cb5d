"""Numbers that JSON does not have (NaN and the infinities) as the texts "NaN", "Infinity" and "-Infinity".

The parser of a browser rejects them as numbers, and `pyruns` does not change a task file that has them.
"""

from __future__ import annotations

import math
import sys
from operator import is_
from typing import Any

_MAX_DEPTH = 20
_MAX_NUMERIC_DEPTH = 60
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_PLAIN = frozenset({float, int, bool, type(None)})


def finite_number(value: Any, limit: float = sys.float_info.max) -> float | None:
    """Return a number from a file as a float; None if it is not a number or not between +-`limit`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -limit < value < limit:
        return None
    return float(value)


def encode_nonfinite(value: Any, depth: int = 0) -> Any:
    """Return `value` with NaN and the infinities as the texts "NaN", "Infinity" and "-Infinity".

    Values nested more than 20 levels deep are replaced by "...".
    """
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        if depth >= _MAX_DEPTH:
            return "..."
        return {key: encode_nonfinite(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if depth >= _MAX_DEPTH:
            return "..."
        return [encode_nonfinite(item, depth + 1) for item in value]
    return value


def decode_nonfinite(value: Any, depth: int = 0) -> Any:
    """Return `value` with those texts as numbers again; the same object if there are none in the outer 60
    levels.
    """
    kind = type(value)
    if kind is str:
        return _NUMBERS.get(value, value)
    if kind is list or kind is dict:
        inner = value.values() if kind is dict else value
        if depth >= _MAX_NUMERIC_DEPTH or _PLAIN.issuperset(map(type, inner)):
            return value
        items = [decode_nonfinite(item, depth + 1) for item in inner]
        if all(map(is_, items, inner)):
            return value
        return items if kind is list else dict(zip(value, items, strict=True))
    return value
