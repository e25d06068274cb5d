"""What an adaptive sweep may try, read from a text, and what is wrong with it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.sweep.searchspace import Choices, Interval, SearchSpace

TEXT = """\
lr: log(1e-5, 1e-1)  # the rate
drop: uniform(0, 1)
layers: 1:9
width: log(16, 1024)
opt: adam | sgd | adam
batch: 16 | 32 | 64
decay: 0.1:0.5:0.1
shape: [64, 32 | 16]
model: {depth: 2 | 3, name: resnet}
seed: 1
"""


def test_values_are_ranges_and_choices() -> None:
    space = SearchSpace.parse(TEXT)
    told = {
        one.key: (one.low, one.high, one.log, one.whole)
        if isinstance(one, Interval)
        else ([candidate.value for candidate in one.candidates], one.ordered)
        for one in space.dimensions
    }
    assert told == {
        "lr": (1e-5, 1e-1, True, False),
        "drop": (0.0, 1.0, False, False),
        "layers": (1, 8, False, True),
        "width": (16, 1024, True, True),
        "opt": (["adam", "sgd"], False),
        "batch": ([16, 32, 64], True),
        "decay": ([0.1, 0.2, 0.3, 0.4], True),
        "shape.1": ([32, 16], False),
        "model.depth": ([2, 3], False),
    }
    assert space.size is None
    assert SearchSpace.parse("a: 1:9\nb: x | y").size == 16


def test_a_configuration_is_the_text_with_one_value_each() -> None:
    values = {
        "lr": 0.0123,
        "drop": 0.5,
        "layers": 3,
        "width": 100,
        "opt": "sgd",
        "batch": 64,
        "decay": 0.3,
        "shape.1": 16,
        "model.depth": 2,
    }
    text = SearchSpace.parse(TEXT).config_text(values)
    assert "lr: 0.0123  # the rate\n" in text
    made = yaml.safe_load(text)
    assert made["shape"] == [64, 16]
    assert made["model"] == {"depth": 2, "name": "resnet"}
    assert {**values, **made} == {**made, "shape.1": 16, "model.depth": 2}


@pytest.mark.parametrize(
    ("text", "field", "column", "said"),
    [
        ("a: (1 | 2)", "a", 4, "Zipped values"),
        ("a: log(1, 0.1)", "a", 4, "less than the upper bound"),
        ("a: uniform(1, 1)", "a", 4, "less than the upper bound"),
        ("a: log(0, 1)", "a", 4, "positive"),
        ("a: uniform(x, 1)", "a", 4, "not a number"),
        ("a: 1", "yaml", None, "search space is empty"),
        ("a: 1 |", "a", 7, "before or after a bar"),
    ],
)
def test_what_cannot_be_searched_is_told_with_its_place(
    text: str, field: str, column: int | None, said: str
) -> None:
    with pytest.raises(InvalidInputs) as caught:
        SearchSpace.parse(text)
    [error] = caught.value.errors
    assert (error.field, error.column) == (field, column)
    assert said in error.message


def test_a_sweep_says_who_searches_ranges_without_a_count() -> None:
    with pytest.raises(InvalidInput, match="Only a study"):
        SweepPlan.parse("lr: log(1e-5, 1e-1)")


@given(low=st.floats(-1e6, 1e6), high=st.floats(-1e6, 1e6), part=st.floats(0, 1))
def test_numbers_are_readable_and_within_their_ends(low: float, high: float, part: float) -> None:
    low, high = min(low, high), max(low, high)
    near = Interval("a", ("a",), 1, 1, low, high).near(low + (high - low) * part)
    assert low <= near <= high
    assert near in (low, high) or len(repr(near).replace("-", "").replace(".", "").strip("0")) <= 6 + 4


@given(
    st.lists(st.one_of(st.integers(-99, 99), st.booleans(), st.sampled_from(["a", "1", "true"])), min_size=2)
)
def test_each_choice_is_found_again_by_its_value(values: list[object]) -> None:
    text = "a: " + " | ".join(f'"{one}"' if isinstance(one, str) else str(one).lower() for one in values)
    space = SearchSpace(text)
    if space.errors:  # all are equal
        assert len({(type(one), one) for one in values}) == 1
        return
    [choices] = space.dimensions
    assert isinstance(choices, Choices)
    for at, candidate in enumerate(choices.candidates):
        assert choices.index(candidate.value) == at
        [made] = yaml.safe_load(space.config_text({"a": candidate.value})).values()
        assert (type(made), made) == (type(candidate.value), candidate.value)
