"""Numbers that strict JSON does not have, NaN and the infinities, as the texts "NaN", "Infinity" and
"-Infinity": a browser's parser knows no others, and `pyruns` changes no task file with others.
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
    """Return a number that is read from a file as a float; None if it is none, or not between +-`limit`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -limit < value < limit:
        return None
    return float(value)


def encode_nonfinite(value: Any, depth: int = 0) -> Any:
    """Return `value` with NaN and the infinities as the texts "NaN", "Infinity" and "-Infinity".

    What is nested more than 20 deep is cut to "...".
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
    """Return what was reported with those texts as numbers again; the same object when there are none, or
    none in the outer 60 levels.
    """
    kind = type(value)
    if kind is str:
        return _NUMBERS.get(value, value)
    if kind is list or kind is dict:
        inner = value.values() if kind is dict else value
        if depth >= _MAX_NUMERIC_DEPTH or all(type(item) in _PLAIN for item in inner):
            return value
        items = [decode_nonfinite(item, depth + 1) for item in inner]
        if all(map(is_, items, inner)):
            return value
        return items if kind is list else dict(zip(value, items, strict=True))
    return value
