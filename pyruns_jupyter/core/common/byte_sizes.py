"""Human-readable amounts of memory; units are powers of 1024, as in Slurm."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([KMGT])(?:i?B)?", re.IGNORECASE)
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int | None:
    """Return the bytes of `800M`, `16G`, `16GiB` or `1.5T`; None for any other text."""
    found = _SIZE.fullmatch(text.strip())
    return round(float(found[1]) * _UNITS[found[2].upper()]) if found else None


def size_text(size: float) -> str:
    """Return `100 MiB` or `12.3 GiB` for a number of bytes."""
    unit = _unit_of(size)
    return f"{_number(size, unit)} {unit}iB"


def share_text(part: float, whole: float) -> str:
    """Return `12.3 of 16 GiB` for two numbers of bytes."""
    return f"{_number(part, _unit_of(whole))} of {size_text(whole)}"


def slurm_size(size: int) -> str:
    """Return a number of bytes in the format of Slurm, in the largest unit without a fraction."""
    for unit in ("T", "G", "M"):
        if size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return f"{-(-size // _UNITS['K'])}K"


def _unit_of(size: float) -> str:
    return "G" if size >= _UNITS["G"] else "M"


def _number(size: float, unit: str) -> str:
    number = size / _UNITS[unit]
    return f"{number:.0f}" if number >= 1000 else f"{round(number, 1):g}"
