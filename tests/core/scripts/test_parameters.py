"""Parameters of scripts, read from their source."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.reading import read_parameters, yaml_parameters

SCRIPT = """
import argparse
from pathlib import Path
LR = 0.5
MODES = ["a", "b"]
WIDTHS: list = [2 ** 6, 32]

def build():
    p = argparse.ArgumentParser()
    p.add_argument("data", help="where: the data # is")
    p.add_argument("out", nargs="?", default="o")
    p.add_argument("--lr", type=float, default=LR * 2, help="rate %(default)s, 5%%")
    p.add_argument("-n", "--num-epochs", type=int, default=3)
    p.add_argument("--no-cache", action="store_false", dest="cache")
    p.add_argument("--flag", action="store_true")
    p.add_argument("--widths", nargs="+", type=int, default=WIDTHS)
    p.add_argument("--tag", action="append")
    p.add_argument("-v", "--verbose", action="count", default=0)
    p.add_argument("--fast", action="store_const", const="fast", default="slow", dest="mode")
    p.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--path", type=Path, default=Path("runs") / "x")
    p.add_argument("--version", action="version", version="1")
    p.add_argument("--kind", choices=MODES, default=MODES[0])
    model = p.add_argument_group("Model")
    model.add_argument("--depth", type=int, default=1, help=argparse.SUPPRESS)
    choice = model.add_mutually_exclusive_group()
    choice.add_argument("--e1", action="store_true")
    p.add_argument("-s", type=int, required=True)
    p.add_argument("--when", default="12:30")
    p.set_defaults(depth=4)
    return p
