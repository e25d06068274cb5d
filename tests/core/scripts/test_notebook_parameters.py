"""What a notebook takes, from its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters
from pyruns_jupyter.core.workspace.opening import open_workspace

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)
PARAMETERS = """\
%matplotlib inline
from typing import Literal
lr = 0.1  # learning rate
# rounds
epochs: int = 3
opt: Literal['sgd', 'adam'] = 'sgd'
sizes = (64, 32)
name: str | None = None
fast = False
root = os.getcwd()
print(lr)
"""


def notebook(*cells: str | tuple[str, str], **metadata: Any) -> bytes:
    """Return a notebook; a cell may be given with its tag."""
    made: list[dict[str, Any]] = []
    for cell in cells:
        text, tags = (cell, []) if isinstance(cell, str) else (cell[0], [cell[1]])
        made.append(
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"c{len(made)}",
                "metadata": {"tags": tags},
                "outputs": [],
                "source": text.splitlines(keepends=True),
            }
        )
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def read(*cells: str | tuple[str, str], **metadata: Any) -> ScriptParameters:
    return read_parameters(notebook(*cells, **metadata), filename="train.ipynb")


def test_the_tagged_cell_is_what_it_takes() -> None:
    found = read("import os", (PARAMETERS, "parameters"), "seed = 1")
    assert found.kind == "notebook"
    assert [(one.name, one.type, one.default) for one in found.parameters] == [
        ("lr", "float", 0.1),
        ("epochs", "int", 3),
        ("opt", "choice", "sgd"),
        ("sizes", "list", [64, 32]),
        ("name", "none", None),
        ("fast", "bool", False),
    ]
    assert [one.help for one in found.parameters[:3]] == ["learning rate", "rounds", ""]
    assert found.parameters[2].choices == ("sgd", "adam")
    assert [problem.message for problem in found.problems] == [
        "root is computed in line 10 and cannot be set."
    ]


def test_without_a_tagged_cell_it_takes_nothing() -> None:
    found = read("lr = 0.1")
    assert found.parameters == ()
    assert "tag 'parameters'" in found.problems[0].message
    assert build_argv(found, {}) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"no json", "is not a readable notebook"),
        (b"[]", "is not a readable notebook"),
        (b'{"cells": [{"cell_type": "code"}]}', "is not a readable notebook"),
        (notebook(("lr = = 1", "parameters")), "is not valid Python"),
        (notebook("1", kernelspec={"language": "R", "name": "ir"}), "is a notebook in R"),
    ],
)
def test_what_is_no_notebook_is_refused_and_nothing_made(source: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.ipynb"
    file.write_bytes(source)
    with pytest.raises(InvalidInput, match=words):
        open_workspace(file)
    assert list(tmp_path.iterdir()) == [file]


def test_values_of_another_kind_are_refused() -> None:
    found = read(("lr = 0.1\nopt: Literal['a', 'b'] = 'a'\nn = 1\nfast = True\nany = None", "parameters"))
    assert build_argv(found, {"lr": 1, "opt": "b", "n": None, "fast": False, "any": [1]}) == []
    with pytest.raises(InvalidInputs) as refused:
        build_argv(found, {"lr": "quick", "opt": "c", "n": 0.5, "fast": 1, "rate": 2})
    assert [error.field for error in refused.value.errors] == ["lr", "opt", "n", "fast", "rate"]


@given(st.dictionaries(st.sampled_from(["lr", "epochs", "名", "x1"]), VALUES, max_size=4))
def test_defaults_come_back_from_the_configuration_that_is_made(values: dict[str, Any]) -> None:
    cell = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    found = read((cell, "parameters"))
    assert {one.name: one.default for one in found.parameters} == values
    assert parse_config(config_default_text(found.parameters)) == values


def test_a_notebook_and_a_script_of_one_name_have_workspaces_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    (tmp_path / "train.ipynb").write_bytes(notebook(("lr = 0.1", "parameters")))
    first, _ = open_workspace(tmp_path / "train.py")
    second, created = open_workspace(tmp_path / "train.ipynb")
    assert created
    assert (first.name, second.name) == ("train", "train.ipynb")
    assert second.script == tmp_path / "train.ipynb"
    assert open_workspace(tmp_path / "train.ipynb") == (second, False)
    assert parse_config(second.template_text()) == {"lr": 0.1}
    (tmp_path / "train.ipynb").unlink()
    assert "train.ipynb is missing" in (second.problem() or "")
