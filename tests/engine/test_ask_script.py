"""Asking scripts for their parameters: real child processes, real parsers."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs, Unreadable
from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.create.preview import script_parameters
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.probe.answer import VERSION, parse_answer
from pyruns_jupyter.core.scripts.source import files
from pyruns_jupyter.core.scripts.source.modules import may_be_newer
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.run import ask_script as asking
from pyruns_jupyter.engine.run.ask_script import AskedScript, ask_script, check_commands, known_answer
from tests.support import wait_until

CHILD = Path(asking.__file__).parents[2] / "core" / "scripts" / "probe" / "child"

ARGPARSE = """
import argparse, enum, os, pathlib
class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"
def truth(text):
    if text.lower() in ("yes", "true"):
        return True
    if text.lower() in ("no", "false"):
        return False
    raise argparse.ArgumentTypeError("expected yes or no")
TABLE = {name: (float if name == "lr" else int) for name in os.environ.get("NAMES", "lr,epochs").split(",")}
parser = argparse.ArgumentParser()
for name, kind in TABLE.items():
    parser.add_argument("--" + name, type=kind, default=kind(3), help="the " + name)
parser.add_argument("--mode", type=Mode, default=Mode.FAST, choices=list(Mode))
parser.add_argument("--amp", type=truth, default=False)
parser.add_argument("--sizes", type=int, nargs="+", default=[1, 2])
parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs"))
parser.add_argument("--limit", type=float, default=float("inf"))
group = parser.add_argument_group("training")
group.add_argument("--no-log", action="store_false", dest="log")
either = parser.add_mutually_exclusive_group()
either.add_argument("--gpu", action="store_true")
either.add_argument("--cpu", action="store_true")
args = parser.parse_args()
print("RAN", vars(args))
open("ran.txt", "w").write("ran")
"""


# Reading does not follow such a loop.
LOOP = """
import argparse, random
parser = argparse.ArgumentParser()
for name, default in random.sample([("lr", 0.5)], 1):
    parser.add_argument("--" + name, type=float, default=default)
args = parser.parse_args()
"""


def opened(folder: Path, source: str, name: str = "train.py", **modules: str) -> WorkspaceFolder:
    """Write a script, with modules beside it, and open it."""
    (folder / "requirements.txt").touch()  # marks the folder of the project
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text, encoding="utf-8")
    (folder / name).write_text(source, encoding="utf-8")
    return open_workspace(folder / name)[0]


def asked(workspace: WorkspaceFolder, **options: Any) -> AskedScript:
    found = ask_script(workspace, **options)
    assert not found.problem, (found.problem, found.output)
    return found


def described(workspace: WorkspaceFolder, *columns: str) -> dict[str, Any]:
    found = script_parameters(workspace).parameters
    rows = {one.name: tuple(getattr(one, column) for column in columns) for one in found}
    return {name: row[0] for name, row in rows.items()} if len(columns) == 1 else rows


def words(workspace: WorkspaceFolder, **config: object) -> list[str]:
    return build_argv(script_parameters(workspace), config)


def test_argparse(tmp_path: Path) -> None:
    workspace = opened(tmp_path, ARGPARSE)
    found = asked(workspace)
    assert found.answer.framework == "argparse" and found.answer.confined in (True, False)
    assert described(workspace, "type", "default") == {
        "lr": ("float", 3.0),
        "epochs": ("int", 3),
        "mode": ("choice", "fast"),
        "amp": ("bool", False),
        "sizes": ("list", [1, 2]),
        "out": ("path", "runs"),
        "limit": ("float", float("inf")),
        "log": ("bool", True),
        "gpu": ("bool", False),
        "cpu": ("bool", False),
    }
    lines = described(workspace, "line", "help", "group")
    assert lines["lr"] == (15, "the lr", "") and lines["log"][2] == "training"
    assert words(workspace, lr=0.1, mode="slow", amp=True, log=False) == [
        *("--lr", "0.1", "--mode", "slow", "--amp", "true", "--no-log")
    ]
    with pytest.raises(InvalidInput, match="mutually exclusive"):
        words(workspace, gpu=True, cpu=True)
    assert not (tmp_path / "ran.txt").exists()


def test_the_default_configuration_follows_unless_it_was_edited(tmp_path: Path) -> None:
    workspace = opened(tmp_path, ARGPARSE)
    asked(workspace)
    assert "lr: 3.0  # the lr" in workspace.template_text()
    (workspace.folder / "config_default.yaml").write_text("lr: 7\n")
    asked(workspace)
    assert workspace.template_text() == "lr: 7\n"


def test_two_parsers_of_one_command_line(tmp_path: Path) -> None:
    source = """
import argparse
first = argparse.ArgumentParser(add_help=False)
first.add_argument("--config", default="")
parser = argparse.ArgumentParser()
parser.add_argument("--model", default="resnet18")
def parse():
    known, rest = first.parse_known_args()
    parser.set_defaults(model="other" if known.config else "resnet18")
    return parser.parse_args(rest)
