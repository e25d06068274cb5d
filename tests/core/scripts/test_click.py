"""Scripts of click: what is read from them, and what click itself makes of the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.commandtree import ScriptCommand
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.types import Shape
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, loaded, printed, read_script, table

pytest.importorskip("click", reason="click is not installed")

OPTIONS = """
import click

alpha = click.option("--alpha", default=1.5)

def common(function):
    function = click.option("--seed", default=7, help="the seed")(function)
    return click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")(function)

verbose = click.option("-v", "--verbose", count=True, help="more words")
"""
SCRIPT = """
import json, os
import click
from options import alpha, common, verbose

@click.command()
@click.argument("src")
@click.argument("dst", default="out")
@click.argument("files", nargs=-1)
@common
@alpha
@click.option("--beta", type=int, default=2)
@verbose
@click.option("--lr", default=0.1, type=click.FloatRange(0, 1, min_open=True), show_default=True)
@click.option("--shout/--no-shout", " /-S", default=False)
@click.option("--pair", nargs=2, type=(int, str), default=(1, "a"))
@click.option("--many", "-m", multiple=True, type=int)
@click.option("--pairs", multiple=True, type=(str, int))
@click.option("--when", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--color", type=click.Choice(["red", "Blue"], case_sensitive=False), default="red")
@click.option("--user", default=lambda: os.getenv("NAME", "x"))
@click.option("-n", type=click.IntRange(1, 10), default=3)
@click.option("--fast", is_flag=True)
@click.option("--cache", is_flag=False, flag_value="yes", default="no")
@click.option("--text", default="x", help="any text")
@click.option("--exact", default=True, type=bool)
@click.version_option("1.0")
def main(**values):
    \"\"\"Train it.\"\"\"
    print(json.dumps(values, default=str))
    return values

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("click")


@pytest.fixture(scope="module")
def script(folder: Path) -> ScriptParameters:
    return read_script(folder, SCRIPT, options=OPTIONS)


def test_everything_click_knows(script: ScriptParameters) -> None:
    assert script.kind == "click" and not script.open
    # Python 3.10 writes `lambda : x`.
    assert [problem.message.replace("lambda :", "lambda:") for problem in script.problems] == [
        "Line 21: The default of user is computed (lambda: os.getenv('NAME', 'x')). Set null to use it."
    ]
    assert table(script, "type", "default", "flag", "choices", "nargs", "required", "positional") == {
        "src": ("str", None, "", None, None, True, True),
        "dst": ("str", "out", "", None, None, False, True),
        "files": ("list", None, "", None, "*", False, True),
        "device": ("choice", "cpu", "--device", ("cpu", "cuda"), None, False, False),
        "seed": ("int", 7, "--seed", None, None, False, False),
        "alpha": ("float", 1.5, "--alpha", None, None, False, False),
        "beta": ("int", 2, "--beta", None, None, False, False),
        "verbose": ("int", 0, "--verbose", None, None, False, False),
        "lr": ("float", 0.1, "--lr", None, None, False, False),
        "shout": ("bool", False, "--shout", None, None, False, False),
        "pair": ("list", [1, "a"], "--pair", None, 2, False, False),
        "many": ("list", None, "--many", None, None, False, False),
        "pairs": ("list", None, "--pairs", None, 2, False, False),
        "when": ("str", None, "--when", None, None, False, False),
        "color": ("choice", "red", "--color", ("red", "Blue"), None, False, False),
        "user": ("str", None, "--user", None, None, False, False),
        "n": ("int", 3, "-n", None, None, False, False),
        "fast": ("bool", False, "--fast", None, None, False, False),
        "cache": ("str", "no", "--cache", None, "?", False, False),
        "text": ("str", "x", "--text", None, None, False, False),
        "exact": ("bool", True, "--exact", None, None, False, False),
    }
    by_name = {parameter.name: parameter for parameter in script.parameters}
    assert by_name["seed"].help == "the seed" and by_name["seed"].file == "options.py"
    assert by_name["user"].computed and by_name["text"].line == 25


def test_the_defaults_are_passed_as_they_are(folder: Path, script: ScriptParameters) -> None:
    config = {**default_config(script), "src": "s"}
    plain = printed(folder, script, {"src": "s"})
    assert printed(folder, script, config) == plain


LEGAL = st.fixed_dictionaries(
    {"src": WORDS, "dst": WORDS, "files": st.lists(WORDS, max_size=3)},
    optional={
        "device": st.sampled_from(["cpu", "cuda"]),
        "seed": INTS,
        "alpha": FLOATS,
        "verbose": st.integers(0, 4),
        "lr": st.floats(0.001, 1),
        "shout": st.booleans(),
        "pair": st.tuples(INTS, WORDS).map(list),
        "many": st.lists(INTS, max_size=3),
        "pairs": st.lists(st.tuples(WORDS, INTS).map(list), max_size=2),
        "color": st.sampled_from(["red", "Blue"]),
        "n": st.integers(1, 10),
        "fast": st.booleans(),
        "text": WORDS,
        "exact": st.booleans(),
    },
)


@given(config=LEGAL)
def test_click_reads_back_every_value(script: ScriptParameters, folder: Path, config: dict[str, Any]) -> None:
    main = _main(folder)
    got = main.main(args=build_argv(script, config), standalone_mode=False)
    for key, value in config.items():
        assert _plain(got[key]) == value, key


def _main(folder: Path) -> Any:
    import sys

    sys.path.insert(0, str(folder))
    try:
        return loaded(folder, "script").main
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("options", None)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({}, "src", "required"),
        ({"src": "s", "lr": 2}, "lr", "at most 1"),
        ({"src": "s", "lr": 0}, "lr", "above 0"),
        ({"src": "s", "seed": "x"}, "seed", "an integer"),
        ({"src": "s", "device": "tpu"}, "device", "one of cpu, cuda"),
        ({"src": "s", "pair": [1]}, "pair", "2 values"),
        ({"src": "s", "seeed": 1}, "seeed", "Did you mean seed?"),
        ({"src": "s", "when": "yesterday"}, "when", "date"),
        ({"src": "s", "cache": "-z"}, "cache", "option"),
        ({"src": "s", "shout": "maybe"}, "shout", "true or false"),
        ({"src": "s", "dst": None, "files": ["a"]}, "files", "dst"),
    ],
)
def test_what_click_would_refuse(
    script: ScriptParameters, config: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidInputs) as caught:
        build_argv(script, config)
    assert [error.field for error in caught.value.errors] == [field]
    assert words in caught.value.errors[0].message


