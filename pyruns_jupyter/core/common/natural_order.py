"""Natural order of names: `lr2` before `lr10`."""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Collection, Iterable
from functools import lru_cache

_DIGITS = re.compile(r"[0-9]+")
_MAX_INSERTED = 500  # names; more are sorted together with all others


@lru_cache(maxsize=4096)
def natural_key(name: str) -> str:
    """Return a sort key that compares the digits in a name as numbers: `a2` before `a10`."""
    return _DIGITS.sub(_by_length, name.casefold()) + "\0" + name


def _by_length(found: re.Match[str]) -> str:
    digits = found.group().lstrip("0") or "0"
    return chr(0x30 + min(len(digits), 0x200)) + digits


def in_natural_order(names: Collection[str], ordered: Iterable[str]) -> list[str]:
    """Return names in natural order; those in `ordered` are in that order already."""
    found = [name for name in ordered if name in names]
    if len(found) == len(names):
        return found
    known = set(found)
    new = [name for name in names if name not in known]
    if len(new) > _MAX_INSERTED:
        return sorted(names, key=natural_key)
    for name in new:
        insort(found, name, key=natural_key)
    return found