parse()
"""
    workspace = opened(tmp_path, source)
    found = asked(workspace)
    assert found.answer.strict and set(described(workspace, "default")) == {"config", "model"}


def test_an_open_parser_does_not_run_the_rest_of_the_script(tmp_path: Path) -> None:
    source = """
import argparse
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    args, rest = parser.parse_known_args()
    raise SystemExit("trained")
main()
"""
    workspace = opened(tmp_path, source)
    assert not asked(workspace).answer.strict
    assert script_parameters(workspace).open


def test_a_parser_that_reads_a_list_of_its_own_is_not_the_answer(tmp_path: Path) -> None:
    source = """
import argparse
defaults = argparse.ArgumentParser()
defaults.add_argument("--inner", default=1)
defaults.parse_args([])
defaults.parse_args(["--inner", "2"])
parser = argparse.ArgumentParser()
parser.add_argument("--outer", type=int, default=1)
import sys
parser.parse_args(sys.argv[1:])
"""
    workspace = opened(tmp_path, source)
    asked(workspace)
    assert set(described(workspace, "default")) == {"outer"}


def test_a_copy_of_the_command_line_is_the_command_line(tmp_path: Path) -> None:
    source = """
import argparse, sys
def main(argv=None):
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.parse_args(argv)
    raise SystemExit("ran")
main()
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.strict


def test_subcommands(tmp_path: Path) -> None:
    source = """
import argparse, json
names = json.loads('["train", "test"]')
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
commands = parser.add_subparsers(dest="action", required=True)
for name in names:
    one = commands.add_parser(name, aliases=[name[:2]], help="to " + name)
    one.add_argument("--rate", type=float, default=len(name))
parser.parse_args()
"""
    workspace = opened(tmp_path, source)
    asked(workspace)
    assert described(workspace, "default")["train.rate"] == 5
    assert words(workspace, seed=2, action="test", test={"rate": 0.5}) == [
        "--seed",
        "2",
        "test",
        "--rate",
        "0.5",
    ]


def test_click(tmp_path: Path) -> None:
    pytest.importorskip("click")
    source = """
import click, json
@click.group()
def main(): "All commands."
def make(name, default):
    @main.command(name)
    @click.option("--rate", type=click.FloatRange(0, 1), default=default, help="the rate")
    @click.option("--tag", multiple=True)
    @click.option("--amp/--no-amp", default=True)
    @click.argument("path", type=click.Path())
    def run(**given): raise SystemExit("ran")
for name, default in json.loads('{"train": 0.5}').items():
    make(name, default)
main()
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "click"
    assert described(workspace, "type", "default")["train.rate"] == ("float", 0.5)
    given = {"rate": 0.25, "tag": ["a"], "amp": False, "path": "data"}
    argv = words(workspace, command="train", train=given)
    assert argv == ["train", "--rate", "0.25", "--tag", "a", "--no-amp", "data"]
    found = check_commands(workspace, [argv, ["train", "--rate", "2", "data"], ["other"]])
    assert found[0] is None and "range" in str(found[1]) and "other" in str(found[2])


def test_typer(tmp_path: Path) -> None:
    pytest.importorskip("typer")
    source = """
import enum, typer
from typing import List
class Mode(str, enum.Enum):
    fast = "fast"
    slow = "slow"
def train(path: str, lr: float = 0.1, mode: Mode = Mode.fast, layers: List[int] = [1, 2], amp: bool = False):
    raise SystemExit("ran")
app = typer.Typer()
app.command()(train)
run = getattr(typer.Typer, "__call__")
run(app)
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "typer"
    assert described(workspace, "type", "default", "required") == {
        "path": ("str", None, True),
        "lr": ("float", 0.1, False),
        "mode": ("choice", "fast", False),
        "layers": ("list", [1, 2], False),
        "amp": ("bool", False, False),
    }
    argv = words(workspace, path="x", lr=0.5, mode="slow", layers=[3], amp=True)
    assert check_commands(workspace, [argv, [*argv, "--mode", "odd"]])[0] is None
    assert argv == ["--lr", "0.5", "--mode", "slow", "--layers", "3", "--amp", "x"]


def test_fire(tmp_path: Path) -> None:
    pytest.importorskip("fire")
    source = """
import fire
class Trainer:
    def __init__(self, seed: int = 1): ...
    def fit(self, lr: float = 0.1, *names, **more): "Fit."
    @staticmethod
    def test(path): ...
table = {}
table.update(main=Trainer, plain=lambda lr=0.5: None)
fire.Fire(table)
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "fire"
    found = described(workspace, "default")
    assert found["main.seed"] == 1 and found["main.fit.lr"] == 0.1 and found["plain.lr"] == 0.5
    assert "main.test.path" in found
    assert words(workspace, command="plain", plain={"lr": 2.0}) == ["plain", "--lr=2.0"]


def test_hydra(tmp_path: Path) -> None:
    pytest.importorskip("hydra")
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "config.yaml").write_text("defaults: [model: vit]\nlr: 0.1\nname: ???\n")
    (tmp_path / "conf" / "model" / "vit.yaml").write_text("depth: 12\n")
    (tmp_path / "conf" / "model" / "cnn.yaml").write_text("width: 64\n")
    source = """
