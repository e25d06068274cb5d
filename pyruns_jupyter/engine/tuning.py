"""Numbers among the settings that only the engine uses; a wrong value means the default."""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.settings import Settings


def number_setting(root: Path, key: str, default: float) -> float:
    """Return a number of seconds, 0 or more, from the settings in `root`."""
    value = Settings.load(root).values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        return default
    return float(value)
