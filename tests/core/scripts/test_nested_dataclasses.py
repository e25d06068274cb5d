"""Configuration classes in fields of others: what is read, and what their libraries make of the words."""

from __future__ import annotations

import dataclasses
import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.probe.mapping import parameters_of
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.engine.run.ask_script import ask_script
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, loaded, read_script, table

CHOSEN = """
import draccus, pyrallis, tyro
from dataclasses import dataclass, field
from functools import partial
from registries import ChoiceRegistry
from typing import Annotated, Any, Dict, List, Optional, Union

@dataclass
class Part:
    lr: float = 0.1

@dataclass
class Other(Part):
    beta: float = 0.9

@dataclass
class Kind(ChoiceRegistry):
    lr: float = 0.1

@dataclass
class Endless:
    part: "Endless"

@dataclass
class Config:
    seed: int = 1
    part: {field}

{library}(Config)
"""
REGISTRIES = "class ChoiceRegistry: ...\n"  # as in an installed draccus


@pytest.mark.parametrize("library", ["tyro.cli", "pyrallis.parse", "draccus.parse"])
@pytest.mark.parametrize(
    "field",
    [
        "Optional[Part] = None",
        "Optional[Part] = field(default_factory=Part)",
        "Part = None",
        "Part = field(default_factory=Other)",
        "Part = field(default_factory=partial(Part, lr=2))",
        "Part = field(default_factory=lambda: Part(**VALUES))",
        "Any = field(default_factory=Part)",
        "Annotated[Part, tyro.conf.arg(name='other')] = field(default_factory=Part)",
        "Union[Part, Other] = field(default_factory=Part)",
        "List[Part] = field(default_factory=list)",
        "Dict[str, Part] = field(default_factory=dict)",
        "Kind = field(default_factory=Kind)",
        "Endless",
    ],
)
def test_classes_that_are_not_always_the_same_are_left_to_asking(
    tmp_path: Path, field: str, library: str
) -> None:
    script = read_script(tmp_path, CHOSEN.format(field=field, library=library), registries=REGISTRIES)
    assert (script.kind, list(table(script))) == ("command", ["command_line"])


@pytest.mark.parametrize("library", ["pyrallis.parse", "draccus.parse"])
@pytest.mark.parametrize(
    "field", ["Part", "Part = field(repr=False)", "Part = field(default_factory=lambda: Part(lr=2))"]
)
def test_classes_whose_values_the_library_may_forget_are_left_to_asking(
    tmp_path: Path, field: str, library: str
) -> None:
    script = read_script(tmp_path, CHOSEN.format(field=field, library=library))
    assert (script.kind, list(table(script))) == ("command", ["command_line"])


def test_values_by_position_are_those_of_the_fields_that_have_one(tmp_path: Path) -> None:
    source = """
from dataclasses import dataclass, field
from typing import ClassVar
import tyro

@dataclass
class Part:
    count: ClassVar[int] = 0
    hidden: int = field(default=1, init=False)
    name: str = field(default="a", kw_only=True)
    lr: float = 0.1

@dataclass
class Config:
    part: Part = field(default_factory=lambda: Part(0.7))

tyro.cli(Config)
"""
    script = read_script(tmp_path, source)
    assert table(script, "default") == {"part.name": ("a",), "part.lr": (0.7,)}


INHERITED = """
from dataclasses import KW_ONLY, dataclass, field

class Mixin:
    note: str = "no field"

@dataclass(kw_only=True)
class Tagged:
    tag: str = "t"

@dataclass
class Keyed(Tagged):
    _: KW_ONLY
    name: str = "a"

@dataclass
class Base(Keyed, Mixin):
    lr: float = 0.1
    seed: int = 1

class Undecorated(Base):
    lr: float = 0.5

@dataclass
class Part(Undecorated):
    seed = 2

@dataclass
class Config:
    part: Part = field(default_factory=lambda: Part(0.7))
    other: Part = field(default_factory=Part)
"""


def test_inherited_fields_are_those_of_python(tmp_path: Path) -> None:
    text = "import tyro\nfrom configuration import Config\ntyro.cli(Config)\n"
    script = read_script(tmp_path, text, configuration=INHERITED)
    made = dataclasses.asdict(loaded(tmp_path, "configuration").Config())
    assert made["part"] == {"tag": "t", "name": "a", "lr": 0.7, "seed": 1}
    assert table(script, "default") == {
        f"{section}.{name}": (value,) for section, values in made.items() for name, value in values.items()
    }