import hydra
name = "".join(["con", "fig"])
@hydra.main(config_path="conf", config_name=name, version_base=None)
def main(cfg): raise SystemExit("ran")
main()
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "hydra"
    found = described(workspace, "default")
    assert found["lr"] == 0.1 and found["model.depth"] == 12 and found["model"] == "vit"
    argv = words(workspace, lr=0.2, name="a")
    assert argv[:2] == ["lr=0.2", "name=a"]
    assert check_commands(workspace, [argv, ["missing=1"]])[0] is None


def test_omegaconf(tmp_path: Path) -> None:
    pytest.importorskip("omegaconf")
    source = """
from omegaconf import OmegaConf
base = OmegaConf.create({"lr": 0.1, "model": {"depth": 3}})
OmegaConf.merge(base, OmegaConf.from_cli())
raise SystemExit("ran")
"""
    workspace = opened(tmp_path, source)
    found = asked(workspace)
    assert found.answer.framework == "omegaconf" and found.answer.content == {
        "lr": 0.1,
        "model": {"depth": 3},
    }
    argv = words(workspace, lr=0.5, model={"depth": 4})
    assert argv == ["lr=0.5", "model.depth=4"] and check_commands(workspace, [argv]) == [None]


def test_simple_parsing(tmp_path: Path) -> None:
    pytest.importorskip("simple_parsing")
    source = """
from dataclasses import make_dataclass, field
import simple_parsing
Config = make_dataclass("Config", [("lr", float, 0.1), ("names", list, field(default_factory=list))])
simple_parsing.parse(Config)
raise SystemExit("ran")
"""
    workspace = opened(tmp_path, source)
    found = asked(workspace)
    assert found.answer.library.startswith("simple_parsing.")
    assert words(workspace, lr=0.5) == ["--lr", "0.5"]


def test_tyro(tmp_path: Path) -> None:
    pytest.importorskip("tyro")
    source = """
import dataclasses, tyro
from typing import Optional
@dataclasses.dataclass
class Optimizer:
    lr_rate: float = 0.1
    amp: bool = False
def make():
    fields = [("steps", int), ("opt", Optimizer, Optimizer()), ("note", Optional[str], None)]
    return dataclasses.make_dataclass("Config", fields, frozen=True)
Optimizer.__hash__ = lambda self: 1
tyro.cli(make())
raise SystemExit("ran")
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "tyro"
    with pytest.raises(InvalidInput, match="the string 'None' as a null value"):
        words(workspace, steps=3, note="None")
    argv = words(workspace, steps=3, **{"opt.lr_rate": 0.5, "opt.amp": True})
    assert argv == ["--steps", "3", "--opt.lr-rate", "0.5", "--opt.amp"]
    assert words(workspace, steps=3, **{"opt.amp": False}) == ["--steps", "3"]
    assert check_commands(workspace, [argv, ["--steps", "x", "--odd"]])[0] is None


def test_tyro_with_named_configurations(tmp_path: Path) -> None:
    pytest.importorskip("tyro")
    source = """
import dataclasses, tyro
@dataclasses.dataclass
class Config:
    lr: float = 0.1
    wide: bool = False
tyro.extras.overridable_config_cli({"small": ("a", Config()), "big": ("b", Config(0.5))})
"""
    workspace = opened(tmp_path, source)
    asked(workspace)
    found = described(workspace, "default", "choices")
    assert found["command"][1] == ("small", "big") and found["big.lr"] == (0.5, None)
    argv = words(workspace, command="big", **{"big.lr": 0.25, "big.wide": True})
    assert argv == ["big", "--lr", "0.25", "--wide"]
    assert check_commands(workspace, [argv]) == [None]


def test_absl(tmp_path: Path) -> None:
    pytest.importorskip("absl")
    source = """
from absl import app, flags
flags.DEFINE_float("lr", 0.1, "the rate", lower_bound=0)
flags.DEFINE_enum("mode", "fast", ["fast", "slow"], "the mode")
flags.DEFINE_bool("amp", False, "mixed precision")
flags.DEFINE_list("names", ["a"], "names")
flags.DEFINE_multi_integer("sizes", [1], "sizes")
flags.DEFINE_string("out", None, "folder", required=True)
app.run(lambda argv: 1 / 0)
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "absl"
    assert [name for name, required in described(workspace, "required").items() if required] == ["out"]
    assert described(workspace, "type", "default") == {
        "lr": ("float", 0.1),
        "mode": ("choice", "fast"),
        "amp": ("bool", False),
        "names": ("list", ["a"]),
        "sizes": ("list", [1]),
        "out": ("str", None),
    }
    found = check_commands(workspace, [["--lr=0.5", "--noamp", "--out=x"], ["--lr=-1"], ["--odd=1"]])
    assert found[0] is None and found[1] and found[2]
    argv = words(workspace, lr=0.5, amp=True, names=["b", "c"], sizes=[2, 3], mode="slow", out="x")
    assert argv == ["--lr=0.5", "--amp", "--names=b,c", "--sizes=2", "--sizes=3", "--mode=slow", "--out=x"]
    assert check_commands(workspace, [argv]) == [None]


