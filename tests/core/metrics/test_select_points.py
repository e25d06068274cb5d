"""Thinned curves keep their ends and what stands out."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.metrics.select_points import select_points

NUMBERS = st.one_of(st.floats(), st.integers(-5, 5), st.none(), st.text(max_size=2), st.booleans())


@given(st.lists(NUMBERS, max_size=300), st.integers(2, 60))
def test_what_is_kept(values: list[object], points: int) -> None:
    places = select_points(values, points)
    assert places == sorted(set(places))
    assert len(places) <= max(points, 2)
    assert len(places) == len(values) or len(values) > points
    if values:
        assert places[0] == 0
        assert places[-1] == len(values) - 1
    numbers = [value for value in values if type(value) in (int, float) and math.isfinite(value)]  # type: ignore[arg-type]
    if numbers and points >= 4:
        kept = [values[place] for place in places]
        inner = [
            value
            for value in values[1:-1]
            if type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
        ]
        if inner:
            assert min(inner) in kept  # type: ignore[type-var]
            assert max(inner) in kept  # type: ignore[type-var]


def test_a_peak_is_seen() -> None:
    values = [0.0] * 100_000
    values[70_123] = 5.0
    values[12] = -1.0
    places = select_points(values, 500)
    assert {12, 70_123} <= set(places)
    assert len(places) <= 500
