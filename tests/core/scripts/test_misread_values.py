"""Values that libraries of dataclasses would read as others are refused; the others are read as they are."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.bind_values import same
from pyruns_jupyter.core.scripts.key_values import yaml_word
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.probe.mapping import parameters_of
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.engine.run.ask_script import ask_script
from tests.core.frameworks import read_script
from tests.core.scripts.test_nested_dataclasses import CALLS, parsed

UNIONS = (
    *("Union[int, str]", "Union[str, int]", "Union[int, float]", "Union[bool, str]", "Union[List[int], str]"),
    *("Union[str, List[str]]", "Union[List[str], int]", "Union[Literal['auto'], int]"),
)
VALUES = ("5", 5, 0.5, True, "true", "True", "auto", [1], ["a"], ["a", "b"], ["5"])


@pytest.mark.parametrize("library", ["pyrallis", "draccus"])
@pytest.mark.parametrize(
    ("annotation", "values"),
    [
        *((one, (*VALUES, [0.5], {"a": 1})) for one in UNIONS),
        ("List[Union[str, int]]", ([5], ["5"], [True])),
        ("Union[Tuple[int, int], str]", ("12", [1, 2], ["1", 2], "auto")),
        ("Union[Dict[str, int], str]", ({"a": 1}, {"a": 0.5}, {"a": "b"}, "auto")),
        ("Dict[str, bool]", ({"a": "no"}, {"a": True}, {"a": False}, {"a": 1})),
        ("Tuple[bool, bool]", ([True, "no"], [0, True], [True, False])),
        ("List[List[bool]]", ([["no"]], [[True], [False]])),
        ("bool", (1, True)),
        ("List[int]", ([0.5], [True], [5], ["a"], [None])),
        ("List[Optional[int]]", ([None, 1], [None, 0.5])),
        ("Tuple[int, int]", ([0.5, 1], [True, 1], [1, 2], "12")),
        ("Dict[str, int]", ({"a": 0.5}, {"a": 1}, {"a": True})),
        ("List[float]", ([0.5], [True], [float("nan")])),
    ],
)
def test_values_are_read_as_they_are_or_refused(
    tmp_path: Path, annotation: str, values: tuple[Any, ...], library: str
) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    text = f"import {library}\nfrom configuration import Config\n{CALLS[library]}\n"
    if library == "pyrallis" and "Literal" in annotation:
        pytest.skip("pyrallis has no literals")
    source = (
        "from dataclasses import dataclass\nfrom typing import Dict, List, Literal, Optional, Tuple, Union\n"
    )
    script = read_script(
        tmp_path, text, configuration=f"{source}@dataclass\nclass Config:\n    x: {annotation}\n"
    )
    for value in values:
        try:
            words, message = build_argv(script, {"x": value}), ""
        except InvalidInputs as error:
            words, message = ["--x", yaml_word(value)], str(error)
        # The library also remembers how to read the same types in another order.
        importlib.import_module(f"{library}.parsers.decoding").get_decoding_fn.cache_clear()
        try:
            found = parsed(library, tmp_path, words)["x"]
        except Exception:  # noqa: BLE001  # no type of the union takes it, which the user is told
            assert not message
        else:
            told = f"{library} would convert" in message or "expects true or false" in message
            assert (repr(found) != repr(value)) == told, (value, found, message)


def asked(folder: Path) -> ScriptParameters:
    """Return the parameters that the script itself describes."""
    found = parameters_of(ask_script(open_workspace(folder / "script.py")[0]).answer, "script.py")
    assert found is not None
    return found


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("library", ["pyrallis", "draccus"])
def test_names_of_an_enumeration_that_are_booleans_in_yaml(tmp_path: Path, library: str, asks: bool) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    source = """from dataclasses import dataclass
from enum import Enum
from typing import List, Optional
class Power(Enum):
    ON = 1
    NO = "off"
    auto = "x"
@dataclass
class Config:
    x: Power = Power.auto
    many: Optional[List[Power]] = None
"""
    text = f"import {library}\nfrom configuration import Config\n{CALLS[library]}\n"
    script = read_script(tmp_path, text, configuration=source)
    script = asked(tmp_path) if asks else script
    for name in ("ON", "NO", "auto"):
        words = build_argv(script, {"x": name, "many": [name]}, pass_defaults=True)
        assert parsed(library, tmp_path, words) == {"x": name, "many": [name]}


@pytest.mark.parametrize("asks", [False, True])
def test_draccus_prefers_the_values_of_an_enumeration_to_its_names(tmp_path: Path, asks: bool) -> None:
    pytest.importorskip("draccus", reason="draccus is not installed")
    source = """from dataclasses import dataclass