def test_jsonargparse(tmp_path: Path) -> None:
    pytest.importorskip("jsonargparse")
    source = """
from typing import List, Optional
from jsonargparse import ArgumentParser
parser = ArgumentParser()
parser.add_argument("--model.lr", type=float, default=0.1)
parser.add_argument("--model.layers", type=Optional[List[int]], default=[1, 2])
parser.add_argument("--name", type=str, default="a")
parser.parse_args()
raise SystemExit("ran")
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "jsonargparse"
    argv = words(workspace, **{"model.lr": 0.5, "model.layers": [3], "name": "b"})
    assert check_commands(workspace, [argv, ["--model.lr", "x"]])[0] is None


def test_jsonargparse_with_classes_and_subcommands(tmp_path: Path) -> None:
    """As LightningCLI builds its parser."""
    pytest.importorskip("jsonargparse")
    pytest.importorskip("docstring_parser")
    source = """
from typing import List, Optional
from jsonargparse import ActionConfigFile, ArgumentParser
class Base:
    def __init__(self, width: int = 8): ...
class Wide(Base):
    def __init__(self, depth: int = 2, width: int = 9): ...
class Trainer:
    def __init__(self, max_epochs: int = 3, devices: Optional[List[int]] = None, precision: str = "32"): ...
def options():
    parser = ArgumentParser()
    parser.add_argument("--config", action=ActionConfigFile)
    parser.add_class_arguments(Trainer, "trainer")
    parser.add_subclass_arguments(Base, "model")
    parser.add_argument("--seed_everything", type=int, default=0)
    return parser
parser = ArgumentParser()
commands = parser.add_subcommands()
for name in ("fit", "test"):
    commands.add_subcommand(name, options())
parser.parse_args()
raise SystemExit("ran")
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.framework == "jsonargparse"
    found = described(workspace, "type", "default")
    assert found["fit.trainer.max_epochs"] == ("int", 3) and found["fit.trainer.precision"] == ("str", "32")
    assert not [name for name in found if name.endswith((".help", ".trainer", ".print_config"))]
    fit = {"trainer": {"max_epochs": 5, "devices": [1], "precision": "16"}, "model": "Wide"}
    argv = words(workspace, subcommand="fit", fit=fit)
    assert argv[0] == "fit" and argv[argv.index("--model") + 1] == "Wide"
    found_errors = check_commands(workspace, [argv, ["fit", "--trainer.max_epochs", "x"]])
    assert found_errors[0] is None and "trainer.max_epochs" in str(found_errors[1])


def test_configargparse(tmp_path: Path) -> None:
    pytest.importorskip("configargparse")
    source = """
import configargparse
parser = configargparse.ArgParser(default_config_files=[])
parser.add_argument("--config", is_config_file=True)
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_args()
raise SystemExit("ran")
"""
    workspace = opened(tmp_path, source)
    found = asked(workspace)
    assert found.answer.strict and set(described(workspace, "default")) == {"config", "lr"}


def test_pyrallis(tmp_path: Path) -> None:
    pytest.importorskip("pyrallis")
    source = """
from dataclasses import dataclass, field
import pyrallis
@dataclass
class Optimizer:
    lr: float = 0.1
@dataclass
class Config:
    steps: int
    names: list = field(default_factory=lambda: ["a"])
    opt: Optimizer = field(default_factory=Optimizer)
@pyrallis.wrap()
def main(config: Config):
    raise SystemExit("ran")
main()
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.library == "pyrallis.ArgumentParser"
    found = described(workspace, "type", "default")
    assert found["opt.lr"] == ("float", 0.1) and found["names"] == ("list", ["a"])
    argv = words(workspace, steps=3, names=["b", "1"], config_path="c.yaml", **{"opt.lr": 0.5})
    given = dict(zip(argv[::2], map(yaml.safe_load, argv[1::2]), strict=True))
    assert given == {"--steps": 3, "--names": ["b", "1"], "--config_path": "c.yaml", "--opt.lr": 0.5}


# As much of pyrallis as the answer depends on.
YAML_PARSER = """
import argparse, dataclasses
class ArgumentParser(argparse.ArgumentParser):
    def __init__(self, config_class, config_path=None):
        super().__init__()
        self.config_class, self.config_path = config_class, [config_path] if config_path else []
        self.add_argument("--config_path")
        self.add_fields(config_class, "")
    def add_fields(self, owner, prefix):
        for one in dataclasses.fields(owner):
            if dataclasses.is_dataclass(one.type):
                self.add_fields(one.type, prefix + one.name + ".")
            else:
                self.add_argument("--" + prefix + one.name, type=str)
