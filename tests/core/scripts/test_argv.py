"""Argument words: what argparse makes of them is the configuration again."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.reading import read_parameters

SCRIPT = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("src")
p.add_argument("rest", nargs="*")
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("-n", "--num-epochs", type=int, default=3)
p.add_argument("--verbose", action="store_true")
p.add_argument("--no-cache", action="store_false", dest="cache")
p.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
p.add_argument("--layers", nargs="+", type=int)
p.add_argument("--two", nargs=2)
p.add_argument("--opt1", nargs="?")
p.add_argument("--tag", action="append")
p.add_argument("--more", action="append", default=["d"])
p.add_argument("--ext", action="extend", nargs="+")
p.add_argument("-V", "--verb", action="count", default=0)
p.add_argument("--konst", action="store_const", const=5)
p.add_argument("--under_score")
p.add_argument("--kind", choices=["a", "b"])
p.add_argument("--size", type=int, choices=[1, 2])
p.add_argument("-s", type=int)
p.add_argument("--opt.lr", type=float)
p.add_argument("--truth", type=bool, default=True)
"""
KNOWN = read_parameters(SCRIPT)
_SCOPE: dict[str, Any] = {}
exec(SCRIPT, _SCOPE)  # the test's own text
PARSER: argparse.ArgumentParser = _SCOPE["p"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"lr": 1e-5, "verbose": True, "cache": False}, "--lr 1e-05 --verbose --no-cache"),
        ({"amp": False}, "--no-amp"),
        ({"verbose": False, "cache": True, "amp": True, "tag": None}, ""),
        ({"two": [3, 4], "rest": ["x", "y"], "layers": [5]}, "x y --two 3 4 --layers 5"),
        ({"layers": 5, "opt1": "X", "tag": ["a", "b"]}, "--layers 5 --opt1 X --tag a --tag b"),
        ({"ext": ["c", "d"]}, "--ext c d"),
        ({"verb": 3, "konst": 5, "under_score": "u"}, "--verb --verb --verb --konst --under_score u"),
        ({"more": ["d", "e"]}, "--more e"),
        ({"more": ["d"], "tag": []}, ""),
        ({"num_epochs": 7, "s": 9}, "--num-epochs 7 -s 9"),
        ({"num-epochs": 7}, "--num-epochs 7"),
        ({"num_epochs": 1e3}, "--num-epochs 1000"),
        ({"num_epochs": "5", "lr": 1}, "--num-epochs 5 --lr 1"),
        ({"lr": -5}, "--lr -5"),
        ({"lr": -1e-5}, "--lr=-1e-05"),
        ({"under_score": "-x"}, "--under_score=-x"),
        ({"opt": {"lr": 0.5}}, "--opt.lr 0.5"),
        ({"kind": "b", "size": 2}, "--kind b --size 2"),
        ({"truth": True}, ""),
    ],
)  # fmt: skip
def test_words(config: dict[str, object], words: str) -> None:
    assert build_argv(KNOWN, {"src": "s", **config}) == ["s", *words.split()]
    PARSER.parse_args(["s", *words.split()])


def test_a_positional_that_looks_like_an_option_is_protected() -> None:
    words = build_argv(KNOWN, {"src": "-x", "layers": [1, 2]})
    assert words == ["--layers", "1", "2", "--", "-x"]
    assert PARSER.parse_args(words).src == "-x"


def test_an_empty_text_is_a_word() -> None:
    assert build_argv(KNOWN, {"src": "s", "under_score": ""}) == ["s", "--under_score", ""]