GROUP = """
import json
import click
from sub import evaluate

@click.group()
@click.option("--debug/--no-debug", default=False)
@click.option("--data", default="d")
@click.pass_context
def cli(ctx, debug, data):
    "Main."
    ctx.obj = [debug, data]

@cli.command()
@click.option("--lr", default=0.1)
@click.argument("data")
@click.pass_obj
def train_model(obj, **values):
    \"\"\"Train it.\"\"\"
    print(json.dumps([obj, "train", values]))

@cli.group("data")
def data_things():
    "Data."

@data_things.command("prep", help="prepare")
@click.option("--n", type=int, required=True)
def prep(n):
    print(json.dumps(["prep", n]))

cli.add_command(evaluate)
cli.add_command(evaluate, "again")
if __name__ == "__main__":
    cli(obj={})
"""
SUB = """
import json
import click

@click.command()
@click.option("--k", default=3, help="top k")
def evaluate(k):
    print(json.dumps(["evaluate", k]))
"""


def test_commands_lie_below_their_names(tmp_path: Path) -> None:
    script = read_script(tmp_path, GROUP, sub=SUB)
    assert script.kind == "click" and not script.problems
    assert table(script, "type", "default", "required", "scope") == {
        "debug": ("bool", False, False, ()),
        "data": ("str", "d", False, ()),
        "command": ("choice", "train-model", True, ()),
        "train-model.lr": ("float", 0.1, False, ("train-model",)),
        "train-model.data": ("str", None, True, ("train-model",)),
        "data_command.command": ("choice", "prep", True, ("data_command",)),
        "data_command.prep.n": ("int", None, True, ("data_command", "prep")),
        "evaluate.k": ("int", 3, False, ("evaluate",)),
        "again.k": ("int", 3, False, ("again",)),
    }
    assert script.parameters[2].choices == ("train-model", "data", "evaluate", "again")
    config: dict[str, Any] = {
        "command": "train-model",
        "debug": True,
        "train-model": {"lr": 0.5, "data": "-x"},
    }
    assert printed(tmp_path, script, config) == [[True, "d"], "train", {"lr": 0.5, "data": "-x"}]
    nested = {"command": "data", "data_command": {"command": "prep", "prep": {"n": 3}}}
    assert printed(tmp_path, script, nested) == ["prep", 3]
    # Only what the chosen command takes is passed.
    config = {**default_config(script), "command": "again", "again": {"k": 9}}
    assert printed(tmp_path, script, config) == ["evaluate", 9]
    with pytest.raises(InvalidInputs, match="one of train-model, data, evaluate, again"):
        build_argv(script, {"command": "nothing"})