def parse(config_class, config_path=None):
    return ArgumentParser(config_class, config_path).parse_args()
"""
SECTIONS = """
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).parent / "library"))
from dataclasses import dataclass, field
from typing import Union
import pyrallis
@dataclass
class Part:
    lr: float = 0.1
    name: str = "a"
@dataclass
class Wide(Part):
    width: int = 3
@dataclass
class Config:
    steps: int
    fast: bool = False
    either: Union[int, str] = 1
    one: Part = field(default_factory=Part)
    two: Part = field(default_factory=lambda: Part(0.7))
    null: Part = field(default_factory=lambda: Part(0.7, None))
    wide: Part = field(default_factory=lambda: Wide(0.7))
pyrallis.parse(Config, FILE)
raise SystemExit("ran")
"""


def sections(folder: Path, file: str | None) -> WorkspaceFolder:
    (folder / "library").mkdir()
    (folder / "library" / "pyrallis.py").write_text(YAML_PARSER, encoding="utf-8")
    workspace = opened(folder, SECTIONS.replace("FILE", repr(file)))
    assert asked(workspace).answer.library == "pyrallis.ArgumentParser"
    return workspace


def test_defaults_that_words_of_their_section_reset_are_passed(tmp_path: Path) -> None:
    workspace = sections(tmp_path, None)
    found = described(workspace, "default", "required")
    assert found["steps"] == (None, True) and found["two.lr"] == (0.7, False)
    names = ["one.lr", "one.name", "two.lr", "null.lr", "wide.lr"]
    config = {"steps": 3, **{name: found[name][0] for name in names}, "two.name": "b"}
    assert words(workspace, **config) == ["--steps", "3", "--two.lr", "0.7", "--two.name", "b"]
    # Words cannot give back these objects.
    assert found["null.lr"] == found["wide.lr"] == found["null.name"] == (None, False)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [("fast", "n", "expects true or false, got 'n'"), ("either", "5", "pyrallis would convert it to int")],
)
def test_values_that_pyrallis_reads_as_others(tmp_path: Path, key: str, value: object, message: str) -> None:
    workspace = sections(tmp_path, None)
    with pytest.raises(InvalidInput, match=message):
        words(workspace, steps=3, **{key: value})


def test_fields_that_a_file_of_the_script_may_set_have_no_default(tmp_path: Path) -> None:
    workspace = sections(tmp_path, "train.yaml")
    found = described(workspace, "type", "default", "required")
    assert found["steps"] == ("int", None, False) and found["one.lr"] == ("float", None, False)
    assert words(workspace, **{"one.lr": 0.1, "one.name": None}) == ["--one.lr", "0.1"]


def test_draccus(tmp_path: Path) -> None:
    pytest.importorskip("draccus")
    source = """
from dataclasses import dataclass, field
from typing import List, Optional
import enum
import draccus
class Mode(enum.Enum):
    FAST = 1
    SLOW = 2
@dataclass
class Model(draccus.ChoiceRegistry):
    width: int = 8
@Model.register_subclass("small")
@dataclass
class Small(Model):
    depth: int = 2
@Model.register_subclass("big")
@dataclass
class Big(Model):
    heads: int = 4
@dataclass
class Config:
    steps: int
    model: Model = field(default_factory=Small)
    betas: List[float] = field(default_factory=lambda: [0.9, 0.99])
    mode: Mode = Mode.FAST
    note: Optional[str] = None
    amp: bool = False
@draccus.wrap()
def main(config: Config):
    raise SystemExit("ran")
main()
"""
    workspace = opened(tmp_path, source)
    assert asked(workspace).answer.library.startswith("draccus.")
    found = described(workspace, "type", "default", "required")
    assert found["steps"] == ("int", None, True) and found["amp"] == ("bool", False, False)
    assert found["mode"] == ("choice", "FAST", False) and found["model.depth"] == ("int", 2, False)
    assert found["betas"] == ("list", [0.9, 0.99], False) and "model" not in found
    config: dict[str, object] = {"steps": 3, "betas": [0.5], "mode": "SLOW", "note": "1", "amp": True}
    argv = words(workspace, **config, **{"model.type": "big", "model.heads": 2, "model.width": 1})
    assert check_commands(workspace, [argv, ["--steps", "3", "--mode", "ODD"]])[0] is None, argv


def test_relative_imports(tmp_path: Path) -> None:
    (tmp_path / "package" / "inner").mkdir(parents=True)
    for folder in ("package", "package/inner"):
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "package" / "conf.py").write_text("def rate(): return float('0.5')")
    source = """
import argparse
from ..conf import rate
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=rate())
parser.parse_args()
"""
    (tmp_path / "setup.py").touch()
    (tmp_path / "package" / "inner" / "train.py").write_text(source)
    workspace = open_workspace(tmp_path / "package" / "inner" / "train.py")[0]
    assert "package/conf.py" in asked(workspace).answer.files


# The answer and the source

CHANGED_CLICK = """
import click
@click.command()
@click.option("--lr", type=float, default=0.1)
@click.option("--mode", type=click.Choice(["a", "b"]), default="a")
def main(lr, mode): raise SystemExit("ran")
for option in main.params:
    vars(option).update(json_of(option.name))
