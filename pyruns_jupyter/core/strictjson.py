"""Values as strict JSON has them: a browser's parser knows no NaN and no infinity."""

from __future__ import annotations

import math
from typing import Any

_MAX_DEPTH = 20


def strict(value: Any, depth: int = 0) -> Any:
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
        return {key: strict(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if depth >= _MAX_DEPTH:
            return "..."
        return [strict(item, depth + 1) for item in value]
    return value