def test_underscores_in_names_of_tyro(tmp_path: Path) -> None:
    pytest.importorskip("tyro", reason="tyro is not installed")
    source = """
from dataclasses import dataclass, field

@dataclass
class Part:
    lambda_: float = 0.1
    _two__parts: int = 1
    use_: bool = False

@dataclass
class Config:
    part_one_: Part = field(default_factory=Part)
    in_: int = 1
"""
    text = "import tyro\nfrom configuration import Config\ntyro.cli(Config)\n"
    script = read_script(tmp_path, text, configuration=source)
    config = {"part_one_": {"lambda_": 0.5, "_two__parts": 3, "use_": True}, "in_": 2}
    assert parsed("tyro", tmp_path, build_argv(script, config)) == config


@pytest.mark.parametrize("library", ["tyro", "pyrallis", "draccus"])
@pytest.mark.parametrize("nothing", [None, {}])
def test_sections_without_values(tmp_path: Path, library: str, nothing: object) -> None:
    script = read_nested(tmp_path, library)
    config = {"schedule": {"warm_up": 1}, "data": nothing, "first_one": {"plan_b": nothing}}
    assert build_argv(script, config)[1:] == ["1"]


NESTED = """
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import List, Optional, Tuple

class Color(Enum):
    red = "RED"
    blue = "BLUE"

@dataclass
class Schedule:
    warm_up: int
    color: Color = Color.red

@dataclass
class Plan:
    warm_up: int = 2
    color: Color = Color.red

@dataclass
class Optimizer:
    learning_rate: float = 0.1  # the rate
    # the name
    name: str = "adam"
    use_amp: bool = False
    cache: bool = True
    plan_b: Plan = field(default_factory=Plan)

@dataclass
class Data:
    \"\"\"Data.

    Attributes:
        path: where
    \"\"\"

    path: Path = Path("x") / "y"
    pair: Tuple[int, int] = (1, 2)
    names: Optional[List[str]] = None
    weight: Optional[float] = None
    hidden: int = field(default=1, init=False)

@dataclass
class Config:
    schedule: Schedule
    data: DATA
    first_one: Optimizer = field(default_factory=Optimizer)
    second: Optimizer = field(default_factory=SECOND)
    seed: int = 3
"""
CALLS = {"tyro": "tyro.cli(Config)", "pyrallis": "pyrallis.parse(Config)", "draccus": "draccus.parse(Config)"}


def read_nested(folder: Path, library: str) -> ScriptParameters:
    text = f"import {library}\nfrom configuration import Config\n{CALLS[library]}\n"
    data, second = "Data", "lambda: Optimizer(0.7, plan_b=Plan(5, color=Color.blue))"
    if library != "tyro":
        data, second = "Data = field(default_factory=Data)", "Optimizer"
    source = NESTED.replace("DATA", data).replace("SECOND", second)
    if library == "pyrallis":  # it does not follow annotations that are texts
        source = source.replace("from __future__ import annotations\n", "")
    return read_script(folder, text, configuration=source)


@pytest.fixture(scope="module", params=CALLS)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, ScriptParameters]:
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, folder, read_nested(folder, request.param)


def test_fields_of_classes_in_fields_have_dotted_names(case: tuple[str, Path, ScriptParameters]) -> None:
    library, _, script = case
    assert (script.kind, script.library, script.open, script.problems) == ("dataclass", library, False, ())
    found = table(script, "type", "default", "required", "help")
    assert ("config_path" in found) == (library != "tyro")
    found.pop("config_path", None)
    rate, steps, color = (0.7, 5, "blue") if library == "tyro" else (0.1, 2, "red")
    assert found == {
        "schedule.warm_up": ("int", None, True, ""),
        "schedule.color": ("choice", "red", False, ""),
        "data.path": ("path", "x/y", False, "where"),
        "data.pair": ("list", [1, 2], False, ""),
        "data.names": ("list", None, False, ""),
        "data.weight": ("float", None, False, ""),
        "first_one.learning_rate": ("float", 0.1, False, "the rate"),
        "first_one.name": ("str", "adam", False, "the name"),
        "first_one.use_amp": ("bool", False, False, ""),
        "first_one.cache": ("bool", True, False, ""),
        "first_one.plan_b.warm_up": ("int", 2, False, ""),
        "first_one.plan_b.color": ("choice", "red", False, ""),
        "second.learning_rate": ("float", rate, False, "the rate"),
        "second.name": ("str", "adam", False, "the name"),
        "second.use_amp": ("bool", False, False, ""),
        "second.cache": ("bool", True, False, ""),
        "second.plan_b.warm_up": ("int", steps, False, ""),
        "second.plan_b.color": ("choice", color, False, ""),
        "seed": ("int", 3, False, ""),
    }
    config = {"schedule": {"warm_up": 1}, "first_one": {"plan_b": {"warm_up": 4}, "cache": False}}
    assert build_argv(script, config) == (
        ["--schedule.warm-up", "1", "--first-one.plan-b.warm-up", "4", "--first-one.no-cache"]
        if library == "tyro"
        else ["--schedule.warm_up", "1", "--first_one.plan_b.warm_up", "4", "--first_one.cache", "false"]
    )
    with pytest.raises(InvalidInputs, match="Did you mean"):
        build_argv(script, {"schedule.warm_up": 1, "second.nam": "x"})