main()
"""
CHANGED_FIRE = """
import fire
def train(lr=0.1, mode="a"): raise SystemExit("ran")
vars(type(train))["__defaults__"].__set__(train, (0.5, "a"))
fire.Fire(train)
"""
CHANGED_ABSL = """
from absl import app, flags
flags.DEFINE_float("lr", 0.1, "the rate")
flags.DEFINE_string("mode", "a", "the mode")
getattr(flags.FLAGS, "set_" + "default")("lr", 0.5)
app.run(lambda argv: 1 / 0)
"""


@pytest.mark.parametrize(
    ("library", "source"), [("click", CHANGED_CLICK), ("fire", CHANGED_FIRE), ("absl", CHANGED_ABSL)]
)
def test_the_parser_is_right_where_the_source_says_something_else(
    tmp_path: Path, library: str, source: str
) -> None:
    pytest.importorskip(library)
    source = source.replace("json_of(option.name)", "{'default': 0.5} if option.name == 'lr' else {}")
    workspace = opened(tmp_path, source)
    assert described(workspace, "default") == {"lr": 0.1, "mode": "a"}
    asked(workspace)
    assert described(workspace, "default") == {"lr": 0.5, "mode": "a"}
    assert len(words(workspace, lr=0.1, mode="a")) in (1, 2) and words(workspace, lr=0.5) == []


def test_choices_and_types_are_those_of_the_parser(tmp_path: Path) -> None:
    pytest.importorskip("click")
    source = CHANGED_CLICK.replace(
        "json_of(option.name)", "{'type': click.Choice(['a', 'c'])} if option.name == 'mode' else {}"
    )
    workspace = opened(tmp_path, source)
    assert described(workspace, "choices")["mode"] == ("a", "b")
    asked(workspace)
    assert described(workspace, "choices")["mode"] == ("a", "c")


NEWER = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)  # newer
args = parser.parse_args()
"""


def test_a_script_that_only_the_python_of_the_tasks_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the comment were syntax that this Python does not know.
    parse = files._parsed

    def parsed(source: str | bytes) -> ast.Module:
        if b"# newer" in (source.encode() if isinstance(source, str) else source):
            raise SyntaxError("invalid syntax", ("train.py", 4, 1, ""))
        return parse(source)

    monkeypatch.setattr(files, "_parsed", parsed)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "train.py").write_text(NEWER, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"not valid Python .* line 4"):
        open_workspace(tmp_path / "train.py")
    (tmp_path / "train.py").write_text(NEWER.replace("# newer", ""), encoding="utf-8")
    workspace = open_workspace(tmp_path / "train.py")[0]
    (tmp_path / "train.py").write_text(NEWER, encoding="utf-8")
    other = tmp_path / "env" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    other.chmod(0o755)
    (workspace.root / "_pyruns_settings.yaml").write_text(f"python_executable: {other}\n", encoding="utf-8")
    unread = script_parameters(workspace)
    assert unread.kind == "command" and unread.open
    assert re.search(
        r"The Python of the server \(3\.\d+\) cannot read train.py, line 4: invalid syntax",
        unread.problems[0].message,
    )
    assert asked(workspace).interpreter == str(other)
    assert described(workspace, "type", "default") == {"lr": ("float", 0.1)}
    assert script_parameters(workspace).problems == () and words(workspace, lr=0.5) == ["--lr", "0.5"]


