"""Choosing the points of a long curve that a picture of it needs: what stands out stays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def select_points(values: Sequence[Any], points: int) -> list[int]:
    """Return the places of at most `points` of some values (but two at least), in their order.

    The first and the last one are among them, and of each of equally long parts in between the smallest and
    the largest. What is no finite number is neither, and only kept where it is first or last.
    """
    count = len(values)
    if count <= max(points, 2):
        return list(range(count))
    parts = max(0, (points - 2) // 2)
    found = {0, count - 1}
    for part in range(parts):
        begin = 1 + part * (count - 2) // parts
        end = 1 + (part + 1) * (count - 2) // parts
        places = [place for place in range(begin, end) if _is_number(values[place])]
        if places:
            found.add(min(places, key=values.__getitem__))
            found.add(max(places, key=values.__getitem__))
    return sorted(found)


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))