@pytest.mark.parametrize(
    ("config", "key", "message"),
    [
        ({}, "src", "required"),
        ({"src": None}, "src", "required"),
        ({"src": "--"}, "src", "removes"),
        ({"num_epoch": 3}, "num_epoch", "Did you mean num_epochs?"),
        ({"zzz": 3}, "zzz", "no argument zzz"),
        ({"lr": "fast"}, "lr", "expects a number"),
        ({"num_epochs": 1.5}, "num_epochs", "expects an integer"),
        ({"num_epochs": True}, "num_epochs", "not a boolean"),
        ({"under_score": False}, "under_score", "Quote false"),
        ({"verbose": 3}, "verbose", "true or false"),
        ({"two": [1]}, "two", "expects 2 values"),
        ({"layers": []}, "layers", "at least one value"),
        ({"layers": ["x"]}, "layers", "expects an integer"),
        ({"layers": [1, None]}, "layers", "contains a null value"),
        ({"kind": "c"}, "kind", "one of a, b"),
        ({"size": 3}, "size", "one of 1, 2"),
        ({"more": ["e"]}, "more", "start with these items"),
        ({"verb": -1}, "verb", "is counted"),
        ({"verb": True}, "verb", "is counted"),
        ({"konst": 6}, "konst", "can only be 5"),
        ({"lr": {"a": 1}}, "lr", "a mapping"),
        ({"opt1": [1, 2]}, "opt1", "not a list"),
        ({"num_epochs": 1, "num-epochs": 2}, "num-epochs", "twice"),
        ({"two": ["-x", "y"]}, "two", "option"),
        ({"under_score": "--"}, "under_score", "removes"),
    ],
)
def test_a_mismatch_names_its_key(config: dict[str, object], key: str, message: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        build_argv(KNOWN, config if not config or "src" in config else {"src": "s", **config})
    assert [error.field for error in caught.value.errors] == [key]
    assert message in caught.value.message


def test_all_mismatches_are_told_at_once() -> None:
    with pytest.raises(InvalidInputs) as caught:
        build_argv(KNOWN, {"lr": "x", "kind": "c"})
    assert {error.field for error in caught.value.errors} == {"src", "lr", "kind"}


def test_a_parser_that_is_not_fully_known_takes_any_key() -> None:
    script = read_parameters(
        "import argparse\np = argparse.ArgumentParser()\nfor n in x: p.add_argument(n)\n"
    )
    config = {"lr": 3, "on": True, "off": False, "none": None, "many": [1, 2]}
    assert build_argv(script, config) == ["--lr", "3", "--on", "--many", "1", "--many", "2"]


def test_a_custom_converter_with_a_boolean_default_takes_booleans() -> None:
    script = read_parameters("p.add_argument('--amp', type=str2bool, default=False)")
    assert build_argv(script, {"amp": True}) == ["--amp", "True"]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CONFIGS = st.fixed_dictionaries(
    {"src": st.text(alphabet="abc 世", min_size=1)},
    optional={
        "lr": NUMBERS,
        "num_epochs": st.integers(),
        "verbose": st.booleans(),
        "cache": st.booleans(),
        "amp": st.booleans(),
        "layers": st.lists(st.integers(), min_size=1, max_size=4),
        "two": st.lists(st.text(alphabet="ab", min_size=1), min_size=2, max_size=2),
        "opt1": st.text(alphabet="ab-= ", min_size=1).filter(lambda text: text != "--"),
        "tag": st.lists(st.text(alphabet="ab-= ").filter(lambda text: text != "--"), min_size=1, max_size=3),
        "ext": st.lists(st.text(alphabet="ab", min_size=1), min_size=1, max_size=3),
        "verb": st.integers(0, 5),
        "konst": st.sampled_from([None, 5]),
        "under_score": st.text(alphabet="ab-= \n").filter(lambda text: text != "--"),
        "kind": st.sampled_from(["a", "b", None]),
        "size": st.sampled_from([1, 2]),
        "s": st.integers(-5, 5),
        "truth": st.booleans(),
    },
)


@given(CONFIGS)
def test_the_real_parser_gives_the_configuration_back(config: dict[str, object]) -> None:
    parsed = vars(PARSER.parse_args(build_argv(KNOWN, config)))
    assert {key: parsed[key] for key in config} == config


def test_a_default_that_no_word_means_is_left_out() -> None:
    source = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--gamma", default=0.1)
p.add_argument("--k", choices=[1, 2], default=1)
p.add_argument("--sizes", nargs="+", default=[3, 3])
p.add_argument("--name", default="x")
args = p.parse_args()
"""
    known = read_parameters(source)
    assert [(one.line, "has no type" in one.message) for one in known.problems] == [(4, True), (5, True)]
    config = {"gamma": 0.1, "k": 1, "sizes": [3, 3], "name": "x"}
    assert build_argv(known, config) == []
    assert build_argv(known, config, pass_defaults=True) == ["--name", "x"]
    assert build_argv(known, {"gamma": 0.5}) == ["--gamma", "0.5"]
    with pytest.raises(InvalidInputs) as caught:
        build_argv(known, {"k": 2})
    assert "type=int" in caught.value.errors[0].message


def test_a_suggestion_ends_as_a_question() -> None:
    known = read_parameters(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\np.parse_args()\n"
    )
    with pytest.raises(InvalidInputs) as caught:
        build_argv(known, {"lrr": 1})
    assert caught.value.errors[0].message == "The script has no argument lrr. Did you mean lr?"
