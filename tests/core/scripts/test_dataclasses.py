"""Scripts whose arguments come from dataclasses: what is read, and the words that their parser gets."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.reading import read_parameters
from tests.core.frameworks import default_config, printed, read_script, table

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


OTHERS = """
from dataclasses import dataclass
import {library}

@dataclass
class Config:
    lr: float = 0.1

{call}
"""


@pytest.mark.parametrize(
    ("library", "call"),
    [
        ("tyro", "tyro.cli(Config, default=Config(lr=0.5))"),
        ("tyro", "def main(lr: float): ...\ntyro.cli(main)"),
        ("tyro", "@dataclass\nclass Wide:\n    rates: dict[str, float] = None\ntyro.cli(Wide)"),
        ("pyrallis", "@pyrallis.wrap(config_path='a.yaml')\ndef main(config: Config): ...\nmain()"),
        ("draccus", "draccus.parse(Config, 'a.yaml')"),
    ],
)
def test_other_libraries_are_left_to_asking(tmp_path: Path, library: str, call: str) -> None:
    script = read_script(tmp_path, OTHERS.format(library=library, call=call))
    assert (script.kind, list(table(script))) == ("command", ["command_line"])
    assert f"uses {library}, but no parameters were found" in script.problems[0].message
    assert build_argv(script, {"command_line": "--lr {lr}", "lr": 0.2}) == ["--lr", "0.2"]


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


TYRO = """
from dataclasses import dataclass, field, asdict
import enum, json
from pathlib import Path
from typing import List, Literal, Optional, Tuple
import tyro

class Color(enum.Enum):
    red = "RED"
    blue = "BLUE"

@dataclass
class Args:
    steps: int
    learning_rate: float = 0.1  # the rate
    use_amp: bool = False
    cache: bool = True
    widths: List[int] = field(default_factory=lambda: [1, 2])
    pair: Tuple[int, int] = (1, 2)
    color: Color = Color.red
    mode: Literal["a", "b"] = "a"
    path: Path = Path("x")
    note: Optional[str] = None
    tri: Optional[bool] = None

print(json.dumps(asdict(tyro.cli(Args)), default=lambda one: getattr(one, "name", None) or str(one)))
"""


def test_a_class_of_simple_fields_of_tyro(tmp_path: Path) -> None:
    pytest.importorskip("tyro", reason="tyro is not installed")
    script = read_script(tmp_path, TYRO)
    assert (script.kind, script.library, script.open, script.problems) == ("dataclass", "tyro", False, ())
    assert table(script, "type", "default", "help")["learning_rate"] == ("float", 0.1, "the rate")
    config = {**default_config(script), "steps": 3}
    assert printed(tmp_path, script, config) == printed(tmp_path, script, {"steps": 3})
    changed: dict[str, object] = {
        "steps": 5,
        "learning_rate": -0.5,
        "use_amp": True,
        "cache": False,
        "widths": [],
        "pair": [2, -3],
        "color": "blue",
        "mode": "b",
        "path": "y",
        "note": "-x",
        "tri": False,
    }
    assert printed(tmp_path, script, changed) == changed


YAML = """
from dataclasses import dataclass, field, asdict
import enum, json
from typing import Dict, List, Optional, Union
import {library}

class Color(enum.Enum):
    red = "RED"
    blue = "BLUE"

@dataclass
class Config:
    steps: int
    rate: float = 0.1
    data: str = "d"
    fast: bool = False
    widths: List[int] = field(default_factory=lambda: [1, 2])
    rates: Dict[str, float] = field(default_factory=lambda: {{"a": 1.0}})
    color: Color = Color.red
    note: Optional[str] = None

@{library}.wrap()
def main(config: Config):
    print(json.dumps(asdict(config), default=lambda one: one.name))

