"""Constants of scripts without a parser, set in a changed copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.scripts.argv import build_argv, run_files_of
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.reading import read_parameters
from pyruns_jupyter.core.scripts.script_constants import changed_script

SOURCE = '''\
"""A script."""
from __future__ import annotations
import os

# the learning rate
LR = 0.1
EPOCHS: int = 3
name = "résnet"
SIZES = (
    64,  # first
    32,
)
RESUME = None
AMP = False
TWICE = 1
TWICE = 2
COUNT = 0
UNUSED = 5
_PRIVATE = 6
EMPTY = []
TEXT = """several
lines"""
if AMP:
    BRANCH = 7
def step():
    global STEP
    STEP = 1
STEP = 0
for LOOP in range(2):
    COUNT += 1
print(LR, EPOCHS, name, SIZES, RESUME, AMP, TWICE, BRANCH if AMP else 0, TEXT, EMPTY, _PRIVATE, STEP, LOOP)
print(os.path.basename(__file__))
raise SystemExit("the end")
'''
SCRIPT = read_parameters(SOURCE)
NAMES = ["LR", "EPOCHS", "name", "SIZES", "RESUME", "AMP"]


def test_names_that_are_assigned_once_with_a_literal_and_used() -> None:
    assert SCRIPT.kind == "command"
    found = {one.key: one for one in SCRIPT.parameters if one.key != "command_line"}
    assert list(found) == NAMES
    assert [one.default for one in found.values()] == [0.1, 3, "résnet", [64, 32], None, False]
    assert [one.type for one in found.values()] == ["float", "int", "str", "list", "none", "bool"]
    assert found["LR"].line == 6


def test_the_default_configuration_changes_nothing() -> None:
    text = config_default_text(SCRIPT.parameters)
    assert text.endswith(
        "constants:\n  LR: 0.1\n  EPOCHS: 3\n  name: résnet\n"
        "  SIZES: [64, 32]\n  RESUME: null\n  AMP: false\n"
    )
    config = SweepPlan.parse(text).config(0)
    assert build_argv(SCRIPT, config) == [] and run_files_of(SCRIPT, config).constants == {}


def changed(**constants: Any) -> bytes:
    found = run_files_of(SCRIPT, {"constants": constants})
    return changed_script(SOURCE.encode(), found.constants, "/a/train.py").source


def test_the_copy_has_other_values_in_the_same_lines() -> None:
    copy = changed(LR=1, EPOCHS=7, name='"q" ü', SIZES=[8], RESUME="last", AMP=True).decode()
    before, after = SOURCE.split("\n"), copy.split("\n")
    assert len(before) == len(after)
    differing = {
        number + 1 for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
    }
    assert differing == {6, 7, 8, 9, 10, 11, 13, 14, 32}
    names: dict[str, Any] = {}
    exec(compile(copy.replace("raise SystemExit", "str"), "train.py", "exec"), names)
    assert [names[name] for name in NAMES] == [1.0, 7, '"q" ü', (8,), "last", True]
    assert type(names["LR"]) is float and "print(os.path.basename('/a/train.py'))" in copy


def test_other_encodings_and_line_ends() -> None:
    source = '# -*- coding: latin-1 -*-\r\nX = "é"; Y = 1\r\nprint(X, Y)\r\n'.encode("latin-1")
    assert changed_script(source, {"Y": "2"}, "a").source == source.replace(b"Y = 1", b"Y = 2")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"LR": "fast"}, "constants.LR: expected a number, got 'fast'"),
        ({"LR": True}, "expected a number"),
        ({"AMP": 1}, "expected true or false"),
        ({"name": 1}, "expected a text"),
        ({"SIZES": 1}, "expected a list"),
        ({"GONE": 1}, "has no constant GONE that can be set"),
        ({"LR": None}, "expected a number, got null. Remove the key to keep the value of the script."),
        ({"LR": 10**310}, "constants.LR: this number is too large."),
        ({"LR": 16**9999}, "this number is too large"),
        ({"EPOCHS": 16**9999}, "this number is too large"),
        ({"name": 16**9999}, "this number is too large"),
        ({"RESUME": [16**9999]}, "this number is too large"),
    ],
)
@pytest.mark.parametrize("is_dotted", [False, True])
def test_values_that_are_refused(config: dict[str, Any], message: str, is_dotted: bool) -> None:
    [(name, value)] = config.items()
    written = {f"constants.{name}": value} if is_dotted else {"constants": config}
    with pytest.raises(InvalidInputs) as caught:
        build_argv(SCRIPT, written)
    assert message in caught.value.message and caught.value.field == f"constants.{name}"
    if name != "GONE":
        with pytest.raises(InvalidInput) as refused:
            run_files_of(SCRIPT, written)
        assert refused.value.message == caught.value.message


def test_dotted_keys_set_constants_too() -> None:
    plan = SweepPlan.parse("constants.LR: 0.1 | 0.5\nconstants: {EPOCHS: 7}\n")
    found = [run_files_of(SCRIPT, plan.config(number)).constants for number in range(2)]
    assert found == [{"EPOCHS": "7"}, {"LR": "0.5", "EPOCHS": "7"}]


def test_special_values() -> None:
    assert run_files_of(
        SCRIPT, {"constants": {"LR": float("inf"), "RESUME": [1, {"a": None}]}}
    ).constants == {
        "LR": "float('inf')",
        "RESUME": "[1, {'a': None}]",
    }
    assert run_files_of(SCRIPT, {"seed": 2, "constants": {"LR": "${seed}", "RESUME": None}}).constants == {
        "LR": "2.0"
    }


def test_a_constant_that_is_gone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has no constant LR"):
        changed_script(b"RATE = 1\nprint(RATE)\n", {"LR": "2"}, "a")


def test_a_path_in_an_f_string_is_refused() -> None:
    with pytest.raises(InvalidInput, match="line 2 has __file__ in an f-string"):
        changed_script(b'X = 1\nprint(X, f"{__file__}")\n', {"X": "2"}, "a")


FALLBACK = """\
import os
X = 1
try:
    __file__
