"""Scripts that take values from elsewhere than their command line: files, presets, defaults by model.

What the script gets is what it gets when somebody types only what was changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.commandtree import ScriptCommand, script_of
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from tests.core.frameworks import default_config, printed, read_script

PRINT = "import json\nprint(json.dumps(vars(args)))\n"
# The parser of a file first, whose values become defaults of the parser of everything (timm's train.py).
FILE = """\
import argparse, yaml
config_parser = parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("-c", "--config", default="", metavar="FILE")
parser = argparse.ArgumentParser()
parser.add_argument("data", nargs="?", default="")
parser.add_argument("--model", default="resnet50")
parser.add_argument("-b", "--batch-size", type=int, default=128)
parser.add_argument("--lr", type=float, default=None)
parser.add_argument("--mean", type=float, nargs="+", default=None)
parser.add_argument("--amp", action="store_true", default=False)
parser.add_argument("--bce", action=argparse.BooleanOptionalAction, default=False)
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")

def _parse_args():
    args_config, remaining = config_parser.parse_known_args()
    if args_config.config:
        with open(args_config.config) as f:
            cfg = yaml.safe_load(f)
            parser.set_defaults(**cfg)
    return parser.parse_args(remaining)

args = _parse_args()
"""
# Values that are set on the namespace unless they were typed (kohya's train_network.py).
NAMESPACE = """\
import argparse, yaml
parser = argparse.ArgumentParser()
parser.add_argument("--config_file")
parser.add_argument("--max_train_steps", type=int, default=1600)
parser.add_argument("--learning_rate", type=float, default=2.0e-6)
parser.add_argument("--optimizer_args", nargs="*", default=None)
args = parser.parse_args()
if args.config_file:
    with open(args.config_file) as f:
        args = parser.parse_args(namespace=argparse.Namespace(**yaml.safe_load(f)))
"""
# Options that the chosen model changes (CycleGAN and pix2pix).
MODELS = """\
import argparse, importlib

class Options:
    def __init__(self):
        self.initialized = False

    def initialize(self, parser):
        parser.add_argument("--model", type=str, default="cycle_gan")
        parser.add_argument("--netG", type=str, default="resnet_9blocks")
        parser.add_argument("--norm", type=str, default="instance")
        parser.add_argument("--pool_size", type=int, default=50)
        parser.add_argument("--no_dropout", action="store_true")
        self.initialized = True
        return parser

    def gather_options(self):
        if not self.initialized:
            parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
            parser = self.initialize(parser)
        opt, _ = parser.parse_known_args()
        setter = importlib.import_module("models." + opt.model).modify_commandline_options
        parser = setter(parser, True)
        return parser.parse_args()

args = Options().gather_options()
"""
PIX2PIX = """\
def modify_commandline_options(parser, is_train=True):
    parser.set_defaults(norm="batch", netG="unet_256", pool_size=0)
    parser.add_argument("--lambda_L1", type=float, default=100.0)
    return parser
"""
# Defaults that depend on other values (SPADE).
CONDITION = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--no_TTUR", action="store_true")
parser.add_argument("--beta1", type=float, default=0.0)
parser.add_argument("--beta2", type=float, default=0.9)
opt, unknown = parser.parse_known_args()
if opt.no_TTUR:
    parser.set_defaults(beta1=0.5, beta2=0.999)
args = parser.parse_args()
"""
# Arguments out of a dictionary of which some are taken out again (guided-diffusion).
DICTIONARY = """\
import argparse, inspect

def str2bool(v):
    return v if isinstance(v, bool) else v.lower() in ("yes", "true", "t", "y", "1")

def defaults():
    return dict(image_size=64, channel_mult="", use_fp16=False, dropout=0.0)

def create(large_size, image_size, use_fp16, dropout):
    pass

def sr_defaults():
    res = defaults()
    res["large_size"] = 256
    arg_names = inspect.getfullargspec(create)[0]
    for k in res.copy().keys():
        if k not in arg_names:
            del res[k]
    return res

def add_dict_to_argparser(parser, default_dict):
    for k, v in default_dict.items():
        v_type = type(v)
        if v is None:
            v_type = str
        elif isinstance(v, bool):
            v_type = str2bool
        parser.add_argument(f"--{k}", default=v, type=v_type)

values = dict(data_dir="", lr=1e-4)
values.update(sr_defaults())
parser = argparse.ArgumentParser()
add_dict_to_argparser(parser, values)
args = parser.parse_args()
"""
# Texts that are made when the script starts, a text as default of a list (OpenRLHF, yolov7).
TEXTS = """\
import argparse
from datetime import datetime
parser = argparse.ArgumentParser()
parser.add_argument("--run_name", type=str, default="sft_%s" % datetime(2026, 1, 2).strftime("%m%dT%H:%M"))
parser.add_argument("--target_modules", type=str, nargs="*", default="all-linear")
parser.add_argument("--weights", nargs="+", type=str, default="yolov7.pt")
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("files", nargs="*", default="here")
args = parser.parse_args()
"""
SCRIPTS = {
    "file": FILE,
    "namespace": NAMESPACE,
    "models": MODELS,
    "condition": CONDITION,
    "dictionary": DICTIONARY,
    "texts": TEXTS,
}
FILES = {
    "my.yaml": yaml.safe_dump({"model": "resnet18", "batch_size": 7, "amp": True, "mean": [0.5, 0.25]}),
    "kohya.yaml": yaml.safe_dump({"max_train_steps": 7, "learning_rate": 0.777}),
    "models/__init__.py": "",
    "models/pix2pix.py": PIX2PIX,
    "models/cycle_gan.py": "def modify_commandline_options(parser, is_train=True):\n    return parser\n",
}


