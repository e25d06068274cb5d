"""What an adaptive sweep may try, read from a text, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.sweep.searchspace import Choices, Interval, SearchSpace, branches

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


CONDITIONS = """\
nested: {units: 8 | 16 if layers >= 3 else 0, kind: "x" | "y" if opt in (sgd, lamb) else z}
opt: adam | sgd | lamb
momentum: uniform(0, 0.99) if opt == sgd else 0.0  # of SGD
nesterov: true | false if momentum > 0.5 else false
layers: 1:6
text: "a if b == c else d" | other
"""


def active_values(space: SearchSpace, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values whose conditions hold."""
    return {key: values[key] for key in space.active_branches(values)}


def test_values_with_a_condition() -> None:
    space = SearchSpace.parse(CONDITIONS)
    keys = [one.key for one in space.dimensions]
    assert keys == ["nested.units", "nested.kind", "opt", "momentum", "nesterov", "layers", "text"]
    ordered = [one.key for one in space.ordered]
    for key, other in (("nested.units", "layers"), ("nested.kind", "opt"), ("nesterov", "momentum")):
        assert ordered.index(key) > ordered.index(other)
    values = {
        "nested.units": 16,
        "nested.kind": "y",
        "opt": "sgd",
        "momentum": 0.6,
        "nesterov": True,
        "layers": 2,
        "text": "a if b == c else d",
    }
    active = active_values(space, values)
    assert values.keys() - active.keys() == {"nested.units"}
    made = yaml.safe_load(space.config_text(active))
    assert made["nested"] == {"units": 0, "kind": "y"}
    assert (made["momentum"], made["nesterov"], made["text"]) == (0.6, True, "a if b == c else d")
    assert space.values_in(made) == active
    # A condition may depend on a value that is the one after else.
    adam = active_values(space, {**values, "opt": "adam"})
    nested = SearchSpace.parse("b: 1:4\na: 1:3 if b == 1 else none\nc: 1:3 if a == none else 0")
    assert active_values(nested, {"a": 1, "b": 2, "c": 1}) == {"b": 2, "c": 1}
    assert adam == {"opt": "adam", "layers": 2, "text": "a if b == c else d"}
    assert yaml.safe_load(space.config_text(adam))["nesterov"] is False
    assert space.values_in({**made, "layers": 9}) is None  # not in the space
    assert space.values_in({key: value for key, value in made.items() if key != "opt"}) is None
    assert "momentum: 0.0 | 0.99 | 0.0  # of SGD" in space.corners()


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("a: 1:3 if b == c else 0", 11, "b is not varied"),
        ("a: 1:3 if b == c else 0\nb: d | e", 11, "never has this value"),
        ("a: 1:3 if b < 1 else 0\nb: d | e", 11, "compares numbers"),
        ("a: 1:3 if b < x else 0\nb: 1:4", 15, "x is not a number"),
        ("a: 1:3 if b == 1 else log(3, 1)\nb: 1:4", 23, "must be less than"),
        ("a: 1:3 if b == 1 else 1:9 if b < x else 0\nb: 1:4", 34, "x is not a number"),
        ("a: 1:3 if b == 1 else 1:9 if c == 1 else 0\nb: 1:4\nc: 1:4", 30, "compare the same key, here b"),
        ("a: 1:3 if b == 1 else 1:9 if b == 1 else 0\nb: 1:4", 30, "each of them once"),
        ("a: 1:3 if b == 1 else 1:9 if b == 9 else 0\nb: 1:4", 30, "never has this value"),
        ("a: 1 if b == 1 else 1:9\nb: 1:4", 4, "several values before 'if'"),
        ("a: 1:3 if b in 1 else 0\nb: 1:4", 16, "opt in (adam, sgd)"),
        ("a: 1:3 if a == 1 else 0", 11, "depend on each other"),
        ("a: (1 | 2) if b == 1 else 0\nb: 1:4", 4, "Zipped values"),
        ("a: 1:2 if b == 1 else 0\nb: 1:4", 4, "several values before 'if'"),
    ],
)
def test_wrong_conditions_are_told_with_their_place(text: str, column: int, said: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        SearchSpace.parse(text)
    [error] = caught.value.errors
    assert (error.field, error.line, error.column) == ("a", 1, column)
    assert said in error.message


BRANCHES = """\
opt: adam | sgd | lamb
lr: log(1e-5, 1e-3) if opt == adam else 1e-1 | 2e-1 if opt == sgd else uniform(0, 1)
warm: 1:9 if lr < 0.1 else 0
steps: 1:4 if opt in (adam, "sgd") else 10 | 20 | 30 | 40 if opt == lamb else 0
"""


def test_a_value_has_a_range_for_each_condition() -> None:
    space = SearchSpace.parse(BRANCHES)
    lr, steps = space.dimensions[1], space.dimensions[3]
    assert [one.name for one in branches(lr)] == ["lr (opt == adam)", "lr (opt == sgd)", "lr (else)"]
    assert [(one.name, one.size) for one in branches(steps)] == [
        ('steps (opt in (adam, "sgd"))', 3),
        ("steps (opt == lamb)", 4),
    ]
    assert space.size is None  # lr
    for config, applies in (
        ({"opt": "adam", "lr": 1e-4, "warm": 2, "steps": 3}, "lr (opt == adam)"),
        ({"opt": "sgd", "lr": 0.2, "steps": 1}, "lr (opt == sgd)"),
        ({"opt": "lamb", "lr": 0.5, "steps": 40}, "lr (else)"),
    ):
        assert space.values_in(config) == config
        assert space.active_branches(config)["lr"].name == applies
    assert space.values_in({"opt": "sgd", "lr": 0.3, "steps": 1}) is None  # of another branch
    assert "lr: 0.2\n" in space.config_text({"opt": "sgd", "lr": 0.2, "steps": 1})
    assert "lr: 1.0e-05 | 0.001 | 0.1 | 0.2 | 0.0 | 1.0\n" in space.corners()
    sizes = SearchSpace.parse("a: x | y\nb: 1:3 if a == x else 1:6")
    assert sizes.size == 10  # an upper bound: there are 7 configurations


def test_the_number_of_conditions_of_a_value_is_limited() -> None:
    chain = "".join(f"1:3 if b == {at} else " for at in range(2000))
    [error] = SearchSpace(f"a: {chain}0\nb: 0:2000").errors
    assert "at most 20 conditions" in error.message
    text = "".join(f"x if b == {at} else " for at in range(2000))
    assert SearchSpace(f"a: {text}y\nb: 0:2000").dimensions[0].key == "b"


def test_a_circle_of_conditions_is_told_at_each_key() -> None:
    with pytest.raises(InvalidInputs) as caught:
        SearchSpace.parse("a: 1:3 if b == 1 else 0\nb: 1:4 if a == 1 else 0\nc: 1:3")
    assert [error.field for error in caught.value.errors] == ["a", "b"]


def test_a_long_chain_of_conditions_is_read() -> None:
    count = 2000
    chain = "".join(f"k{at}: 1:3 if k{at + 1} == 1 else 0\n" for at in range(count))
    space = SearchSpace(f"{chain}k{count}: 1:3\n", limit=10)
    assert not space.errors and [one.key for one in space.ordered] == [
        f"k{at}" for at in range(count, -1, -1)
    ]


def test_a_sweep_has_no_conditions() -> None:
    with pytest.raises(InvalidInput, match="Only a study can use values with a condition"):
        SweepPlan.parse("a: 1:3 if b == 1 else 0\nb: 1 | 2")
    assert SweepPlan.parse("a: x if b == 1 else y\nb: 1 | 2").count == 2  # not a range, so text


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