ONE_WORD = WORDS.filter(lambda text: text != "--")  # which argparse removes
SCHEDULE = {"warm_up": INTS, "color": st.sampled_from(["red", "blue"])}
OPTIMIZER = {"learning_rate": FLOATS, "name": ONE_WORD, "use_amp": st.booleans(), "cache": st.booleans()}
OPTIMIZER["plan_b"] = st.fixed_dictionaries({}, optional=SCHEDULE).filter(bool)
DATA = {
    "path": WORDS.map(lambda text: str(Path(text))).filter(lambda text: text != "--"),
    "pair": st.tuples(INTS, INTS).map(list),
    "names": st.lists(WORDS, max_size=3),
    "weight": FLOATS,
}
LEGAL = st.fixed_dictionaries(
    {"schedule": st.fixed_dictionaries(SCHEDULE)},
    optional={
        "data": st.fixed_dictionaries({}, optional=DATA).filter(bool),
        "first_one": st.fixed_dictionaries({}, optional=OPTIMIZER).filter(bool),
        "second": st.fixed_dictionaries({}, optional=OPTIMIZER).filter(bool),
        "seed": INTS,
    },
)


def parsed(library: str, folder: Path, words: list[str]) -> Any:
    """Return the values that a library reads from the words."""
    parser = importlib.import_module(library)
    parse = parser.cli if library == "tyro" else parser.parse
    return plain(dataclasses.asdict(parse(loaded(folder, "configuration").Config, args=words)))


@cache  # the same for each example
def defaults_of(library: str, folder: Path, *words: str) -> Any:
    return parsed(library, folder, [*words])


@given(config=LEGAL)
def test_the_library_reads_back_every_value(
    case: tuple[str, Path, ScriptParameters], config: dict[str, Any]
) -> None:
    library, folder, script = case
    pytest.importorskip(library, reason=f"{library} is not installed")
    try:
        words = build_argv(script, config)
    except InvalidInputs as error:
        refused = {one.field for one in error.errors}
    else:
        refused = set()
        defaults = defaults_of(library, folder, *build_argv(script, {"schedule.warm_up": 1}))
        assert parsed(library, folder, words) == merged(defaults, config)
    assert refused <= {"data.names"}  # texts that look like options among others


def test_defaults_are_passed_as_they_are(case: tuple[str, Path, ScriptParameters]) -> None:
    library, folder, script = case
    pytest.importorskip(library, reason=f"{library} is not installed")
    config = {**default_config(script), "schedule.warm_up": 1}
    few, every = (build_argv(script, config, pass_defaults=passed) for passed in (False, True))
    assert len(few) == 2 < len(every)
    assert parsed(library, folder, few) == parsed(library, folder, every)


def test_asking_finds_the_same_parameters(tmp_path: Path) -> None:
    pytest.importorskip("tyro", reason="tyro is not installed")
    read = read_nested(tmp_path, "tyro")
    found = ask_script(open_workspace(tmp_path / "script.py")[0])
    asked = parameters_of(found.answer, "script.py")
    assert asked is not None, (found.problem, found.output)
    columns = ("type", "default", "choices", "required", "flags", "off_flags")
    assert table(asked, *columns) == table(read, *columns)


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    changed = {
        key: merged(values[key], one) if isinstance(one, dict) else one for key, one in changes.items()
    }
    return {**values, **changed}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else getattr(value, "name", value)
