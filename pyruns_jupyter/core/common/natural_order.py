"""Natural order of names: `lr2` before `lr10`."""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = re.compile(r"[0-9]+")


@lru_cache(maxsize=65536)
def natural_key(name: str) -> str:
    """Return a sort key that compares the digits in a name as numbers: `a2` before `a10`."""
    return _DIGITS.sub(_by_length, name.casefold()) + "\0" + name


def _by_length(found: re.Match[str]) -> str:
    digits = found.group().lstrip("0") or "0"
    return chr(0x30 + min(len(digits), 0x200)) + digits
