"""The free command line of a script whose arguments could not be determined."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.commandline import file_texts
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.reading import read_parameters

SCRIPT = read_parameters("import sys\nprint(sys.argv)\n")


def test_the_default_configuration_proposes_it() -> None:
    assert SCRIPT.kind == "command"
    text = config_default_text(SCRIPT.parameters)
    assert text == 'command_line: ""  # arguments of the script; {key} inserts the value of a key\n'
    assert build_argv(SCRIPT, SweepPlan.parse(text).config(0)) == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, []),
        ({"command_line": None}, []),
        ({"command_line": "go --lr {lr} '{a dir}'", "lr": 0.1, "a dir": "a b"}, ["go", "--lr", "0.1", "a b"]),
        ({"command_line": "--lr={lr} -o{out}", "lr": 1e-5, "out": "x"}, ["--lr=1e-05", "-ox"]),
        ({"command_line": "--layers {l} x", "l": [1, 2]}, ["--layers", "1", "2", "x"]),
        ({"command_line": "--layers {l} x", "l": []}, ["x"]),
        ({"command_line": "--lr {lr} x", "lr": None}, ["x"]),
        ({"command_line": "y {lr} x", "lr": None}, ["y", "x"]),
        ({"command_line": "--lr={lr} x", "lr": None}, ["x"]),
        ({"command_line": "{{lr}} a{{b", }, ["{lr}", "a{b"]),
        ({"command_line": "{a.b} {c}", "a": {"b": 1}, "c": True}, ["1", "true"]),
        ({"command_line": "run {x}", "x": "; rm -rf / $(id) {y} '"}, ["run", "; rm -rf / $(id) {y} '"]),
        ({"command_line": "a\nb"}, ["a", "b"]),
        ({"command_line": ["a b", "{x}"], "x": 1}, ["a b", "1"]),
        ({"command_line": 3}, ["3"]),
    ],
)  # fmt: skip
def test_words(config: dict[str, Any], words: list[str]) -> None:
    assert build_argv(SCRIPT, config) == words


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({"lr": 0.1}, "lr", "not used. Write {lr} in command_line"),
        ({"command_line": "{lrr}", "lr": 1}, "command_line", "Did you mean {lr}?"),
        ({"command_line": "{x}"}, "command_line", "unknown key 'x'"),
        ({"command_line": "{}"}, "command_line", "unknown key ''"),
        ({"command_line": "a{b"}, "command_line", "unmatched {"),
        ({"command_line": "'a"}, "command_line", "no closing quotation"),
        ({"command_line": {"a": 1}}, "command_line", "must be a string"),
        ({"command_line": "--x={l}", "l": [1]}, "l", "a list cannot be part of an argument"),
        ({"command_line": "{l}", "l": [[1]]}, "l", "a list"),
        ({"command_line": "{l}", "l": "a\0"}, "l", "NUL character"),
    ],
)
def test_mistakes_name_their_key(config: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        build_argv(SCRIPT, config)
    assert field in [one.field for one in caught.value.errors]
    assert words in " ".join(one.message for one in caught.value.errors)


def test_a_script_that_reads_the_file_itself_gets_no_words() -> None:
    script = read_parameters("import os\nopen(os.environ['__PYRUNS_CONFIG__'])\n")
    assert script.kind == "none"
    assert build_argv(script, {"anything": 1}) == []


@given(st.lists(st.text(alphabet="ab '\"\\$;{}\n", max_size=6), max_size=5))
def test_any_values_are_one_word_each(values: list[str]) -> None:
    keys = {f"k{number}": value for number, value in enumerate(values)}
    line = " ".join(f"{{{key}}}" for key in keys)
    assert build_argv(SCRIPT, {"command_line": line, **keys}) == values


@given(st.text(alphabet="ab{} '\"-=", max_size=12), st.text() | st.none() | st.lists(st.integers()))
def test_any_text_gives_words_or_a_sentence(line: str, value: object) -> None:
    with contextlib.suppress(InvalidInput):
        words = build_argv(SCRIPT, {"command_line": line, "a": value})
        assert all(isinstance(word, str) for word in words)


DETECTED = read_parameters(
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=0.1)\n"
    "p.add_argument('--data', required=True)\np.parse_args()\n"
)


def test_a_command_line_replaces_detected_parameters() -> None:
    config: dict[str, Any] = {"lr": 0.1, "data": None, "command_line": "train x.jsonnet -s {out}", "out": "o"}
    assert build_argv(DETECTED, config) == ["train", "x.jsonnet", "-s", "o"]
    assert build_argv(DETECTED, {**config, "command_line": "{lr} {out}"}) == ["0.1", "o"]
    with pytest.raises(InvalidInputs, match="lr is not used"):
        build_argv(DETECTED, {**config, "lr": 0.2})
    with pytest.raises(InvalidInputs, match="data is required"):
        build_argv(DETECTED, {"lr": 0.1, "command_line": None})


def test_a_file_with_all_values() -> None:
    config: dict[str, Any] = {
        "command_line": "{config.yaml} --json={config.json}",
        "lr": 1e-5,
        "m": {"é": [1]},
    }
    assert build_argv(SCRIPT, config) == ["config.yaml", "--json=config.json"]
    assert file_texts(config) == {
        "config.yaml": "lr: 1.0e-05\nm:\n  é:\n  - 1\n",
        "config.json": '{\n  "lr": 1e-05,\n  "m": {\n    "é": [\n      1\n    ]\n  }\n}\n',
    }
    # A run has the paths of its files.
    config = {**config, "config.yaml": "/a b.yaml", "config.json": "/c.json"}
    assert build_argv(SCRIPT, config) == ["/a b.yaml", "--json=/c.json"] and file_texts(config) == {}
    assert build_argv(DETECTED, {"command_line": "{config.yaml}", "lr": 7, "data": "x"}) == ["config.yaml"]


def test_a_script_may_have_an_argument_of_that_name() -> None:
    script = read_parameters(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--command_line')\np.parse_args()\n"
    )
    assert build_argv(script, {"command_line": "a b"}) == ["--command_line", "a b"]