def prepared(folder: Path, source: str) -> ScriptParameters:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return read_script(folder, source + PRINT)


def typed(folder: Path, *words: str) -> Any:
    """What the script gets from these words."""
    told = subprocess.run(
        [sys.executable, str(folder / "script.py"), *words],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("file", {}, ""),
        ("file", {"config": "my.yaml"}, "--config my.yaml"),
        ("file", {"config": "my.yaml", "lr": 1e-3}, "--config my.yaml --lr 0.001"),
        ("file", {"config": "my.yaml", "model": "vit", "bce": True}, "--config my.yaml --model vit --bce"),
        ("file", {"data": "d"}, "d"),
        ("namespace", {}, ""),
        ("namespace", {"config_file": "kohya.yaml"}, "--config_file kohya.yaml"),
        ("models", {}, ""),
        ("models", {"model": "pix2pix"}, "--model pix2pix"),
        ("models", {"model": "pix2pix", "pool_size": 3}, "--model pix2pix --pool_size 3"),
        ("condition", {}, ""),
        ("condition", {"no_TTUR": True}, "--no_TTUR"),
        ("condition", {"no_TTUR": True, "beta1": 0.1}, "--no_TTUR --beta1 0.1"),
        ("dictionary", {}, ""),
        ("dictionary", {"use_fp16": True, "large_size": 32}, "--use_fp16 true --large_size 32"),
        ("texts", {}, ""),
        ("texts", {"lr": 0.5, "weights": ["a", "b"]}, "--lr 0.5 --weights a b"),
        ("texts", {"files": ["a", "b"]}, "a b"),
    ],
)
def test_the_script_gets_what_was_changed(
    tmp_path: Path, name: str, changed: dict[str, object], words: str
) -> None:
    found = prepared(tmp_path, SCRIPTS[name])
    config = {**default_config(found), **changed}
    assert config.keys() >= changed.keys()
    assert printed(tmp_path, found, config) == typed(tmp_path, *words.split())


def test_defaults_under_an_unknown_condition_are_not_shown(tmp_path: Path) -> None:
    found = prepared(tmp_path, CONDITION)
    assert {one.name: one.default for one in found.parameters} == {
        "no_TTUR": False,
        "beta1": None,
        "beta2": None,
    }
    assert [one.line for one in found.problems if "beta1" in one.message] == [8]


def test_arguments_that_are_taken_out_again_are_not_made_up(tmp_path: Path) -> None:
    found = prepared(tmp_path, DICTIONARY)
    real = typed(tmp_path)
    assert {one.name for one in found.parameters} == set(real)
    unsure = DICTIONARY.replace("inspect.getfullargspec(create)[0]", "inspect.unknown(create)")
    guessed = prepared(tmp_path / "unsure", unsure)
    assert "channel_mult" not in {one.name for one in guessed.parameters}
    line = next(n for n, text in enumerate(unsure.splitlines(), 1) if "add_argument(f" in text)
    assert guessed.open and {one.line for one in guessed.problems} == {line}, guessed.problems


def test_defaults_are_passed_when_a_workspace_says_so(tmp_path: Path) -> None:
    found = prepared(tmp_path, FILE)
    config = {**default_config(found), "config": "my.yaml"}
    words = build_argv(found, config, pass_defaults=True)
    told = typed(tmp_path, *words)
    assert (told["model"], told["batch_size"], told["opt"]) == ("resnet50", 128, "sgd")


def test_a_later_default_of_the_script_does_not_change_a_task(tmp_path: Path) -> None:
    before = (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=0.1)\n"
    )
    found = read_script(tmp_path, before + "args = p.parse_args()\n" + PRINT)
    config = default_config(found)
    assert build_argv(found, config) == []
    later = read_script(tmp_path, before.replace("0.1", "0.2") + "args = p.parse_args()\n" + PRINT)
    assert build_argv(later, config) == ["--lr", "0.1"]
    assert printed(tmp_path, later, config) == {"lr": 0.1}


