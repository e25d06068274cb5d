"""Scripts with absl flags: what is read, and what absl makes of the arguments."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from tests.core.frameworks import FLOATS, INTS, WORDS, printed, read_script, table

FLAGS = """
import enum
from absl import flags
from absl.flags import DEFINE_integer

FLAGS = flags.FLAGS
OPTIMIZERS = ("adam", "sgd")

class Mode(enum.Enum):
    FAST = 1
    SLOW = 2

flags.DEFINE_string("name", "run", "Name of\\n  the run.")
WIDTH = DEFINE_integer("width", 2 ** 3, "width", lower_bound=1)
flags.DEFINE_float("lr", default=0.1, help="rate")
flags.DEFINE_bool("amp", True, "mixed precision")
flags.DEFINE_boolean("fast", False, "")
flags.DEFINE_enum("opt", "adam", OPTIMIZERS, "optimizer")
flags.DEFINE_enum_class("mode", Mode.FAST, Mode, "mode")
flags.DEFINE_list("layers", ["a", "b"], "")
flags.DEFINE_list("parts", "a,b", "")
flags.DEFINE_spaceseplist("words", [], "")
flags.DEFINE_multi_string("tag", None, "")
flags.DEFINE_multi_integer("step", [1, 2], "")
flags.DEFINE_string("data", None, "folder", required=True)
flags.DEFINE_string("out", None, "folder")
flags.mark_flag_as_required("out")
"""
SCRIPT = """
import json
from absl import app, flags
import definitions

def main(argv):
    found = flags.FLAGS.flag_values_dict()
    names = [one.name for one in flags.FLAGS.get_flags_for_module(definitions)]
    print(json.dumps({name: found[name] for name in names}, default=lambda one: one.name))

if __name__ == "__main__":
    app.run(main)
