"""Subcommands of argparse: nested keys, and only the chosen one's words."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.defaults import config_default_text
from tests.core.scripts.test_argparse_source import read

COMMANDS = """
p = argparse.ArgumentParser()
p.add_argument("--seed", type=int, default=1)
p.add_argument("--layers", nargs="+", type=int)
common = argparse.ArgumentParser(add_help=False)
common.add_argument("--out", default="runs")
sub = p.add_subparsers(dest="cmd", required=True)
train = sub.add_parser("train", parents=[common], help="train a model", aliases=["fit"])
train.add_argument("data")
train.add_argument("--lr", type=float, default=0.1, help="rate")
kinds = train.add_subparsers(dest="model")
mlp = kinds.add_parser("mlp")
mlp.add_argument("--width", type=int, default=8)
cnn = kinds.add_parser("cnn")
ev = sub.add_parser("eval", parents=[common])
ev.add_argument("--ckpt", required=True)
p.parse_args()
"""


def test_subcommands() -> None:
    found = read(COMMANDS)
    assert not found.problems
    assert [(one.name, one.scope, one.group) for one in found.parameters] == [
        ("seed", (), ""),
        ("layers", (), ""),
        ("cmd", (), ""),
        ("train.out", ("train",), "train"),
        ("train.data", ("train",), "train"),
        ("train.lr", ("train",), "train"),
        ("train.model", ("train",), "train"),
        ("train.mlp.width", ("train", "mlp"), "train mlp"),
        ("eval.out", ("eval",), "eval"),
        ("eval.ckpt", ("eval",), "eval"),
    ]
    text = config_default_text(found.parameters, "x.py")
    assert text == (
        "# Defaults of x.py\n\nseed: 1\nlayers: null\n"
        "cmd: train  # train: train a model (one of train, eval, fit)\n"
        "train:\n  out: runs\n  data: null  # required\n  lr: 0.1  # rate\n  model: null  # one of mlp, cnn\n"
        "  mlp:\n    width: 8\n"
        "eval:\n  out: runs\n  ckpt: null  # required\n"
    )
    config: dict[str, Any] = {
        "seed": 2,
        "cmd": "train",
        "train": {"data": "d", "lr": 0.5, "model": "mlp", "mlp": {"width": 4}},
        "eval": {"ckpt": None},
    }
    words = "--seed 2 train --lr 0.5 d mlp --width 4"
    assert build_argv(found, config) == words.split()
    assert build_argv(found, {"cmd": "eval", "eval.ckpt": "c"}) == ["eval", "--ckpt", "c"]
    assert build_argv(found, {"cmd": "eval", "eval.ckpt": "c", "layers": [1, 2]}) == [
        "--layers", "1", "2", "--seed", "1", "eval", "--ckpt", "c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({}, "cmd", "required"),
        ({"cmd": "tain"}, "cmd", "expected one of train, eval, fit"),
        ({"cmd": "train", "train": {}}, "train.data", "required"),
        ({"cmd": "train", "train": {"data": "d", "lrr": 1}}, "train.lrr", "Did you mean train.lr?"),
        ({"cmd": "train", "train": {"data": "d"}, "eval": {"nope": 1}}, "eval.nope", "no argument eval.nope"),
        ({"cmd": "train", "train": 3}, "train", "expected a mapping with the arguments"),
        ({"cmd": "train", "train": {"data": "d", "lr": "x"}}, "train.lr", "expects a number"),
    ],
)
def test_mistakes_in_subcommands_name_their_key(config: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        build_argv(read(COMMANDS), config)
    assert field in [one.field for one in caught.value.errors]
    assert words in " ".join(one.message for one in caught.value.errors)
