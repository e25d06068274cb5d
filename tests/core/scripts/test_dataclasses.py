"""Scripts whose arguments come from dataclasses: what is read, and what their libraries make of the words."""

from __future__ import annotations

import dataclasses
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, loaded, printed, read_script, table

CONFIG = '''
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Dict, List, Literal, Optional, Tuple, Union


class Color(Enum):
    red = "RED"
    blue = "BLUE"


@dataclass
class Optimizer:
    """Optimizer."""

    lr: float = 0.1  # the rate
    # the name
    name: str = "adam"


@dataclass
class Base:
    seed: int = 3
    """seed below"""
    hidden: int = field(default=1, init=False)


@dataclass
class Config(Base):
    """What to do.

    Attributes:
        data: where
    """

    data: str = "d"
    use_amp: bool = False
    cache: bool = field(default=True, metadata={"help": "keep it"})
    widths: List[int] = field(default_factory=lambda: [1, 2])
    pair: Tuple[int, str] = (1, "x")
    many: tuple[int, ...] = (1,)
    weight: Optional[float] = None
    color: Color = Color.red
    mode: Literal["a", "b"] = "a"
    path: Path = Path("x") / "y"
    names: Optional[List[str]] = None
    first: Optimizer = field(default_factory=Optimizer)
    second: Optimizer = field(default_factory=lambda: Optimizer(lr=0.7))
    tri: Optional[bool] = None
'''
PARSERS = {
    "tyro": "tyro.cli(Config)",
    "pyrallis": "pyrallis.parse(Config)",
    "draccus": "draccus.parse(Config)",
}
SCRIPT = """
import dataclasses, json
import {library}
from configuration import Config

if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict({call}), default=lambda one: getattr(one, "name", str(one))))
"""


def read_library(folder: Path, library: str) -> ScriptParameters:
    text = SCRIPT.format(library=library, call=PARSERS[library])
    # pyrallis does not follow annotations that are texts.
    future = "from __future__ import annotations\n"
    return read_script(
        folder, text, configuration=CONFIG.replace(future, "" if library == "pyrallis" else future)
    )


