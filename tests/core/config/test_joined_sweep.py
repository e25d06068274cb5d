"""Several configurations as one sweep: it has exactly these."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.sweep.joined_sweep import joined_sweep
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.yamltext.values import identity

TEXTS = some.text(alphabet="ab1:|\\,()[]{}'\" #-.\n", max_size=12)
LISTS = some.lists(TEXTS, max_size=3)
NUMBERS = some.one_of(some.integers(), some.floats(allow_nan=False))
VALUES = some.one_of(some.none(), some.booleans(), NUMBERS, TEXTS, LISTS)
NETS = some.fixed_dictionaries({"size": VALUES})
CONFIGS = some.fixed_dictionaries({"lr": VALUES, "name": VALUES, "net": NETS})


def configs_of(text: str) -> list[dict[str, Any]]:
    plan = SweepPlan.parse(text)
    return [plan.config(index) for index in range(len(plan))]


def test_comments_and_order_are_kept() -> None:
    texts = ["# the rate\nlr: 0.1  # initial\nopt: sgd\nbs: 32\n", "opt: adam\nbs: 32\nlr: 1e-5\n"]
    joined = joined_sweep(texts, ["a", "b"])
    assert joined == "# the rate\nlr: (0.1 | 1.0e-05)  # initial\nopt: (sgd | adam)\nbs: 32\n"
    assert configs_of(joined) == [parse_config(text) for text in texts]


def test_text_that_looks_like_a_sweep_stays_text() -> None:
    texts = ["model: a | b\nrange: 1:4\nx: 1\n", "model: a | b\nrange: 1:4\nx: log(1, 2, 3)\n"]
    configs = configs_of(joined_sweep(texts, ["a", "b"]))
    assert configs == [
        {"model": "a | b", "range": "1:4", "x": 1},
        {"model": "a | b", "range": "1:4", "x": "log(1, 2, 3)"},
    ]


def test_a_text_that_has_no_end_as_a_sweep_is_written_anew() -> None:
    texts = ["lr: 1\nname: [)|]\nnet: {size: 2}\n", "lr: 2\nname: [)|]\nnet: {size: 2}\n"]
    assert configs_of(joined_sweep(texts, ["a", "b"])) == [parse_config(text) for text in texts]


def test_equal_configurations_are_one() -> None:
    assert joined_sweep(["lr: 1\n", "lr: 1  # again\n"], ["a", "b"]) == "lr: 1\n"


@given(some.lists(CONFIGS, min_size=1, max_size=4))
def test_a_sweep_has_exactly_the_configurations(configs: list[dict[str, Any]]) -> None:
    texts = [yaml.safe_dump(config, default_flow_style=None) for config in configs]
    read = [parse_config(text) for text in texts]
    found = configs_of(joined_sweep(texts, [f"t{number}" for number in range(len(texts))]))
    distinct = {identity(one): one for one in read}
    assert list(distinct) == [identity(one) for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: &y 2\nc: *?\nd: [*x]\n",
        "a: &x {lr: 1}\nb: &y {lr: 2}\nc:\n  <<: *?\n  bs: 3\n",
        "a: &x {lr: 1}\nb: &y [1, 2]\nc: {d: *x, e: *y}\nf: *x\ng: '?'\n",
    ],
)
def test_values_that_aliases_repeat_may_differ(text: str) -> None:
    texts = [text.replace("?", name) for name in "xy"]
    assert configs_of(joined_sweep(texts, ["a", "b"])) == [parse_config(text) for text in texts]


def test_what_cannot_be_joined_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"only one of them has the key 'lr'"):
        joined_sweep(["", "lr: 2\n"], ["a", "b"])
    with pytest.raises(InvalidInput, match=r"two values have the name 'a\.b'"):
        joined_sweep(["a.b: 1\na: {b: 0}\n", "a.b: 2\na: {b: 0}\n"], ["a", "b"])
    with pytest.raises(InvalidInput, match=r"only one of them has the key 'a\.b'"):
        joined_sweep(["a.b: 1\n", "a: {b: 1}\n"], ["a", "b"])
    with pytest.raises(InvalidInput, match=r"The configurations of a and c cannot .* the key 'bs'\."):
        joined_sweep(["lr: 1\n", "lr: 2\n", "lr: 2\nbs: 3\n"], ["a", "b", "c"])
    with pytest.raises(InvalidInput, match="The configuration of b is not valid YAML, line"):
        joined_sweep(["lr: 1\n", "lr: [\n"], ["a", "b"])
