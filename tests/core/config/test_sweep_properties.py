"""What holds for every sweep: the text around a value, exact ranges, checks that leave nothing out."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.sweep.batch import expand
from pyruns_jupyter.core.config.sweep.naming import default_names, pattern_names
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.yamltext.textscan import ScanError
from pyruns_jupyter.core.config.yamltext.values import identity
from pyruns_jupyter.core.create.validate_argv import validate_argv
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.reading import read_parameters

# Blocks of a template: text with one place for a sweep (or none), which is what may change.
BLOCKS = [
    "k{n}: @  # note {n}\n",
    "k{n}:   @\n\n# between\n",
    "m{n}:\n  # inner\n  a: @   # first\n  b: 'x | y'  # kept\n",
    "m{n}:\n    deep:\n        deeper: @ # here\n    other: 1\n",
    'f{n}: {{a: @, b: [1, @], c: "p|q"}}  # flow\n',
    "l{n}:\n- @  # one\n- two\n-   three # | 3\n",
    "l{n}:\n  - name: @\n    size: 2\n  # in between\n  - name: y\n",
    "t{n}: |\n  a | b\n  # no comment\n  1:4\n",
    't{n}: >-\n  folded\n  text\nu{n}: "two\n  lines | x"  # q\n',
    "a{n}: &anchor{n}\n  x: 1  # anchored\nb{n}: *anchor{n}\nc{n}:\n  <<: *anchor{n}\n  y: @\n",
    "\"q{n}\": 'it''s'  # quoted key\n",
    "long{n}: [\n  @,  # c1\n  2\n]  # end\n",
    "é{n}: @ # ß\n",
    "e{n}:   # nothing\n",
    "command{n}: a\\|b\n",
]
SWEEPS = [
    "1 | 2",
    "a | 'b | c' | \"d\"",
    "1:4",
    "0.1:0.5:0.2",
    "[1, 2] | [3]",
    "log(1, 100, 3)",
    "x",
    "null",
    "1e-3",
]


@st.composite
def templates(draw: st.DrawFn) -> str:
    parts = []
    for number in range(draw(st.integers(1, 4))):
        block = draw(st.sampled_from(BLOCKS)).format(n=number)
        parts.append(re.sub("@", lambda _: draw(st.sampled_from(SWEEPS)), block))
    head = draw(st.sampled_from(["", "# head\n", "\n\n", "---\n"]))
    text = head + "".join(parts)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@given(templates())
def test_a_configuration_is_the_template_with_other_values(text: str) -> None:
    plan = SweepPlan.parse(text, limit=10**6)
    places = plan.template.places
    for index in {0, plan.count // 2, plan.count - 1}:
        made = plan.config_text(index)
        # What stands between the places is there, byte for byte and in order: comments, spaces, line ends.
        around, position = [], 0
        for place in places:
            around.append(text[position : place.start])
            position = place.end
        around.append(text[position:])
        pattern = "(.*?)".join(map(re.escape, around))
        assert re.fullmatch(pattern, made, re.DOTALL), (around, made)
        config = plan.config(index)
        again = SweepPlan.parse(made)
        assert again.count == 1
        assert identity(again.config(0)) == identity(config)
        loaded = yaml.safe_load(made)
        assert list(loaded) == list(config)
        assert [*map(str, loaded)] == [*config]


@given(
    st.decimals(-100, 100, places=3),
    st.decimals(-100, 100, places=3),
    st.decimals(-10, 10, places=3).filter(bool),
)
def test_ranges_do_not_drift(start: Decimal, stop: Decimal, step: Decimal) -> None:
    expected: list[float] = []
    while len(expected) <= 300 and (
        start + step * len(expected) < stop if step > 0 else start + step * len(expected) > stop
    ):
        expected.append(float(start + step * len(expected)))
    text = f"{start}:{stop}:{step}"
    if len(expected) > 300:
        with pytest.raises(ScanError, match="values, but at most 300"):
            expand(text, key="", limit=300)
    elif expected:
        found = expand(text, key="", limit=300)
        assert [one.value for one in found.candidates] == expected
        assert all(len(one.text) < 12 for one in found.candidates)


SCRIPT = """\
import argparse

