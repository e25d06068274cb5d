"""Scripts of fire: what is read from them, and what fire itself makes of the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.model import ScriptParameters
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, printed, read_script, table

fire = pytest.importorskip("fire", reason="fire is not installed")

SCRIPT = """
import json
import os
import fire

LAYERS = {"a": [1, 2]}

def train(data: str, lr: float = 1e-3, widths=(1, 2), layers=LAYERS, name=None, flag=False, n=3,
          home=os.getcwd(), *rest, extra="z"):
    \"\"\"Train.

    Args:
        data: Where
            it is.
        lr (float, optional): The rate.
    \"\"\"
    print(json.dumps([data, lr, widths, layers, name, flag, n, rest, extra]))

if __name__ == "__main__":
    fire.Fire(train)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fire")


@pytest.fixture(scope="module")
def script(folder: Path) -> ScriptParameters:
    return read_script(folder, SCRIPT)


def test_a_function(folder: Path, script: ScriptParameters) -> None:
    assert script.kind == "fire" and not script.open
    assert table(script, "type", "default", "required", "computed", "help") == {
        "data": ("str", None, True, False, "Where it is."),
        "lr": ("float", 0.001, False, False, "The rate."),
        "widths": ("list", [1, 2], False, False, ""),
        "layers": ("str", {"a": [1, 2]}, False, False, ""),
        "name": ("str", None, False, False, ""),
        "flag": ("bool", False, False, False, ""),
        "n": ("int", 3, False, False, ""),
        "home": ("str", None, False, True, ""),
        "rest": ("list", [], False, False, ""),
        "extra": ("str", "z", False, False, ""),
    }
    assert [problem.line for problem in script.problems] == [9]
    config = {**default_config(script), "data": "1e5"}
    assert printed(folder, script, config) == ["1e5", 0.001, [1, 2], {"a": [1, 2]}, None, False, 3, [], "z"]
    config = {
        "data": "d",
        "lr": 1,
        "widths": ["a", "1", None],
        "n": None,
        "home": "h",
        "layers": {"b": ["x"]},
    }
    config |= {"name": "None", "flag": True, "rest": ["a b", -1, "--x", "-"]}
    assert printed(folder, script, config) == [
        "d", 1, ["a", "1", None], {"b": ["x"]}, "None", True, None, ["a b", -1, "--x", "-"], "z",
    ]  # fmt: skip


def test_what_fire_would_take_for_something_else(script: ScriptParameters) -> None:
    with pytest.raises(InvalidInputs, match="first value for lr") as caught:
        build_argv(script, {"data": "d", "rest": [1]})
    assert caught.value.errors[0].field == "rest"
    with pytest.raises(InvalidInputs, match="data is required"):
        build_argv(script, {})
    with pytest.raises(InvalidInputs, match="nan"):
        build_argv(script, {"data": float("nan")})


VALUES = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | st.sampled_from([float("inf"), float("-inf")]) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def target(**values: Any) -> dict[str, Any]:
    return values


@given(config=st.dictionaries(st.sampled_from(["lr", "name", "n", "x_y", "help_"]), VALUES, max_size=4))
def test_fire_reads_back_every_value(config: dict[str, Any]) -> None:
    script = read_parameters_of("import fire\ndef target(**values): ...\nfire.Fire(target)\n")
    assert script.open
    got = fire.Fire(target, command=build_argv(script, config), serialize=lambda value: None)
    assert got == config and repr(got) == repr(config)


def read_parameters_of(source: str) -> ScriptParameters:
    from pyruns_jupyter.core.scripts.reading import read_parameters

    return read_parameters(source)


TABLE = """
import json
import fire

class Trainer:
    def train(self, n=5): ...

def other(**values):
    print(json.dumps(values))

def add(a: int, b=2):
    print(json.dumps([a, b]))

if __name__ == "__main__":
    fire.Fire(COMPONENT)
"""


def test_a_table_of_commands(tmp_path: Path) -> None:
    component = '{"other": other, "more": {"add": add, "again": add}}'
    script = read_script(tmp_path, TABLE.replace("COMPONENT", component))
    assert script.open and not script.problems
    names = ["command", "more.command", "more.add.a", "more.add.b", "more.again.a", "more.again.b"]
    assert list(table(script)) == names
    other = {"command": "other", "other": {"a": None, "b": {"c": [1]}}}
    assert printed(tmp_path, script, other) == {"a": None, "b": {"c": [1]}}
    added = {"command": "more", "more": {"command": "add", "add": {"a": -1, "b": "1"}}}
    assert printed(tmp_path, script, added) == [-1, "1"]


@pytest.mark.parametrize(
    ("component", "what"),
    [("Trainer", "Trainer"), ("Trainer()", "Trainer()"), ("", "all functions of the script")],
)
def test_classes_are_left_to_asking(tmp_path: Path, component: str, what: str) -> None:
    script = read_script(tmp_path, TABLE.replace("COMPONENT", component))
    assert (script.kind, script.open, script.parameters) == ("fire", True, ())
    assert [one.message for one in script.problems] == [
        f"Line 15: The parameters of {what} could not be determined."
    ]


def test_descriptions_in_the_style_of_sphinx(tmp_path: Path) -> None:
    source = (
        'import fire\ndef f(a, b=1):\n    """Do it.\n\n    :param a: where\n        it is\n'
        '    :param int b: how many\n    :returns: nothing\n        at all\n    """\nfire.Fire(f)\n'
    )
    assert table(read_script(tmp_path, source), "help") == {"a": ("where it is",), "b": ("how many",)}