except NameError:
    __file__ = "train.py"
if "__file__" not in globals():
    __file__ = "train.py"
print(X, os.path.dirname(__file__))
"""


def test_a_fallback_for_a_missing_path_is_kept(tmp_path: Path) -> None:
    found = changed_script(FALLBACK.encode(), {"X": "2"}, "/a/train.py")
    assert found.source.decode() == FALLBACK.replace("X = 1", "X = 2").replace(
        "    __file__\n", "    '/a/train.py'\n"
    ).replace("dirname(__file__)", "dirname('/a/train.py')")
    assert found.notice == ""
    copy = tmp_path / "copy.py"
    copy.write_bytes(found.source)
    done = subprocess.run([sys.executable, str(copy)], capture_output=True, text=True, check=True)
    assert done.stdout == "2 /a\n"


@pytest.mark.parametrize(
    "line", ["__file__ = os.path.realpath(__file__)", "del __file__", "if X:\n    del __file__"]
)
def test_a_path_that_is_changed_is_refused(line: str) -> None:
    source = f"X = 1\nimport os\n{line}\nprint(X)\n"
    number = 3 + line.count("\n")
    with pytest.raises(InvalidInput, match=f"line {number} changes __file__. Use another name"):
        changed_script(source.encode(), {"X": "2"}, "a")


def test_a_copy_that_would_not_be_python_is_refused() -> None:
    deep = "[" * 250 + "]" * 250
    with pytest.raises(InvalidInput, match=r"The copy of /a/train\.py with other constants"):
        changed_script(b"X = None\nprint(X)\n", {"X": deep}, "/a/train.py")


@pytest.mark.parametrize(
    "statement",
    [
        "from settings import *",
        "if True:\n    from settings import *",
        "from settings import X",
        "import X.y",
        "for one in ():\n    def X(): pass",
        "while False:\n    class X: pass",
        "try:\n    pass\nexcept OSError as X:\n    pass",
        "match 1:\n    case X: pass",
        "match []:\n    case [*X]: pass",
        "match {}:\n    case {**X}: pass",
    ],
)
def test_names_that_are_replaced_later_are_no_constants(statement: str) -> None:
    found = read_parameters(f"X = 1\n{statement}\nY = 2\nprint(X, Y)\n")
    assert [one.name for one in found.parameters] == ["command_line", "constants.Y"]


def test_a_number_that_cannot_be_printed_is_no_constant() -> None:
    found = read_parameters(f"X = 0x{'f' * 9999}\nprint(X)\n")
    assert [one.name for one in found.parameters] == ["command_line"]


def test_names_in_functions_and_classes_are_others() -> None:
    source = """\
from math import *
X = 1
class Model:
    def X(self): pass
def f():
    import X
    try: pass
    except OSError as X: pass
print(X)
"""
    assert [one.name for one in read_parameters(source).parameters] == ["command_line", "constants.X"]


@pytest.mark.parametrize(
    ("command", "is_noticed"),
    [
        ("[sys.executable, __file__, '--worker']", True),
        ("(sys.executable, '-u', os.path.abspath(__file__))", True),
        ("[sys.executable, sys.argv[0]]", False),
        ("[__file__]", False),
    ],
)
def test_a_script_that_starts_itself(command: str, is_noticed: bool) -> None:
    source = f"import os, sys\nX = 1\nprint(X, {command})\n"
    notice = changed_script(source.encode(), {"X": "2"}, "a").notice
    expected = "Line 3 starts the script by __file__, without the changed constants. Use sys.argv[0] instead."
    assert notice == (expected if is_noticed else "")


@pytest.mark.parametrize("source", ["import argparse\n", "import click\n"])
def test_scripts_that_use_a_parser_library_have_none(source: str) -> None:
    found = read_parameters(f"{source}LR = 0.1\nprint(LR)\n")
    assert [one.name for one in found.parameters] == ["command_line"]


def test_a_spawned_process_has_the_same_constants(tmp_path: Path) -> None:
    source = """
import multiprocessing, pathlib, helper
LR = 0.1
def work(_):
    return LR, pathlib.Path(__file__).parent.name, helper.__name__
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1]), LR)
"""
    project, copy = tmp_path / "project", tmp_path / "copy" / "train.py"
    for folder in (project, copy.parent):
        folder.mkdir()
    (project / "helper.py").touch()
    copy.write_bytes(changed_script(source.encode(), {"LR": "0.5"}, str(project / "train.py")).source)
    done = subprocess.run(
        [sys.executable, str(copy)],
        cwd=project,
        env={"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[(0.5, 'project', 'helper')] 0.5\n"