@pytest.mark.parametrize(
    ("declared", "value", "words"),
    [
        ("type=float, default=1e-3", "1e-3", ""),
        ("type=float, default=1e-3", 0.001, ""),
        ("type=int, default=1", "1", ""),
        ("type=int, default=1", 1.0, ""),
        ("default='1'", 1, ""),
        ("default='1'", "1", ""),
        ("default=1", "1", "--x 1"),
        ("default='1'", "1.0", "--x 1.0"),
        ("type=int, default=3, required=True", 3, "--x 3"),
        ("type=int, nargs='+', default=[1, 2]", ["1", 2], ""),
        ("type=int, nargs='+', default=[1, 2]", [2, 1], "--x 2 1"),
        ("nargs='*', default='all'", "all", ""),
        ("action='append', default=['a']", ["a"], ""),
        ("action='append', default=['a']", ["a", "b"], "--x b"),
        ("action=argparse.BooleanOptionalAction, default=True", True, ""),
        ("action=argparse.BooleanOptionalAction, default=True", False, "--no-x"),
        ("choices=['a', 'b'], default='a'", "a", ""),
        ("nargs='?', const=5, default=1, type=int", 1, ""),
        ("default=unknown()", "v", "--x v"),
    ],
)
def test_what_counts_as_the_default(tmp_path: Path, declared: str, value: object, words: str) -> None:
    lines = (
        f"import argparse\np = argparse.ArgumentParser()\np.add_argument('--x', {declared})\np.parse_args()\n"
    )
    assert build_argv(read_script(tmp_path, lines), {"x": value}) == words.split()


def test_a_list_before_a_command_is_ended_by_an_option_with_its_default(tmp_path: Path) -> None:
    source = textwrap.dedent(
        """
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--layers", type=int, nargs="+", default=[1])
        p.add_argument("--seed", type=int, default=0)
        commands = p.add_subparsers(dest="command", required=True)
        train = commands.add_parser("train")
        train.add_argument("--lr", type=float, default=0.1)
        args = p.parse_args()
        """
    )
    found = read_script(tmp_path, source + PRINT)
    config = {**default_config(found), "layers": [1, 2]}
    assert printed(tmp_path, found, config) == {"layers": [1, 2], "seed": 0, "command": "train", "lr": 0.1}


CLICK = """\
import json
import click

@click.group(context_settings={"default_map": {"train": {"lr": 0.5, "batch": 7}}})
def cli(): ...

@cli.command()
@click.option("--lr", default=0.1)
@click.option("--batch", type=int, default=128)
@click.option("--amp/--no-amp", default=False)
@click.option("--name", prompt=True, default="n")
def train(**values):
    print(json.dumps(values))

cli()
"""
FIRE = """\
import json
import fire

class Main:
    def __init__(self, name="x", lr=0.1):
        self.values = {"name": name, "lr": lr}

    def train(self, lr=0.2, steps=3, *files):
        print(json.dumps({**self.values, "train": [lr, steps, files]}))

fire.Fire(Main)
"""


def test_defaults_of_click_that_come_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("click", reason="click is not installed")
    found = read_script(tmp_path, CLICK)
    config = default_config(found)
    assert printed(tmp_path, found, config) == {"lr": 0.5, "batch": 7, "amp": False, "name": "n"}
    config["train"]["batch"] = 8
    assert printed(tmp_path, found, config) == {"lr": 0.5, "batch": 8, "amp": False, "name": "n"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, {"name": "x", "lr": 0.1, "train": [0.2, 3, []]}),
        ({"train": {"lr": 0.5}}, {"name": "x", "lr": 0.1, "train": [0.5, 3, []]}),
        ({"lr": 0.7}, {"name": "x", "lr": 0.7, "train": [0.2, 3, []]}),
        (
            {"train": {"lr": 0.2, "steps": 3, "files": ["a"]}},
            {"name": "x", "lr": 0.1, "train": [0.2, 3, ["a"]]},
        ),
    ],
)
def test_a_constructor_of_fire_takes_no_words_of_its_method(
    tmp_path: Path, changed: dict[str, object], told: object
) -> None:
    pytest.importorskip("fire", reason="fire is not installed")
    (tmp_path / "script.py").write_text(FIRE, encoding="utf-8")
    plain = (("lr", 0.2), ("steps", 3))
    train = ScriptCommand(parameters=[Parameter(name, default=value) for name, value in plain])
    train.parameters.append(Parameter("files", "list", [], positional=True, nargs="*"))
    own = [Parameter("name", default="x"), Parameter("lr", default=0.1)]
    found = script_of("fire", ScriptCommand(parameters=own, commands={"train": train}), [])
    config = {**default_config(found), "command": "train", **changed}
    assert printed(tmp_path, found, config) == told