@pytest.mark.parametrize(("version", "newer"), [("3.8", False), ("3.99", True)])
def test_the_version_of_another_interpreter(tmp_path: Path, version: str, newer: bool) -> None:
    (tmp_path / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
    assert may_be_newer(str(tmp_path)) is newer
    assert not may_be_newer(sys.executable) and may_be_newer("some_conda_environment")


# What a script does before it reaches its parser


def test_writing_is_confined(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    (tmp_path / "other.txt").write_text("kept")
    source = """
import argparse, logging, os, pathlib, tempfile
os.makedirs("runs/a", exist_ok=True)
logging.basicConfig(filename="runs/a/train.log")
logging.warning("started")
with open("kept.txt", "a") as file:
    file.write(" and changed")
assert open("kept.txt").read() == "kept and changed"
pathlib.Path("other").mkdir()
tempfile.NamedTemporaryFile("w").write("x")
for change in (lambda: os.remove("other.txt"), lambda: os.rename("other.txt", "gone.txt")):
    try:
        change()
    except PermissionError:
        continue
    raise SystemExit("not refused")
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.parse_args()
"""
    workspace = opened(tmp_path, source)
    before = sorted(path.name for path in tmp_path.iterdir())
    found = asked(workspace)
    assert kept.read_text() == "kept" and sorted(path.name for path in tmp_path.iterdir()) == before
    assert str(tmp_path / "runs") in found.answer.written


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is part of Linux")
def test_another_program_cannot_write_either(tmp_path: Path) -> None:
    source = """
import argparse, subprocess
subprocess.run(["touch", "made.txt"])
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.parse_args()
"""
    workspace = opened(tmp_path, source)
    found = asked(workspace)
    if not found.answer.confined:
        pytest.skip("this kernel has no Landlock")
    assert not (tmp_path / "made.txt").exists()


def test_the_time_limit_kills_what_the_script_started(tmp_path: Path) -> None:
    source = """
import os, pathlib, subprocess, sys, time
word = "import time; time.sleep(600)"
one = subprocess.Popen([sys.executable, "-c", word])
two = subprocess.Popen([sys.executable, "-c", word], start_new_session=True)
print(one.pid, two.pid, flush=True)
time.sleep(600)
"""
    workspace = opened(tmp_path, source)
    found = ask_script(workspace, seconds=3.0)
    assert "within 3 s" in found.problem and found.stored is None
    for pid in map(int, found.output.split()):
        wait_until(lambda pid=pid: not process_alive(pid, None))  # type: ignore[misc]


def test_a_forked_process_is_not_the_script(tmp_path: Path) -> None:
    source = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
if os.fork() == 0:
    parser.add_argument("--child")
    parser.parse_args()
os.wait()
parser.parse_args()
"""
    workspace = opened(tmp_path, source)
    asked(workspace)
    assert set(described(workspace, "default")) == {"lr"}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("print('done')", "ended without using"),
        ("import sys\nsys.exit('no data')", r"exited in line 2 .*no data"),
        ("import sys\nsys.exit(3)", r"exited in line 2 .*\(3\)"),
        ("a = 1\nraise ValueError('no file')", r"failed in line 2 .*ValueError: no file"),
        ("import not_installed_here", r"Install not_installed_here .*stubs"),
        ("import os\nos._exit(5)", "exit code 5"),
        ("import os, signal\nos.kill(os.getpid(), 9)", "signal 9"),
        ("input('name? ')", "EOFError"),
        ("def f(:\n", "SyntaxError"),
    ],
)
def test_scripts_that_reach_no_parser(tmp_path: Path, source: str, problem: str) -> None:
    workspace = opened(tmp_path, "")
    (tmp_path / "train.py").write_text(source)
    found = ask_script(workspace)
    assert re.search(problem, found.problem), found.problem
    assert found.stored is None and known_answer(workspace) is None


def test_no_gpus_no_input_and_the_environment_of_tasks(tmp_path: Path) -> None:
    source = """
import argparse, os, sys
assert os.environ["CUDA_VISIBLE_DEVICES"] == "" and os.environ["MINE"] == "1" and sys.stdin.read() == ""
assert os.getsid(0) == os.getpid() and sys.argv == [__file__] and __name__ == "__main__"
import helper
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=helper.LR)
parser.parse_args()
"""
    workspace = opened(tmp_path, source, helper="LR = 0.5")
    (workspace.root / "_pyruns_settings.yaml").write_text("global_env: {MINE: '1'}\n")
    found = asked(workspace)
    assert set(found.answer.files) >= {"helper.py"}


def test_modules_that_are_not_installed(tmp_path: Path) -> None:
    source = """
import argparse, os
import missing_torch as torch
import missing_torch.nn.functional as F
from missing_torch.utils import data
try:
    import missing_apex
except ImportError:
    missing_apex = None
class Model(torch.nn.Module):
    @torch.no_grad()
    def __init__(self):
        super().__init__(3)
        self.register_buffer("steps", 3)
class Round(torch.autograd.Function, torch.Mixin): ...
class Odd(torch.nn.Module, Model): ...
rounded = Round.apply
Odd()
assert torch.__version__ >= "1.8" and not isinstance(1, torch.Tensor)
height, width = torch.size(3)
count = 2 * torch.cuda.device_count() + height / width
names = [number for number in range(torch.cuda.device_count()) if count > 1]
os.path.exists(os.path.join(torch.hub.get_dir(), "weights"))
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--apex", default=missing_apex is not None, type=int)
parser.add_argument("--arch", choices=sorted(torch.models))
parser.add_argument("--cache", default=torch.hub.get_dir())
parser.add_argument("--name", default=f"run-{torch.version.cuda}")
parser.parse_args()
"""
    workspace = opened(tmp_path, source)
    assert "missing_torch" in ask_script(workspace).problem
    found = asked(workspace, stub_missing=True)
    assert found.answer.stubbed == ("missing_torch",)
    assert described(workspace, "default", "computed")["lr"] == (0.1, False)
    assert described(workspace, "default", "computed")["cache"] == (None, True)
    assert described(workspace, "default", "computed")["name"] == (None, True)
    assert words(workspace, arch="resnet50") == ["--arch", "resnet50"]


@pytest.mark.parametrize("kind", ["int", "float"])
def test_numbers_of_modules_that_are_not_installed_are_not_made_up(tmp_path: Path, kind: str) -> None:
    source = "import argparse\nimport missing_torch\nparser = argparse.ArgumentParser()\n"
    source += f"parser.add_argument('--gpus', default={kind}(missing_torch.count()))\nparser.parse_args()\n"
    problem = ask_script(opened(tmp_path, source), stub_missing=True).problem
    assert "<missing_torch.count(), not installed> is not a known number" in problem


def test_no_choices_at_all(tmp_path: Path) -> None:
    source = "import argparse\nparser = argparse.ArgumentParser()\n"
    source += "parser.add_argument('--arch', choices=sorted(vars(argparse.Namespace())))\n"
    source += "parser.parse_args()\n"
    workspace = opened(tmp_path, source)
    asked(workspace)
    assert described(workspace, "choices")["arch"] == ()
    with pytest.raises(InvalidInputs, match="arch expects one of"):
        words(workspace, arch="resnet50")


# The answer


def test_an_answer_is_valid_until_a_file_changes(tmp_path: Path) -> None:
    source = """
import argparse, helper
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=helper.compute())
parser.parse_args()
"""
    helper = "def compute():\n    return eval('0.5')\n"
    workspace = opened(tmp_path, source, helper=helper)
    assert known_answer(workspace) is None
    asked(workspace)
    stored = known_answer(workspace)
    assert stored is not None and not stored.changed and abs(stored.record.asked_at - time.time()) < 100
    assert stored.record.interpreter == sys.executable
    (tmp_path / "helper.py").write_text(helper + "# changed\n")
    stored = known_answer(workspace)
    assert stored is not None and stored.changed == "helper.py"
    # What the source does not show still comes from it.
    assert described(workspace, "default")["lr"] == 0.5
    (tmp_path / "train.py").write_text(source.replace("helper.compute()", "0.25"))
    assert described(workspace, "default")["lr"] == 0.25
    (tmp_path / "train.py").write_text(source)
    (tmp_path / "helper.py").write_text(helper)
    stored = known_answer(workspace)
    assert stored is not None and not stored.changed


def test_answers_of_another_copy_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    workspace = opened(tmp_path / "one", LOOP)
    asked(workspace)
    assert "lr" in described(workspace, "default")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    copy = WorkspaceFolder(tmp_path / "two" / "_pyruns_" / "train")
    assert known_answer(copy) is None and "lr" not in described(copy, "default")


@pytest.mark.parametrize(
    "change",
    [
        {"framework": "argparse", "command": None},
        {"framework": "", "command": {"parameters": []}},
        {"framework": "argparse", "command": {"parameters": [{"name": ""}]}},
        {"framework": "argparse", "command": {"parameters": [{"name": "a\x1b[2J"}]}},
        {"framework": "argparse", "command": {"parameters": [{"name": "a", "flags": ["--a b"]}]}},
        {"framework": "argparse", "command": {"parameters": [{"name": "a", "line": -1}]}},
        {"framework": "argparse", "command": {"parameters": [{"name": "a"}] * 20_001}},
        {"framework": "argparse", "command": [], "version": VERSION},
        {"framework": "argparse", "command": {"parameters": []}, "version": VERSION + 1},
    ],
)
def test_hostile_answers(change: dict[str, Any]) -> None:
    data = {"version": VERSION, "python": "3.11", **change}
    with pytest.raises(Unreadable, match="The description of the parser is not valid"):
        parse_answer(json.dumps(data).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"version":' * 5000])
def test_answers_that_are_not_an_answer(data: bytes) -> None:
    with pytest.raises(Unreadable, match="not valid"):
        parse_answer(data)


def test_a_script_that_writes_the_answer_itself(tmp_path: Path) -> None:
    source = """