"""


def test_everything_argparse_knows() -> None:
    script = read_parameters(SCRIPT)
    assert script.kind == "argparse" and not script.open
    assert script.problems == (script.idle,)  # nothing calls build()
    table = {
        p.name: (p.type, p.default, p.flag, p.action, p.nargs, p.required, p.group) for p in script.parameters
    }
    assert table == {
        "data": ("str", None, "", "store", None, True, ""),
        "out": ("str", "o", "", "store", "?", False, ""),
        "lr": ("float", 1.0, "--lr", "store", None, False, ""),
        "num_epochs": ("int", 3, "--num-epochs", "store", None, False, ""),
        "cache": ("bool", True, "--no-cache", "store_false", None, False, ""),
        "flag": ("bool", False, "--flag", "store_true", None, False, ""),
        "widths": ("list", [64, 32], "--widths", "store", "+", False, ""),
        "tag": ("list", None, "--tag", "append", None, False, ""),
        "verbose": ("int", 0, "--verbose", "count", None, False, ""),
        "mode": ("str", "slow", "--fast", "store_const", None, False, ""),
        "amp": ("bool", True, "--amp", "boolean_optional", None, False, ""),
        "path": ("path", "runs/x", "--path", "store", None, False, ""),
        "kind": ("choice", "a", "--kind", "store", None, False, ""),
        "depth": ("int", 4, "--depth", "store", None, False, "Model"),
        "e1": ("bool", False, "--e1", "store_true", None, False, "Model"),
        "s": ("int", None, "-s", "store", None, True, ""),
        "when": ("str", "12:30", "--when", "store", None, False, ""),
    }
    by_name = {p.name: p for p in script.parameters}
    assert by_name["lr"].help == "rate 1.0, 5%"
    assert by_name["kind"].choices == ("a", "b")
    assert by_name["mode"].const == "fast"
    assert by_name["data"].line == 10 and by_name["data"].positional
    assert by_name["widths"].item_type == "int"


def test_names_and_defaults_equal_those_of_argparse_itself() -> None:
    scope: dict[str, object] = {}
    exec(SCRIPT, scope)  # the test's own text
    parser = scope["build"]()  # type: ignore[operator]
    with contextlib.redirect_stderr(io.StringIO()):
        real = vars(parser.parse_args(["d", "-s", "1"]))
    found = {p.name: p.default for p in read_parameters(SCRIPT).parameters}
    assert set(found) == set(real)
    real.update(data=None, s=None, path="runs/x")
    assert found == real


def test_the_default_configuration() -> None:
    parameters = read_parameters(SCRIPT).parameters
    text = config_default_text(parameters, "train.py")
    assert text.startswith(
        "# Defaults of train.py\n\n"
        "data: null  # where: the data # is (required)\nout: o\nlr: 1.0  # rate 1.0, 5%\n"
    )
    assert "widths: [64, 32]\n" in text and 'when: "12:30"\n' in text
    assert Template.parse(text).base == {p.name: p.default for p in parameters}
    assert SweepPlan.parse(text).count == 1


@given(
    st.dictionaries(st.text(alphabet="abn01_-.", min_size=1), st.text() | st.lists(st.integers()), max_size=4)
)
def test_any_default_configuration_is_one_task(defaults: dict[str, object]) -> None:
    from pyruns_jupyter.core.scripts.model import Parameter

    text = config_default_text(
        [
            Parameter(name, default=value, help="a\n# b")
            for name, value in defaults.items()
            if str(value) < "\ud800" or not any("\ud800" <= c <= "\udfff" for c in str(value))
        ]
    )
    plan = SweepPlan.parse(text)
    assert plan.count == 1
    assert all(plan.config(0)[key] == value for key, value in defaults.items() if key in plan.config(0))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("p.add_argument('--x', default=make())", "computed (make())"),
        ("p.add_argument('--x', choices=find())", "choices of x are computed"),
        ("p.add_argument(*names)", "name of an argument is computed"),
        ("p.add_argument('--x', **options)", "declared with **"),
        ("p.add_argument('--x', action=Mine)", "has a custom action"),
        ("p.add_subparsers()", "none could be read"),
        ("p.add_argument('--x'); p.add_argument('--x')", "declared twice"),
    ],
)
def test_what_cannot_be_understood_is_said_with_its_line(line: str, words: str) -> None:
    found = read_parameters(f"import argparse\np = argparse.ArgumentParser()\n{line}\n")
    assert [problem.line for problem in found.problems] == [3]
    assert words in found.problems[0].message and "Line 3" in found.problems[0].message


def test_nothing_is_run(tmp_path: object) -> None:
    source = f"import argparse\nopen({str(tmp_path)!r} + '/made', 'w')\nraise SystemExit(1)\n"
    assert read_parameters(source).kind == "command"


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [("a = 1\nb = (\n", 2, 5), ("def f(:\n  pass", 1, 7), ("x = 1\n  y = 2\n", 2, None)],
)
def test_a_syntax_error_has_a_place_and_pythons_words(source: str, line: int, column: int | None) -> None:
    with pytest.raises(InvalidInput, match=r"train.py is not valid Python \d\.\d+, line \d+: .+\.") as caught:
        read_parameters(source, filename="train.py")
    assert (caught.value.field, caught.value.line) == ("script", line)
    assert column is None or caught.value.column == column


def test_load_scripts_take_their_parameters_from_the_yaml() -> None:
    template = "lr: 0.1  # rate\nmodel:\n  name: mlp\n  dims: [1, 2]\n  on: true\n  none:\n"
    for source in (
        "import pyruns\ncfg = pyruns.load()",
        "import pyruns_jupyter as pyruns\ncfg = pyruns.load()",
        "from pyruns import load as go\ndef main():\n    return go('conf/x.yaml')",
    ):
        script = read_parameters(source, template=template)
        assert script.kind == "load"
        assert [(p.name, p.type, p.default, p.help, p.group) for p in script.parameters] == [
            ("lr", "float", 0.1, "rate", ""),
            ("model.name", "str", "mlp", "", "model"),
            ("model.dims", "list", [1, 2], "", "model"),
            ("model.on", "bool", True, "", "model"),
            ("model.none", "none", None, "", "model"),
        ]
    assert script.config_file == "conf/x.yaml"
    assert read_parameters("import json\njson.load(open('x'))").kind == "command"
    assert yaml_parameters("") == ()


def test_constants_do_not_explode() -> None:
    source = (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--x', default=9 ** 9 ** 9 ** 9)\n"
    )
    assert read_parameters(source).parameters[0].default is None


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(source: str) -> None:
    with contextlib.suppress(InvalidInput):
        read_parameters(source)