parser = argparse.ArgumentParser(prefix_chars="-")
parser.add_argument("src", nargs="?")
parser.add_argument("rest", nargs="*", type=int)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--opt", choices=["sgd", "adam"])
parser.add_argument("--size", type=int, choices=range(3))
parser.add_argument("--flag", action="store_true")
parser.add_argument("--pair", type=int, nargs=2)
parser.add_argument("--tag", action="append")
group = parser.add_mutually_exclusive_group()
group.add_argument("--fast", type=int)
group.add_argument("--slow", type=int)
commands = parser.add_subparsers(dest="cmd")
train = commands.add_parser("train")
train.add_argument("--epochs", type=int, required=True)
train.add_argument("--mode", choices=["a", "b"])
test = commands.add_parser("test")
test.add_argument("--size", type=int)
"""
PARAMETERS = read_parameters(SCRIPT)
CANDIDATES = {
    "src": ["x", "null", "-y", "3"],
    "rest": ["[1, 2]", "null", "[]", "[a]", "5"],
    "lr": ["0.1", "1", "-2", "x", "null", ".inf", "1:6", "[1, 2]"],
    "seed": ["1", "2.5", "null", "true", "3.0", "0:5", "-1", "x"],
    "opt": ["sgd", "adam", "rms", "null"],
    "size": ["0:3", "7", "0"],
    "flag": ["true", "false", "null", "1"],
    "pair": ["[1, 2]", "[1]", "3", "[1, x]"],
    "tag": ["[a, b]", "c", "null"],
    "fast": ["1", "null", "x"],
    "slow": ["1", "null", "2"],
    "cmd": ["train", "test", "null", "what"],
    "train.epochs": ["1", "null", "x", "1:4"],
    "train.mode": ["a", "c", "null"],
    "test.size": ["1", "y", "null"],
    "unknown": ["1", "null"],
}


@st.composite
def sweeps(draw: st.DrawFn) -> str:
    lines: dict[str, list[str]] = {"": []}
    for key in draw(st.lists(st.sampled_from(sorted(CANDIDATES)), unique=True, min_size=1, max_size=6)):
        chosen = draw(st.lists(st.sampled_from(CANDIDATES[key]), unique=True, min_size=1, max_size=3))
        value = " | ".join(chosen)
        zipped = len(chosen) == 2 and not any(":" in one for one in chosen) and draw(st.booleans())
        parent, _, last = key.rpartition(".")
        lines.setdefault(parent, []).append(f"{last}: ({value})" if zipped else f"{last}: {value}")
    top = lines.pop("")
    nested = [f"{parent}:\n  " + "\n  ".join(below) for parent, below in lines.items()]
    return "\n".join([*top, *nested]) + "\n"


@given(sweeps())
def test_the_quick_check_finds_what_trying_all_finds(text: str) -> None:
    plan = SweepPlan.parse(text)
    assume(plan.count <= 300)
    wrong = set()
    for config in plan:
        try:
            build_argv(PARAMETERS, config)
        except InvalidInput as error:
            wrong |= {(one.field, one.message) for one in getattr(error, "errors", [error])}
    tried = 0

    def build(config: object) -> object:
        nonlocal tried
        tried += 1
        return build_argv(PARAMETERS, config)  # type: ignore[arg-type]

    found = {(one.field, one.message) for one in validate_argv(plan, PARAMETERS, build)}
    assert tried <= plan.count
    if len(wrong) <= 20:
        assert found == wrong, text


def test_the_quick_check_is_quick() -> None:
    tried = 0

    def build(config: object) -> object:
        nonlocal tried
        tried += 1
        return build_argv(PARAMETERS, config)  # type: ignore[arg-type]

    plan = SweepPlan.parse("seed: 0:100\nlr: uniform(0, 1, 50)\nopt: sgd | adam\n")
    assert plan.count == 10_000
    assert validate_argv(plan, PARAMETERS, build) == []
    assert tried < 50


@given(st.lists(st.integers(1, 12), min_size=1, max_size=3), st.booleans())
def test_names_stand_in_the_order_of_the_plan(sizes: list[int], pattern: bool) -> None:
    plan = SweepPlan.parse(
        "".join(f"k{number}: uniform(-1, 1, {size})\n" for number, size in enumerate(sizes))
    )
    made = pattern_names(plan, "run{n}_{k0:.3f}") if pattern else default_names(plan, "x")
    assert made == sorted(made)
    assert len(set(made)) == len(made) == plan.count


@given(st.text(max_size=30))
def test_any_pattern_makes_names_or_a_sentence(pattern: str) -> None:
    plan = SweepPlan.parse("lr: 1 | 2\nm: {k: x}\n")
    for text in (pattern, "{" + pattern, "{lr:" + pattern + "}", "{" + pattern + "}"):
        try:
            assert len(set(pattern_names(plan, text))) == 2
        except InvalidInput as error:
            assert error.field == "name"  # noqa: PT017
            assert error.message.endswith((".", "?"))  # noqa: PT017


@given(st.text(alphabet="ab:|()[]{},'\"\\ #\n-1&*!", max_size=40), st.text(alphabet="ab |\n", max_size=10))
def test_examining_never_fails(text: str, more: str) -> None:
    plan = SweepPlan(f"{text}\nk: 1 | | {more}\n")
    for error in plan.errors:
        assert error.line
        assert error.column
        assert error.field
    try:
        SweepPlan.parse(text)
    except InvalidInputs as error:
        assert error.errors  # noqa: PT017