@pytest.fixture(scope="module", params=PARSERS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return request.param, tmp_path_factory.mktemp(request.param)


def test_fields_become_parameters(case: tuple[str, Path]) -> None:
    library, folder = case
    script = read_library(folder, library)
    assert (script.kind, script.library, script.open) == ("dataclass", library, False)
    assert not script.problems
    found = table(script, "type", "default", "help")
    assert ("config_path" in found) == (library in ("pyrallis", "draccus"))
    found.pop("config_path", None)
    assert found == {
        "seed": ("int", 3, "seed below"),
        "data": ("str", "d", "where"),
        "use_amp": ("bool", False, ""),
        "cache": ("bool", True, "keep it"),
        "widths": ("list", [1, 2], ""),
        "pair": ("list", [1, "x"], ""),
        "many": ("list", [1], ""),
        "weight": ("float", None, ""),
        "color": ("choice", "red", ""),
        "mode": ("choice", "a", ""),
        "path": ("path", "x/y", ""),
        "names": ("list", None, ""),
        "first.lr": ("float", 0.1, "the rate"),
        "first.name": ("str", "adam", "the name"),
        "second.lr": ("float", 0.7, "the rate"),
        "second.name": ("str", "adam", "the name"),
        "tri": ("bool", None, ""),
    }
    by_name = {parameter.name: parameter for parameter in script.parameters}
    assert by_name["color"].choices == ("red", "blue") and by_name["mode"].choices == ("a", "b")
    assert by_name["first.lr"].flag == "--first.lr" and by_name["first.lr"].file == "configuration.py"
    assert by_name["use_amp"].flags == (("--use-amp",) if library == "tyro" else ("--use_amp",))


LEGAL = st.fixed_dictionaries(
    {},
    optional={
        "seed": INTS,
        "data": WORDS,
        "use_amp": st.booleans(),
        "cache": st.booleans(),
        "widths": st.lists(INTS, max_size=3),
        "pair": st.tuples(INTS, WORDS).map(list),
        "many": st.lists(INTS, max_size=3),
        "weight": FLOATS,
        "color": st.sampled_from(["red", "blue"]),
        "mode": st.sampled_from(["a", "b"]),
        "path": WORDS,
        "names": st.lists(WORDS, max_size=3),
        "first": st.fixed_dictionaries({}, optional={"lr": FLOATS, "name": WORDS}),
        "second": st.fixed_dictionaries({"lr": FLOATS}),
        "tri": st.booleans(),
    },
)


@settings(max_examples=60)
@given(config=LEGAL)
def test_the_library_reads_back_every_value(case: tuple[str, Path], config: dict[str, Any]) -> None:
    library, folder = case
    parser = pytest.importorskip(library, reason=f"{library} is not installed")
    script = read_library(folder, library)
    if library == "pyrallis":
        config.pop("mode", None)  # it reads no Literal
    try:
        words = build_argv(script, config)
    except InvalidInputs as error:
        # Only texts that look like options among others are refused, and the text for no value.
        reasons = [_is_told(one.field, one.message) for one in error.errors]
    else:
        reasons = []
    if reasons:
        assert all(reasons)
        return
    module = loaded(folder, "configuration")
    parse = parser.cli if library == "tyro" else parser.parse
    got = _plain(dataclasses.asdict(parse(module.Config, args=words)))
    expected = {key: value for key, value in config.items() if not isinstance(value, dict)}
    assert {key: got[key] for key in expected} == {
        **expected,
        **({"path": str(Path(config["path"]))} if "path" in config else {}),
    }
    for part in ("first", "second"):
        for key, value in config.get(part, {}).items():
            assert got[part][key] == value


def _is_told(field: str | None, message: str) -> bool:
    return "removes the argument '--'" in message or (
        field in ("pair", "names") and ("as an option" in message or "'None'" in message)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else getattr(value, "name", value)


def test_the_defaults_are_passed_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("tyro", reason="tyro is not installed")
    script = read_library(tmp_path, "tyro")
    assert printed(tmp_path, script, default_config(script)) == printed(tmp_path, script, {})


SIMPLE = """
from dataclasses import dataclass
from simple_parsing import ArgumentParser

@dataclass
class Config:
    lr: float = 0.1

parser = ArgumentParser()
parser.add_argument("--extra", type=int, default=3)
parser.add_arguments(Config, dest="config")
args = parser.parse_args()
"""


def test_classes_of_simple_parsing_are_not_read_from_the_source(tmp_path: Path) -> None:
    script = read_script(tmp_path, SIMPLE)
    assert list(table(script)) == ["extra"] and script.open
    assert [one.message for one in script.problems] == [
        "Line 9: simple_parsing.ArgumentParser may have arguments that are not listed."
    ]
    assert build_argv(script, {"extra": 5, "lr": 0.2}) == ["--extra", "5", "--lr", "0.2"]


TYRO = """
import dataclasses, json
from typing import Annotated, Dict, List, Optional, Tuple
import tyro

@dataclasses.dataclass
class Model:
    depth: int = 3

def main(
    data: str,
    model: Model,
    points: List[Tuple[int, int]] = [(1, 2)],
    rates: Dict[str, float] = {"a": 1.0},
    verbose: bool = False,
    strict: Optional[bool] = True,
    alias: Annotated[int, tyro.conf.arg(name="other-name")] = 1,
) -> None:
    \"\"\"Train.

    Args:
        data: where
    \"\"\"
    print(json.dumps([data, model.depth, points, rates, verbose, strict, alias]))

if __name__ == "__main__":
    tyro.cli(main)
"""


def test_a_function_of_tyro(tmp_path: Path) -> None:
    pytest.importorskip("tyro", reason="tyro is not installed")
    script = read_script(tmp_path, TYRO)
    assert not script.problems
    assert table(script, "default", "flag", "help")["data"] == (None, "--data", "where")
    assert printed(tmp_path, script, {"data": "d"}) == ["d", 3, [[1, 2]], {"a": 1.0}, False, True, 1]
    config = {
        "data": "-x",
        "model": {"depth": 5},
        "points": [[3, -4], [5, 6]],
        "rates": {"a": -2.5},
        "verbose": True,
        "strict": None,
        "alias": 7,
    }
    assert printed(tmp_path, script, config) == [
        "-x", 5, [[3, -4], [5, 6]], {"a": -2.5}, True, None, 7,
    ]  # fmt: skip


TRANSFORMERS = """
from dataclasses import dataclass, field
from enum import Enum
from typing import List, Optional
from transformers import HfArgumentParser, TrainingArguments

class Kind(str, Enum):
    small = "S"
    large = "L"

@dataclass
class ModelArguments:
    model_name_or_path: str = field(metadata={"help": "where the model is"})
    kind: Kind = field(default=Kind.small)
    use_fast: bool = field(default=True, metadata={"help": "a fast one"})
    tags: Optional[List[str]] = field(default=None)
    cache: Optional[str] = None

def main():
    parser = HfArgumentParser((ModelArguments, TrainingArguments))
    model_args, training_args = parser.parse_args_into_dataclasses()

if __name__ == "__main__":
    main()
"""


def test_the_parser_of_transformers(tmp_path: Path) -> None:
    script = read_script(tmp_path, TRANSFORMERS)
    assert (script.kind, script.library, script.open) == ("dataclass", "transformers", True)
    assert table(script, "type", "default", "choices", "required", "help") == {
        "model_name_or_path": ("str", None, None, True, "where the model is"),
        "kind": ("choice", "S", ("S", "L"), False, ""),
        "use_fast": ("bool", True, None, False, "a fast one"),
        "tags": ("list", None, None, False, ""),
        "cache": ("str", None, None, False, ""),
    }
    [problem] = script.problems
    assert problem.line == 20 and problem.message.startswith(
        "Line 20: TrainingArguments is not a class of this project. Its fields"
    )
    config = {
        "model_name_or_path": "m",
        "kind": "L",
        "use_fast": False,
        "tags": ["a", "b"],
        "output_dir": "o",
        "fp16": True,
    }
    assert build_argv(script, config) == [
        "--model_name_or_path", "m", "--kind", "L", "--use_fast", "false", "--tags", "a", "b",
        "--output_dir", "o", "--fp16", "True",
    ]  # fmt: skip


def test_what_is_not_understood_is_said(tmp_path: Path) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import Union\nimport os, tyro\n"
        "from elsewhere import Base\n"
        "@dataclass\nclass A:\n    x: int = 1\n"
        "@dataclass\nclass B:\n    y: int = 1\n"
        "@dataclass\nclass Config(Base):\n    part: Union[A, B]\n    home: str = os.getcwd()\n"
        "tyro.cli(Config)\n"
    )
    script = read_script(tmp_path, source)
    assert script.open and list(table(script)) == ["home"]
    assert [problem.line for problem in script.problems] == [12, 13, 14]


TRAINER = """
import sys
from dataclasses import dataclass, field
from transformers import HfArgumentParser, TrainingArguments

@dataclass
class Mine(TrainingArguments):
    extra: int = 3
    learning_rate: float = 1e-3

parser = HfArgumentParser(Mine)
if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
    (args,) = parser.parse_json_file(json_file=sys.argv[1])
else:
    (args,) = parser.parse_args_into_dataclasses()
"""
PACKAGE = {
    "__init__": """
        import sys
        from typing import TYPE_CHECKING
        _structure = {"training_args": ["TrainingArguments"]}
        if TYPE_CHECKING:
            from .training_args import TrainingArguments as TrainingArguments
        else:
            sys.modules[__name__] = lazy(_structure)
        """,
    "training_args": """
        import torch
        from dataclasses import dataclass, field
        from .kinds import Schedule
        from typing import Optional, Union
        @dataclass
        class TrainingArguments:
            output_dir: Optional[str] = field(default=None, metadata={"help": "where"})
            learning_rate: float = field(default=5e-5)
            bf16: bool = False
            schedule: Union[Schedule, str] = field(default="linear")
            device: str = torch.cuda.device()
            hidden: int = field(init=False, default=1)
        """,
    "kinds": "import enum\nclass Schedule(enum.Enum):\n    LINEAR = 'linear'\n",
}


def environment(folder: Path) -> Path:
    """Make an environment with a package, whose import would fail."""
    packages = folder / "lib" / "python3.11" / "site-packages" / "transformers"
    packages.mkdir(parents=True)
    for name, text in PACKAGE.items():
        (packages / f"{name}.py").write_text(textwrap.dedent(text))
    return folder


def test_fields_of_installed_packages(tmp_path: Path) -> None:
    python = environment(tmp_path / "env") / "bin" / "python"
    path = tmp_path / "project" / "train.py"
    path.parent.mkdir()
    path.write_text(TRAINER)
    script = read_parameters(TRAINER, filename="train.py", path=path, within=path.parent, python=str(python))
    assert table(script, "type", "default", "help", "file") == {
        "config_file": ("path", None, "JSON file with all values, passed as the only argument", ""),
        "output_dir": ("str", None, "where", "transformers/training_args.py"),
        "learning_rate": ("float", 0.001, "", ""),
        "bf16": ("bool", False, "", "transformers/training_args.py"),
        "schedule": ("str", "linear", "", "transformers/training_args.py"),
        "device": ("str", None, "", "transformers/training_args.py"),
        "extra": ("int", 3, "", ""),
    }
    assert not script.open and [one.file for one in script.problems] == ["transformers/training_args.py"]
    assert build_argv(script, {"bf16": True, "learning_rate": 1e-3}) == ["--bf16", "true"]
    with pytest.raises(InvalidInputs, match="Did you mean extra"):
        build_argv(script, {"extr": 1})
    # Without that interpreter, its packages are unknown.
    script = read_parameters(TRAINER, filename="train.py", path=path)
    assert script.open and "TrainingArguments" in script.problems[0].message


def test_a_file_as_the_only_argument(tmp_path: Path) -> None:
    script = read_script(tmp_path, TRAINER)
    assert build_argv(script, {"config_file": "a.json", "extra": 3}) == ["a.json"]
    with pytest.raises(InvalidInputs, match="extra: the script reads only the file in config_file"):
        build_argv(script, {"config_file": "a.json", "extra": 4})


@pytest.mark.parametrize("library", ["pyrallis", "draccus"])
def test_a_file_with_values(tmp_path: Path, library: str) -> None:
    script = read_library(tmp_path, library)
    assert build_argv(script, {"config_path": "a b.yaml", "seed": 3, "data": "x"}) == [
        "--config_path", "a b.yaml", "--data", "x",
    ]  # fmt: skip


def test_classes_that_are_chosen_by_name(tmp_path: Path) -> None:
    source = (
        "import draccus\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Policy(draccus.ChoiceRegistry):\n    rate: float\n"
        "@dataclass\nclass Config:\n    policy: Policy\n    seed: int = 1\n"
        "@draccus.wrap()\ndef main(cfg: Config): ...\nmain()\n"
    )
    script = read_script(tmp_path, source)
    assert list(table(script)) == ["config_path", "seed"] and script.open
    assert build_argv(script, {"policy.type": "act"}) == ["--policy.type", "act"]