def test_what_cannot_be_followed_is_said(tmp_path: Path) -> None:
    source = (
        "import click, sys\n"
        "from click_extra import extra_option\n"
        "def common(): return click.option('--a')\n"
        "@click.command(context_settings={'ignore_unknown_options': True})\n"
        "@click.option(sys.argv[0], default=1)\n"
        "@click.option('--lr', default=sys.maxsize)\n"
        "@extra_option()\n"
        "@common()\n"
        "@click.option('--upper', 'case', flag_value='upper')\n"
        "def main(**values): ...\n"
        "main()\n"
    )
    script = read_script(tmp_path, source)
    assert script.open
    assert [(problem.line, problem.message) for problem in script.problems] == [
        (5, "Line 5: The name of an option is computed. It is not listed but can be set as a key."),
        (6, "Line 6: The default of lr is computed (sys.maxsize). Set null to use it."),
        (7, "Line 7: The parameters that extra_option adds could not be determined. They are not listed."),
        (8, "Line 8: The parameters that common adds could not be determined. They are not listed."),
        (9, "Line 9: --upper stands for a value. It is not listed."),
    ]
    assert build_argv(script, {"lr": 3, "more_words": "x"}) == ["--lr", "3", "--more-words", "x"]


def test_a_flag_with_the_name_of_another_command(tmp_path: Path) -> None:
    source = (
        "import click\n"
        "@click.group()\ndef main(): ...\n"
        "@main.command()\n@click.option('ref_path', '--ref', required=True)\ndef calc(**values): ...\n"
        "@main.command()\n@click.option('--dest')\ndef ref(**values): ...\n"
        "main()\n"
    )
    script = read_script(tmp_path, source)
    config = {**default_config(script), "command": "ref", "ref": {"dest": "d"}}
    assert build_argv(script, config) == ["ref", "--dest", "d"]
    assert build_argv(script, {"command": "calc", "calc": {"ref": "r"}}) == ["calc", "--ref", "r"]


def test_a_tuple_with_more_types_than_values() -> None:
    """As an answer of a script may describe it."""
    shape = Shape("tuple", (Shape("int"), Shape("str"), Shape("float")))
    pair = Parameter("pair", flags=("--pair",), nargs=2, shape=shape)
    script = ScriptParameters("click", (pair,), details=ScriptCommand("", [pair]))
    assert build_argv(script, {"pair": [1, "a"]}) == ["--pair", "1", "a"]


def test_a_method_that_is_used_as_a_decorator_gives_no_name(tmp_path: Path) -> None:
    source = (
        "import click\n@click.group()\ndef main(): ...\n"
        "@main.add_command\n@click.command('train')\n@click.option('--lr')\ndef run(**values): ...\n"
        "@main.command()\n@click.option('--k')\ndef other(**values): ...\nmain()\n"
    )
    assert list(table(read_script(tmp_path, source))) == ["command", "other.k"]