"""
REQUIRED = {"data": "d", "out": "o"}


def test_flags_become_parameters(tmp_path: Path) -> None:
    script = read_script(tmp_path, SCRIPT, definitions=FLAGS)
    assert (script.kind, script.open, script.problems) == ("absl", False, ())
    assert table(script, "type", "default", "required") == {
        "name": ("str", "run", False),
        "width": ("int", 8, False),
        "lr": ("float", 0.1, False),
        "amp": ("bool", True, False),
        "fast": ("bool", False, False),
        "opt": ("choice", "adam", False),
        "mode": ("choice", "FAST", False),
        "layers": ("list", ["a", "b"], False),
        "parts": ("list", ["a", "b"], False),
        "words": ("list", [], False),
        "tag": ("list", None, False),
        "step": ("list", [1, 2], False),
        "data": ("str", None, True),
        "out": ("str", None, True),
    }
    first = script.parameters[0]
    assert (first.help, first.file, first.flag) == ("Name of the run.", "definitions.py", "--name")
    assert [one.choices for one in script.parameters[5:7]] == [("adam", "sgd"), ("FAST", "SLOW")]


def test_the_script_reads_its_defaults_and_other_values(tmp_path: Path) -> None:
    pytest.importorskip("absl", reason="absl-py is not installed")
    script = read_script(tmp_path, SCRIPT, definitions=FLAGS)
    defaults = {one.name: one.default for one in script.parameters}
    assert printed(tmp_path, script, {**defaults, **REQUIRED}) == {**defaults, **REQUIRED}
    other: dict[str, Any] = {"name": "-x", "width": 3, "lr": 1e-5, "amp": False, "fast": True, "opt": "sgd"}
    other |= {"mode": "SLOW", "layers": ["a b", 'c"'], "words": ["x", "y"], "tag": ["--t"], "step": [-1]}
    assert printed(tmp_path, script, {**defaults, **REQUIRED, **other}) == {**defaults, **REQUIRED, **other}


VALUES = st.fixed_dictionaries(
    {"data": WORDS, "out": WORDS},
    optional={
        "name": WORDS,
        "width": st.integers(1, 2**40),
        "lr": FLOATS,
        "amp": st.booleans(),
        "fast": st.booleans(),
        "layers": st.lists(WORDS, max_size=3),
        "words": st.lists(WORDS, max_size=3),
        "tag": st.lists(WORDS, min_size=1, max_size=3),
        "step": st.lists(INTS, min_size=1, max_size=3),
    },
)


@given(config=VALUES)
def test_absl_reads_back_every_value(
    tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]
) -> None:
    flags = pytest.importorskip("absl.flags", reason="absl-py is not installed")
    script = read_script(tmp_path_factory.getbasetemp() / "absl", SCRIPT, definitions=FLAGS)
    try:
        words = build_argv(script, config)
    except InvalidInputs as error:
        reasons = [one.field in ("layers", "words") and "its items" in one.message for one in error.errors]
    else:
        reasons = []
    if reasons:
        assert all(reasons)
        return
    # The definitions of a new copy of the module, in a registry of its own.
    values = flags.FlagValues()
    scope: dict[str, Any] = {"VALUES": values, "__name__": "definitions"}
    exec(_registered(FLAGS), scope)
    values(["script", *words])
    assert {key: values[key].value for key in config} == config


def _registered(text: str) -> str:
    """Return the text of definitions with a registry as another argument."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(one in ast.unparse(node.func) for one in ("DEFINE", "mark_")):
            node.keywords.append(ast.keyword("flag_values", ast.Name("VALUES", ast.Load())))
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"widht": 1}, "Did you mean width"),
        ({"width": 0}, "at least 1"),
        ({"width": "x"}, "expected an integer"),
        ({"opt": "x"}, "expected one of adam, sgd"),
        ({"amp": 1}, "Write true or false"),
        ({"out": None}, "out is required"),
        ({"words": ["a b"]}, "cannot contain spaces"),
    ],
)
def test_mistakes_are_refused(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    script = read_script(tmp_path, SCRIPT, definitions=FLAGS)
    with pytest.raises(InvalidInputs, match=message):
        build_argv(script, {**REQUIRED, **config})


def test_flags_of_tensorflow_1_and_of_absl_itself(tmp_path: Path) -> None:
    script = read_script(
        tmp_path,
        """
import tensorflow as tf
flags = tf.app.flags
flags.DEFINE_float('lr', 0.01, 'rate')
tf.compat.v1.flags.DEFINE_integer('epochs', 5, '')
tf.app.run()
""",
    )
    assert table(script, "default") == {"lr": (0.01,), "epochs": (5,)}
    assert build_argv(script, {"lr": 0.1, "verbosity": 1}) == ["--lr=0.1", "--verbosity=1"]


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    script = read_script(
        tmp_path,
        """
from absl import app, flags
from ml_collections import config_flags
config_flags.DEFINE_config_file("config", None, "file")
flags.DEFINE_integer("seed", make(), "")
for name in names():
    flags.DEFINE_string(name, "", "")
flags.DEFINE_flag(Own("x"))
if names():
    flags.DEFINE_string("gpu", None, "", required=True)
if __name__ == "__main__":
    flags.DEFINE_string("out", "runs", "")
    app.run(main)
""",
    )
    assert [one.name for one in script.parameters] == ["config", "seed", "gpu", "out"] and script.open
    assert [one.line for one in script.problems] == [5, 7, 8, 10]
    assert "--gpu is declared under a condition that could not be evaluated" in script.problems[-1].message
    assert build_argv(script, {"config": "c.py", "config.lr": 0.1}) == ["--config=c.py", "--config.lr=0.1"]


def test_conditions_that_are_known(tmp_path: Path) -> None:
    definitions = """
from absl import flags
DEBUG = 0
flags.DEFINE_string("data", None, ""); flags.DEFINE_integer("width", 1, "")
if DEBUG:
    flags.DEFINE_integer("level", 1, "")
elif not DEBUG:
    flags.DEFINE_integer("depth", 2, "")
    flags.mark_flag_as_required("depth")
else:
    flags.DEFINE_integer("never", 3, "")
def define(DEBUG):
    if DEBUG:
        flags.DEFINE_string("log", "", "")
define(True)
if __name__ == "__main__":
    flags.mark_flag_as_required("data")
"""
    script = read_script(tmp_path, SCRIPT, definitions=definitions)
    required = {name: row[0] for name, row in table(script, "required").items()}
    assert required == {"data": False, "width": False, "depth": True, "log": False}
    [problem] = script.problems
    assert "--log is declared under a condition that could not be evaluated" in problem.message
    assert build_argv(script, {"depth": 3}) == ["--depth=3"]


def test_a_file_that_only_uses_flags_is_no_absl_script(tmp_path: Path) -> None:
    script = read_script(tmp_path, "from absl import logging\nlogging.info('x')\n")
    assert script.kind == "command"