main()
"""


@pytest.mark.parametrize("library", ["pyrallis", "draccus"])
def test_a_class_of_simple_fields_that_are_read_as_yaml(tmp_path: Path, library: str) -> None:
    script = read_script(tmp_path, YAML.format(library=library))
    assert (script.library, script.open, script.problems) == (library, False, ())
    assert next(iter(table(script))) == "config_path"
    assert build_argv(script, {"config_path": "a b.yaml", "steps": 3, "data": "d", "rate": 0.5}) == [
        "--config_path", "a b.yaml", "--steps", "3", "--rate", "0.5",
    ]  # fmt: skip
    given: dict[str, object] = {"steps": 3, "data": '["a"]', "rates": {"é😀": 1e-05}}
    words = build_argv(script, given)
    assert dict(zip(words[::2], map(yaml.safe_load, words[1::2]), strict=True)) == {
        f"--{key}": value for key, value in given.items()
    }
    changed: dict[str, object] = {
        "steps": 5,
        "rate": -0.5,
        "data": "true",
        "fast": True,
        "widths": [],
        "rates": {"b": 2.5},
        "color": "blue",
        "note": "-x",
    }
    pytest.importorskip(library, reason=f"{library} is not installed")
    assert printed(tmp_path, script, changed) == changed


@pytest.mark.parametrize(
    ("annotation", "value", "others"),
    [
        ("Optional[str]", "None", ["none", "null"]),
        ("Optional[List[str]]", ["None"], [["None", "a"], ["a"]]),
        ("List[Optional[str]]", ["a", "None"], [["a"]]),
        ("str", None, ["None"]),
    ],
)
def test_texts_that_tyro_reads_as_null(
    tmp_path: Path, annotation: str, value: object, others: list[object]
) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import List, Optional\nimport tyro\n"
        f"@dataclass\nclass Config:\n    x: {annotation}\ntyro.cli(Config)\n"
    )
    script = read_script(tmp_path, source)
    with pytest.raises(InvalidInputs, match="x"):
        build_argv(script, {"x": value})
    for one in others:
        assert build_argv(script, {"x": one})[0] == "--x"


def test_the_arguments_of_a_file_that_is_only_imported_are_not_those_of_the_script(tmp_path: Path) -> None:
    evaluation = """
import tyro

def evaluate(arguments): ...

if __name__ == "__main__":
    tyro.cli(evaluate)
"""
    source = """
import argparse
from evaluation import evaluate

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
evaluate(parser.parse_args())
"""
    script = read_script(tmp_path, source, evaluation=evaluation)
    assert (script.kind, list(table(script))) == ("argparse", ["lr"])


@pytest.mark.parametrize(("arguments", "names"), [("", ["lr"]), (", default=Config(lr=2)", ["command_line"])])
def test_arguments_of_another_parser_in_the_file_are_not_listed(
    tmp_path: Path, arguments: str, names: list[str]
) -> None:
    more = "def unused():\n    import argparse\n    parser = argparse.ArgumentParser()\n"
    more += "    parser.add_argument('--other')\n    parser.parse_args()\n"
    source = OTHERS.format(library="tyro", call=f"{more}\ntyro.cli(Config{arguments})")
    assert list(table(read_script(tmp_path, source))) == names


def test_what_is_no_field(tmp_path: Path) -> None:
    source = """
from dataclasses import KW_ONLY, InitVar, dataclass
import {library}

@dataclass
class Base:
    scale: InitVar[float] = 1.0

@dataclass
class Config(Base):
    _: KW_ONLY
    lr: float = 0.1

