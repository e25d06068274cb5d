"""The first items of a long list are those that sorting all of it gives."""

import math
import random
from typing import Any

import pytest

from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.query.fields import MISSING
from pyruns_jupyter.core.query.order import sort_by
from pyruns_jupyter.core.query.values import value_text

COUNT = 20_000  # enough for the quick way to the first items
_DRAW = random.Random(3)
COLUMNS: dict[str, list[Any]] = {
    "numbers": [_DRAW.random() for _ in range(COUNT)],
    "equal": [at % 4 for at in range(COUNT)],
    "numbers in order, some equal": [at // 3 for at in range(COUNT)],
    "numbers in order but for the last one": [*range(1, COUNT), 0],
    "whole numbers that floats cannot tell apart": [2**53 + _DRAW.randrange(9) for _ in range(COUNT)],
    "numbers too large for floats": [10**400 * (at % 5000 == 0) + at % 7 for at in range(COUNT)],
    "some missing, some not a number": [
        _DRAW.choice([_DRAW.random(), None, MISSING, math.nan, True]) for _ in range(COUNT)
    ],
    "few numbers": [_DRAW.random() if at % 500 == 0 else MISSING for at in range(COUNT)],
    "infinities": [_DRAW.choice([math.inf, -math.inf, _DRAW.random()]) for _ in range(COUNT)],
    "few texts": [_DRAW.choice(["lr10", "lr2", "Lr3", None]) for _ in range(COUNT)],
    "texts": [f"run{_DRAW.randrange(10**6)}" for _ in range(COUNT)],
    "texts among numbers": [
        _DRAW.choice(["auto", "a10", _DRAW.random(), [1, 2], MISSING]) for _ in range(COUNT)
    ],
}


def reference(values: list[Any], is_descending: bool) -> list[int]:
    """Return all positions, sorted one group after the other."""
    groups: tuple[list[int], list[int], list[int]] = ([], [], [])
    for at, value in enumerate(values):
        is_number = isinstance(value, (int, float))
        is_missing = value is None or value is MISSING or (is_number and value != value)
        groups[2 if is_missing else 0 if is_number else 1].append(at)
    numbers, texts, missing = groups
    numbers.sort(key=lambda at: values[at], reverse=is_descending)
    texts.sort(key=lambda at: natural_key(value_text(values[at])), reverse=is_descending)
    return [*texts, *numbers, *missing] if is_descending else [*numbers, *texts, *missing]


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("is_descending", [False, True])
def test_the_first_items(name: str, is_descending: bool) -> None:
    values = COLUMNS[name]
    expected = reference(values, is_descending)
    for first in (1, 100, 1000, 15_000, None):
        assert sort_by(range(COUNT), values, is_descending, first) == expected[:first]