from enum import Enum
from typing import List, Optional
class Color(Enum):
    RED = "BLUE"
    BLUE = 1
    GREEN = "GREEN"
    DARK = "RED"
@dataclass
class Config:
    x: Color = Color.GREEN
    many: Optional[List[Color]] = None
"""
    text = "import draccus\nfrom configuration import Config\ndraccus.parse(Config)\n"
    script = read_script(tmp_path, text, configuration=source)
    script = asked(tmp_path) if asks else script
    for name in ("RED", "BLUE", "GREEN", "DARK"):
        assert parsed("draccus", tmp_path, build_argv(script, {"x": name}, pass_defaults=True))["x"] == name
        if name in ("GREEN", "DARK"):
            assert parsed("draccus", tmp_path, build_argv(script, {"many": [name]}))["many"] == [name]
        else:
            with pytest.raises(InvalidInputs, match=f"'{name}' as the value of another member"):
                build_argv(script, {"many": [name]})


def test_words_of_unions_of_tyro_are_read_as_they_are_or_refused(tmp_path: Path) -> None:
    pytest.importorskip("tyro", reason="tyro is not installed")
    annotations = [
        *("int | str", "str | int", "int | float", "float | str", "bool | str", "list[int] | str"),
        *("str | list[str]", "list[str] | int", "Literal['auto'] | int"),
        *("list[int | str]", "list[str | int]"),
    ]
    source = "from dataclasses import dataclass\nfrom typing import Literal\n@dataclass\n"
    fields = "".join(f"    x{number}: {one} | None = None\n" for number, one in enumerate(annotations))
    text = "import tyro\nfrom configuration import Config\ntyro.cli(Config)\n"
    read_script(tmp_path, text, configuration=f"{source}class Config:\n{fields}")
    found = ask_script(open_workspace(tmp_path / "script.py")[0])
    script = parameters_of(found.answer, "script.py")
    assert script is not None, (found.problem, found.output)
    for name, annotation in ((f"x{number}", one) for number, one in enumerate(annotations)):
        for value in VALUES:
            try:
                words, message = build_argv(script, {name: value}), ""
            except InvalidInputs as error:
                items = value if isinstance(value, list) else [value]
                words, message = [f"--{name}", *map(str, items)], str(error)
            of_items = annotation in ("list[int | str]", "list[str | int]")
            wanted = [value] if of_items and not isinstance(value, list) else value
            try:
                made = parsed("tyro", tmp_path, words)[name]
            except SystemExit:  # no type of the union takes it, which the user is told
                assert "would convert" not in message
            else:
                told = "tyro would convert" in message
                assert same(made, wanted) != told, (annotation, value, made, message)


def test_a_default_that_would_be_read_as_another_value_is_not_passed(tmp_path: Path) -> None:
    source = "import pyrallis\nfrom dataclasses import dataclass\nfrom typing import Union\n"
    source += "@dataclass\nclass Config:\n    x: Union[str, int] = 5\npyrallis.parse(Config)\n"
    assert build_argv(read_script(tmp_path, source), {"x": 5}, pass_defaults=True) == []


@pytest.mark.parametrize(
    ("library", "annotation", "value", "words"),
    [
        ("pyrallis.parse", "bool", "n", None),
        ("pyrallis.parse", "Optional[bool]", "n", None),
        ("pyrallis.parse", "List[bool]", [True, "n"], None),
        ("transformers.HfArgumentParser", "List[bool]", [True, "n"], None),
        ("transformers.HfArgumentParser", "List[bool]", "n", None),
        ("transformers.HfArgumentParser", "bool", "yes", ["--x", "yes"]),
        ("transformers.HfArgumentParser", "Optional[bool]", 1, ["--x", "1"]),
        ("draccus.parse", "bool", "true", ["--x", "true"]),
        ("draccus.parse", "List[bool]", ["false"], ["--x", '["false"]']),
    ],
)
def test_only_texts_that_name_a_boolean_for_the_library_are_passed(
    tmp_path: Path, library: str, annotation: str, value: object, words: list[str] | None
) -> None:
    script = read_script(
        tmp_path,
        f"import {library.partition('.')[0]}\nfrom dataclasses import dataclass\n"
        "from typing import List, Optional\n"
        f"@dataclass\nclass Config:\n    x: {annotation}\n{library}(Config)\n",
    )
    if words is None:
        with pytest.raises(InvalidInputs, match="--x expects true or false, got 'n'"):
            build_argv(script, {"x": value})
    else:
        assert build_argv(script, {"x": value}) == words