{library}.{call}(Config)
"""
    found = {
        library: list(table(read_script(tmp_path, source.format(library=library, call=call))))
        for library, call in (("transformers", "HfArgumentParser"), ("draccus", "parse"), ("tyro", "cli"))
    }
    # tyro has an argument for an `InitVar`, so it is asked.
    assert found == {"transformers": ["lr"], "draccus": ["config_path", "lr"], "tyro": ["command_line"]}


def test_values_that_draccus_takes_from_files_are_refused(tmp_path: Path) -> None:
    script = read_script(tmp_path, YAML.format(library="draccus"))
    with pytest.raises(InvalidInputs, match="note: draccus would open a file"):
        build_argv(script, {"steps": 1, "note": "include it"})
    given = {"steps": 1, "rates": {"b": 2.5}}
    with pytest.raises(InvalidInputs, match="rates: draccus would merge it"):
        build_argv(script, {**given, "config_path": "a.yaml"})
    assert build_argv(script, given)[2:] == ["--rates", "{b: 2.5}"]
    pyrallis = read_script(tmp_path, YAML.format(library="pyrallis"))
    assert build_argv(pyrallis, {**given, "note": "include it", "config_path": "a.yaml"})


def test_nested_values_of_fields_that_are_not_listed(tmp_path: Path) -> None:
    script = read_script(tmp_path, TRANSFORMERS)
    config = {"model_name_or_path": "m", "x": {"flag": False, "sizes": [1, 2]}}
    assert build_argv(script, config) == [
        "--model_name_or_path", "m", "--x.flag", "False", "--x.sizes", "1", "2",
    ]  # fmt: skip
    with pytest.raises(InvalidInputs, match="x expects a single value, not a mapping"):
        build_argv(script, {"model_name_or_path": "m", "x": {}})


def test_values_of_fields_that_are_not_listed(tmp_path: Path) -> None:
    script = read_script(tmp_path, TRANSFORMERS)
    config = {"model_name_or_path": "m", "bf16": False, "report_to": ["a", "b"], "note": "-x"}
    assert build_argv(script, config) == [
        "--model_name_or_path", "m", "--bf16", "False", "--report_to", "a", "b", "--note=-x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "value", "words"),
    [
        ("Union[dict, str]", {"a": 1}, ["--x", '{"a": 1}']),
        ("Union[dict, str]", "auto", ["--x", "auto"]),
        ("Optional[dict]", {"a": True}, ["--x", '{"a": true}']),
        ("Union[bool, str]", False, ["--x", "False"]),
        ("Literal[1, 2]", 2, ["--x", "2"]),
        ("List[int]", [1, -2], ["--x", "1", "-2"]),
        ("List[bool]", [True, False], ["--x", "true", ""]),  # of which Python's `bool` makes the same
        ("Optional[bool]", True, ["--x", "true"]),
    ],
)
def test_types_of_fields(tmp_path: Path, annotation: str, value: object, words: list[str]) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import List, Literal, Optional, Union\n"
        "from transformers import HfArgumentParser\n"
        f"@dataclass\nclass Config:\n    x: {annotation} = None\n"
        "HfArgumentParser(Config).parse_args_into_dataclasses()\n"
    )
    script = read_script(tmp_path, source)
    assert not script.problems and not script.open
    assert build_argv(script, {"x": value}) == words
    assert build_argv(script, {"x": None}) == []


def test_defaults_that_are_choices_can_be_passed(tmp_path: Path) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import Literal\n"
        "from transformers import HfArgumentParser\n"
        "@dataclass\nclass Config:\n    x: Literal[1, 2] = 1\n"
        "HfArgumentParser(Config).parse_args_into_dataclasses()\n"
    )
    assert build_argv(read_script(tmp_path, source), {"x": 1}, pass_defaults=True) == ["--x", "1"]


@pytest.mark.parametrize(("annotation", "value"), [("List[int]", []), ("Literal[1, 2]", 3), ("int", "a")])
def test_values_that_no_field_takes(tmp_path: Path, annotation: str, value: object) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import List, Literal\n"
        "from transformers import HfArgumentParser\n"
        f"@dataclass\nclass Config:\n    x: {annotation} = None\n"
        "HfArgumentParser(Config).parse_args_into_dataclasses()\n"
    )
    with pytest.raises(InvalidInputs, match="x"):
        build_argv(read_script(tmp_path, source), {"x": value})


def test_arguments_in_addition_to_the_fields(tmp_path: Path) -> None:
    source = TRANSFORMERS.replace(
        "    model_args,", "    parser.add_argument('--seed', type=int, default=3)\n    model_args,"
    )
    script = read_script(tmp_path, source)
    assert list(table(script)) == ["seed", "model_name_or_path", "kind", "use_fast", "tags", "cache"]
    assert build_argv(script, {"model_name_or_path": "m", "seed": 4}) == [
        "--model_name_or_path", "m", "--seed", "4",
    ]  # fmt: skip


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


def test_a_file_of_trl_does_not_replace_the_arguments(tmp_path: Path) -> None:
    source = """
import sys
from dataclasses import dataclass
from trl import TrlParser

@dataclass
class Config:
    lr: float = 0.1

parser = TrlParser(Config)
if sys.argv[1].endswith(".yaml"):
    (config,) = parser.parse_yaml_file(sys.argv[1])
"""
    script = read_script(tmp_path, source)
    assert list(table(script)) == ["config", "lr"]
    with pytest.raises(InvalidInputs, match="Did you mean config"):
        build_argv(script, {"config_file": "a.yaml"})