import gc, os, sys
frame = sys._getframe()
while frame.f_back is not None:
    frame = frame.f_back
place = [one for one in sys.orig_argv if one.endswith("request.json")][0].replace("request", "answer")
%s
os._exit(0)
"""
    for number, (trick, problem) in enumerate(
        [
            ("os.symlink('/etc/passwd', place)", "symbolic link"),
            ("os.mkfifo(place)", "."),
            ("open(place, 'wb').truncate(100_000_000)", "."),
            ("open(place, 'w').write('[1')", "not valid"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        workspace = opened(folder, "")
        (folder / "train.py").write_text(source % trick)
        found = ask_script(workspace)
        assert problem in found.problem and found.stored is None


def test_output_is_bounded(tmp_path: Path) -> None:
    workspace = opened(tmp_path, "")
    (tmp_path / "train.py").write_text("print('x' * 5_000_000)\nraise SystemExit('end')")
    found = ask_script(workspace)
    assert len(found.output) <= 16 * 1024 and "exited" in found.problem


def test_the_child_is_valid_for_older_interpreters() -> None:
    for path in CHILD.glob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_no_temporary_files_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "project").mkdir()
    asked(opened(tmp_path / "project", ARGPARSE))
    assert os.listdir(tmp_path / "tmp") == []
