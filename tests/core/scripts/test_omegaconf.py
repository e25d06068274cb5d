"""Scripts that read their command line with OmegaConf, yacs or a configurator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.key_values import dotlist_words, pair_words
from pyruns_jupyter.core.scripts.model import ScriptParameters
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, printed, read_script, table

MERGED = """
import json
from omegaconf import OmegaConf

def main():
    cli = OmegaConf.from_cli()
    cfg = OmegaConf.load("base.yaml")
    cfg = OmegaConf.merge(cfg, cli)
    print(json.dumps(OmegaConf.to_container(cfg)))

if __name__ == "__main__":
    main()
"""
BASE = "lr: 0.1  # the rate\nmodel:\n  name: vit\n  widths: [1, 2]\n  drop: null\ndata: ???\n"


def merged(folder: Path) -> ScriptParameters:
    folder.mkdir(exist_ok=True)
    (folder / "base.yaml").write_text(BASE)
    return read_script(folder, MERGED)


def test_the_values_of_the_file_are_parameters(tmp_path: Path) -> None:
    script = merged(tmp_path)
    assert (script.kind, script.open, script.problems) == ("omegaconf", True, ())
    assert table(script, "type", "default", "required", "help") == {
        "lr": ("float", 0.1, False, "the rate"),
        "model.name": ("str", "vit", False, ""),
        "model.widths": ("list", [1, 2], False, ""),
        "model.drop": ("none", None, False, ""),
        "data": ("str", None, True, ""),
    }
    config = {**default_config(script), "data": "a b", "model.name": "1e3", "model.widths": ["x"], "new": 1}
    assert printed(tmp_path, script, config) == {
        "lr": 0.1,
        "model": {"name": "1e3", "widths": ["x"], "drop": None},
        "data": "a b",
        "new": 1,
    }
    assert build_argv(script, {"lr": 0.1, "data": "d"}) == ["data=d"]
    with pytest.raises(InvalidInputs, match="data is required"):
        build_argv(script, {"lr": 0.2})
    (tmp_path / "base.yaml").write_text("lr: 3\n")
    assert table(read_script(tmp_path, MERGED), "default") == {"lr": (3,)}


def test_classes_mappings_and_files_that_are_arguments(tmp_path: Path) -> None:
    head = "from dataclasses import dataclass\nfrom omegaconf import OmegaConf\n"
    mapping = "base = OmegaConf.create({'a': {'b': 2}})\n"
    body = "@dataclass\nclass Config:\n    lr: float = 0.1\n    seed: int = 1\n"
    script = read_script(
        tmp_path, f"{head}{body}cfg = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.from_cli())\n"
    )
    assert table(script, "type", "default") == {"lr": ("float", 0.1), "seed": ("int", 1)} and not script.open
    script = read_script(
        tmp_path,
        f"{head}{mapping}cfg = OmegaConf.merge(base, OmegaConf.from_cli())\n",
    )
    assert table(script, "default") == {"a.b": (2,)}
    script = read_script(
        tmp_path,
        f"{head}cli = OmegaConf.from_cli()\ncfg = OmegaConf.merge(OmegaConf.load(cli.config), cli)\n",
    )
    assert table(script, "type", "default") == {"config": ("path", None)} and script.open
    assert "The values of the file config are not listed" in script.problems[0].message
    assert build_argv(script, {"config": "c.yaml", "lr": 1e-5}) == ["config=c.yaml", "lr=1.0e-05"]


SCALARS = WORDS | INTS | FLOATS | st.booleans() | st.none()


@given(st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), SCALARS | st.lists(SCALARS, max_size=3)))
def test_omegaconf_reads_back_every_value(config: dict[str, Any]) -> None:
    from omegaconf import OmegaConf

    config = {
        key: value for key, value in config.items() if "${" not in repr(value) and "\\" not in repr(value)
    }
    words = [word for key, value in config.items() for word in dotlist_words(key, value)]
    assert OmegaConf.to_container(OmegaConf.from_dotlist(words)) == config


@given(SCALARS | st.lists(SCALARS, max_size=3))
def test_yacs_reads_back_every_value(value: Any) -> None:
    config = pytest.importorskip("yacs.config", reason="yacs is not installed")
    key, word = pair_words("KEY", value)
    assert key == "KEY" and config.CfgNode._decode_cfg_value(word) == value


YACS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--config-file", default="")
parser.add_argument("{name}", default=None, nargs={nargs})
args = parser.parse_args()
cfg.merge_from_list(args.opts)
"""


