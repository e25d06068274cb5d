"""Scripts of typer: what is read from them, and what typer itself makes of the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.model import ScriptParameters
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, loaded, printed, read_script, table

typer = pytest.importorskip("typer", reason="typer is not installed")

SCRIPT = """
import json
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, List, Literal, Optional, Tuple

import typer

class Optimizer(str, Enum):
    adam = "Adam"
    sgd = "SGD"

Rate = Annotated[float, typer.Option("--lr", "-l", help="the rate", min=0, max=1)]
SEEN = []

def main(
    data: str,
    out: Annotated[Optional[Path], typer.Argument(help="where")] = None,
    *,
    rate: Rate = 1e-3,
    epochs: int = typer.Option(3, "--epochs", min=1),
    optimizer: Optimizer = Optimizer.adam,
    mode: Literal["a", "b"] = "a",
    widths: List[int] = [1, 2],
    pair: Tuple[int, str] = (1, "x"),
    use_amp: bool = True,
    force: Annotated[bool, typer.Option("--force")] = False,
    tri: Optional[bool] = None,
    tags: Annotated[Optional[List[str]], typer.Option()] = None,
    when: datetime = datetime.now(),
    verbose: Annotated[int, typer.Option("-v", count=True)] = 0,
    weight: float = 0.5,
    note: str = "x",
):
    \"\"\"Train.

    Args:
        epochs: how many.
        mode: which
    \"\"\"
    values = {**locals()}
    values.pop("when")
    SEEN.append(values)
    print(json.dumps(values, default=lambda one: one.value if isinstance(one, Enum) else str(one)))

if __name__ == "__main__":
    typer.run(main)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("typer")


@pytest.fixture(scope="module")
def script(folder: Path) -> ScriptParameters:
    return read_script(folder, SCRIPT)


def test_everything_typer_knows(script: ScriptParameters) -> None:
    assert script.kind == "typer" and not script.open
    assert [problem.message for problem in script.problems] == [
        "Line 31: The default of when is computed (datetime.now()). Set null to use it."
    ]
    assert table(script, "type", "default", "flags", "off_flags", "required", "help") == {
        "data": ("str", None, (), (), True, ""),
        "out": ("path", None, (), (), False, "where"),
        "rate": ("float", 0.001, ("--lr", "-l"), (), False, "the rate"),
        "epochs": ("int", 3, ("--epochs",), (), False, "how many."),
        "optimizer": ("choice", "Adam", ("--optimizer",), (), False, ""),
        "mode": ("choice", "a", ("--mode",), (), False, "which"),
        "widths": ("list", [1, 2], ("--widths",), (), False, ""),
        "pair": ("list", [1, "x"], ("--pair",), (), False, ""),
        "use_amp": ("bool", True, ("--use-amp",), ("--no-use-amp",), False, ""),
        "force": ("bool", False, ("--force",), (), False, ""),
        "tri": ("bool", None, ("--tri",), ("--no-tri",), False, ""),
        "tags": ("list", None, ("--tags",), (), False, ""),
        "when": ("str", None, ("--when",), (), False, ""),
        "verbose": ("int", 0, ("-v",), (), False, ""),
        "weight": ("float", 0.5, ("--weight",), (), False, ""),
        "note": ("str", "x", ("--note",), (), False, ""),
    }


def test_the_defaults_are_passed_as_they_are(folder: Path, script: ScriptParameters) -> None:
    config = {**default_config(script), "data": "d"}
    assert printed(folder, script, config) == printed(folder, script, {"data": "d"})


LEGAL = st.fixed_dictionaries(
    {"data": WORDS},
    optional={
        "out": WORDS,
        "rate": st.floats(0, 1),
        "epochs": st.integers(1, 100),
        "optimizer": st.sampled_from(["Adam", "SGD"]),
        "mode": st.sampled_from(["a", "b"]),
        "widths": st.lists(INTS, min_size=1, max_size=3),
        "pair": st.tuples(INTS, WORDS).map(list),
        "use_amp": st.booleans(),
        "force": st.booleans(),
        "tri": st.booleans(),
        "tags": st.lists(WORDS, min_size=1, max_size=3),
        "verbose": st.integers(0, 3),
        "weight": FLOATS,
        "note": WORDS,
    },
)


@given(config=LEGAL)
def test_typer_reads_back_every_value(script: ScriptParameters, folder: Path, config: dict[str, Any]) -> None:
    module = loaded(folder, "script")
    app = typer.Typer()
    app.command()(module.main)
    app(build_argv(script, config), standalone_mode=False)
    got = module.SEEN[-1]
    for key, value in config.items():
        if key == "out":
            assert got[key] == Path(value)
        else:
            assert (list(got[key]) if isinstance(value, list) else got[key]) == value, key


def test_what_typer_would_refuse(script: ScriptParameters) -> None:
    config = {"rate": 2, "epochs": 0, "optimizer": "adam", "pair": [1], "force": "x", "widths": []}
    with pytest.raises(InvalidInputs) as caught:
        build_argv(script, config)
    assert {error.field for error in caught.value.errors} == {*config, "data"}


APP = """
import json
import typer
from users import app as users_app

app = typer.Typer(no_args_is_help=True)
app.add_typer(users_app, name="users")

@app.callback()
def main(
    ctx: typer.Context,
    verbose: bool = False,
    version: bool = typer.Option(None, "--version", is_eager=True),
):
    "All of it"

@app.command()
def train_it(lr: float = 0.1, name: str = typer.Argument("x")):
    print(json.dumps(["train", lr, name]))

@app.command("eval")
def evaluate(k: int):
    print(json.dumps(["eval", k]))

if __name__ == "__main__":
    app()
"""
USERS = """
import json
import typer
app = typer.Typer()

@app.command()
def add(name: str, admin: bool = False):
    print(json.dumps(["add", name, admin]))
"""


def test_commands_of_applications(tmp_path: Path) -> None:
    script = read_script(tmp_path, APP, users=USERS)
    assert script.kind == "typer" and not script.problems
    assert table(script, "type", "required") == {
        "verbose": ("bool", False),
        "command": ("choice", True),
        "train-it.lr": ("float", False),
        "train-it.name": ("str", False),
        "eval.k": ("int", True),
        "users.command": ("choice", True),
        "users.add.name": ("str", True),
        "users.add.admin": ("bool", False),
    }
    train = {"command": "train-it", "verbose": True, "train-it": {"lr": 2, "name": "-x"}}
    assert printed(tmp_path, script, train) == ["train", 2.0, "-x"]
    assert printed(tmp_path, script, {"command": "eval", "eval": {"k": 4}}) == ["eval", 4]
    users = {"command": "users", "users": {"command": "add", "add": {"name": "bo", "admin": True}}}
    assert printed(tmp_path, script, users) == ["add", "bo", True]


def test_a_single_command_has_no_name(tmp_path: Path) -> None:
    source = (
        "import json, typer\napp = typer.Typer()\n"
        "@app.command()\ndef go(lr: float = 0.1):\n    print(json.dumps(lr))\n"
        "if __name__ == '__main__':\n    app()\n"
    )
    script = read_script(tmp_path, source)
    assert list(table(script)) == ["lr"]
    assert printed(tmp_path, script, {"lr": -3}) == -3.0
