"""The statistics of curves as the rows of tasks have them, in little memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from functools import lru_cache
from struct import Struct as Layout
from sys import intern
from typing import Any

from msgspec import Struct

from .expressions import Aggregate
from .statistics import KEY, MAX_KEY, MAX_KEYS, numeric, value_of

_FOUR = Layout("4d")  # count, minimum, maximum and sum of a curve
_WIDTH = 4


class RowStatistics(Struct, frozen=True, array_like=True, gc=False):
    """The statistics of all curves of a run: for each of the keys, four numbers."""

    keys: tuple[str, ...]
    numbers: bytes

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    @property
    def is_complete(self) -> bool:
        """Whether each key has its numbers."""
        return len(self.numbers) == _FOUR.size * len(self.keys)

    def value(self, aggregate: Aggregate) -> float | None:
        """Return the value of an aggregate that needs no points, None if there is none."""
        if aggregate.key not in self.keys:
            return None
        start = _FOUR.size * self.keys.index(aggregate.key)
        return value_of(aggregate.function, *_FOUR.unpack_from(self.numbers, start))


@lru_cache(maxsize=256)
def shared_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the same object for equal keys: the runs of a script have the same curves."""
    return tuple(map(intern, keys))


def stored_statistics(facts: Mapping[str, Any], run: int) -> RowStatistics | None:
    """Return the statistics of run `run` in our own part of a task file, None if they are not there.

    Raises nothing, whatever the file contains: invalid ones are omitted.
    """
    stored = facts.get(KEY)
    found = stored.get(str(run)) if isinstance(stored, dict) else None
    if not isinstance(found, dict) or len(found) > MAX_KEYS:
        return None
    keys: list[str] = []
    numbers = array("d")
    for key, four in found.items():
        if len(key) > MAX_KEY or not isinstance(four, list) or len(four) != _WIDTH:
            continue
        try:
            numbers.extend(four)
        except (TypeError, OverflowError):  # null, NaN, or damaged
            del numbers[len(keys) * _WIDTH :]
            known = [numeric(one) for one in four]
            numbers.extend(math.nan if one is None else one for one in known)
        keys.append(key)
    return RowStatistics(shared_keys(tuple(keys)), numbers.tobytes())