@pytest.mark.parametrize(("name", "nargs"), [("opts", "argparse.REMAINDER"), ("--opts", "'+'")])
def test_other_keys_are_collected_in_the_argument_for_them(tmp_path: Path, name: str, nargs: str) -> None:
    script = read_script(tmp_path, YACS.format(name=name, nargs=nargs))
    config = {"config_file": "c.yaml", "SOLVER": {"LR": 0.1, "STEPS": [1, 2]}, "opts": ["A", "b"], "X": "1"}
    words = ["--config-file", "c.yaml", *(["--opts"] if "--" in name else [])]
    pairs = ["A", "b", "SOLVER.LR", "0.1", "SOLVER.STEPS", "[1, 2]", "X", "'1'"]
    assert build_argv(script, config) == words + pairs
    assert build_argv(script, {"config_file": "", "opts": None}) == []


def test_a_dotlist_after_known_arguments(tmp_path: Path) -> None:
    script = read_script(
        tmp_path,
        """
import argparse
from omegaconf import OmegaConf
parser = argparse.ArgumentParser()
parser.add_argument("-b", "--base", nargs="*", default=[])
opt, unknown = parser.parse_known_args()
cli = OmegaConf.from_dotlist(unknown)
""",
    )
    config = {"base": ["a.yaml", "b.yaml"], "model": {"base_learning_rate": 0.1}, "name": "1e3"}
    assert build_argv(script, config) == [
        "model.base_learning_rate=0.1", 'name="1e3"', "--base", "a.yaml", "b.yaml",
    ]  # fmt: skip


CONFIGURATOR = """
out_dir = 'out'  # where
steps = 2000
lr = 6e-4
compile = True
note = ''
nothing = None
device = choose()
_hidden = 1
import os
def helper(): ...
names = [1]
config_keys = [k for k, v in globals().items() if not k.startswith('_')]
exec(open('configurator.py').read())
import json
print(json.dumps([out_dir, steps, lr, compile, note, nothing]))
later = 1
"""
# The project's own version of the idea.
OVERRIDES = """
import sys
from ast import literal_eval
for arg in sys.argv[1:]:
    if '=' not in arg:
        exec(open(arg).read())
        continue
    key, text = arg.split('=')
    try:
        value = literal_eval(text)
    except (SyntaxError, ValueError):
        value = text
    assert globals()[key[2:]] is None or type(value) == type(globals()[key[2:]]), (key, value)
    globals()[key[2:]] = value
"""


def test_constants_that_a_configurator_overrides(tmp_path: Path) -> None:
    script = read_script(
        tmp_path, CONFIGURATOR.replace("device = choose()\n", ""), configurator=OVERRIDES, small="steps = 7\n"
    )
    assert (script.kind, script.problems) == ("configurator", ())
    assert table(script, "type", "default", "help")["out_dir"] == ("str", "out", "where")
    names = ["config_file", "out_dir", "steps", "lr", "compile", "note", "nothing"]
    assert [one.name for one in script.parameters] == names
    assert printed(tmp_path, script, default_config(script)) == ["out", 2000, 0.0006, True, "", None]
    config = {"lr": 1, "config_file": "small.py", "compile": False, "note": "3", "nothing": 2}
    assert printed(tmp_path, script, config) == ["out", 7, 1.0, False, "3", 2]
    for wrong in ({"note": "a=b"}, {"steps": 1.5}, {"compile": 1}, {"later": 1}):
        with pytest.raises(InvalidInputs):
            build_argv(script, wrong)
