"""Scripts of Hydra: what is read from them and their files, and what Hydra itself makes of the words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.bind_values import MismatchError
from pyruns_jupyter.core.scripts.hydra_scripts.overrides import override_value
from pyruns_jupyter.core.scripts.hydra_scripts.tree import HydraTree
from pyruns_jupyter.core.scripts.model import ScriptParameters
from tests.core.frameworks import FLOATS, INTS, WORDS, default_config, printed, read_script, table

hydra = pytest.importorskip("hydra", reason="hydra-core is not installed")

SCRIPT = """
import json, os
import hydra
from omegaconf import DictConfig, OmegaConf

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    print(json.dumps({"cwd": os.getcwd(), **OmegaConf.to_container(cfg, resolve=False)}))

if __name__ == "__main__":
    main()
"""
FILES = {
    "config": """
defaults:
  - model: resnet
  - optimizer@train.optimizer: adam
  - db@backup: mysql
  - optional local: default
  - experiment: null
  - extras/sound
  - _self_
  - override hydra/job_logging: disabled
seed: 1   # the seed
name: "run ${seed}"
data:
  path: /tmp/x
  sizes: [1, 2]
  deep: {a: {b: 1e-3}}
  none: null
  empty: {}
  must: ???
""",
    "model/resnet": "depth: 18\nkind: resnet\nact: {name: relu}\n",
    "model/vit": "defaults:\n  - base\n  - head: small\n  - _self_\nheads: 4\nkind: vit\n",
    "model/base": "width: 64\nkind: base\n",
    "model/head/small": "size: 10\n",
    "model/head/large": "size: 100\n",
    "optimizer/adam": "lr: 1e-3\nname: adam\n",
    "optimizer/sgd": "lr: 0.1\nmomentum: 0.9\nname: sgd\n",
    "db/mysql": "host: a\n",
    "db/pg": "# @package _group_.inner\nhost: b\n",
    "extras/sound": "loud: true\n",
    "experiment/big": """
# @package _global_
defaults:
  - override /model: vit
  - override /model/head: large
seed: 7
model:
  heads: 9
  extra: yes
""",
    "callbacks/early": "patience: 3\n",
    "callbacks/none": "",
}


def write_files(folder: Path, files: dict[str, str] = FILES) -> None:
    for path, text in files.items():
        target = folder / f"{path}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path / "conf")
    (tmp_path / "task").mkdir()
    monkeypatch.setenv("PYRUNS_TASK_DIR", str(tmp_path / "task"))
    monkeypatch.setenv("PYRUNS_RUN_INDEX", "2")
    return tmp_path


@pytest.fixture
def script(folder: Path) -> ScriptParameters:
    return read_script(folder, SCRIPT)


def test_groups_are_choices_and_values_are_composed(script: ScriptParameters) -> None:
    assert script.kind == "hydra" and not script.open and not script.problems
    choices = {one.name: (one.default, one.choices) for one in script.parameters if one.action == "group"}
    assert choices == {
        "model": ("resnet", ("base", "resnet", "vit")),
        "optimizer@train.optimizer": ("adam", ("adam", "sgd")),
        "db@backup": ("mysql", ("mysql", "pg")),
        "experiment": (None, ("big",)),
        "callbacks": (None, ("early", "none")),
        "extras": (None, ("sound",)),
    }
    values = {one.name: (one.type, one.default) for one in script.parameters if one.action != "group"}
    assert values == {
        "model.depth": ("int", 18),
        "model.kind": ("str", "resnet"),
        "model.act.name": ("str", "relu"),
        "train.optimizer.lr": ("float", 0.001),
        "train.optimizer.name": ("str", "adam"),
        "backup.host": ("str", "a"),
        "extras.loud": ("bool", True),
        "seed": ("int", 1),
        "name": ("str", "run ${seed}"),
        "data.path": ("str", "/tmp/x"),
        "data.sizes": ("list", [1, 2]),
        "data.deep.a.b": ("float", 0.001),
        "data.none": ("none", None),
        "data.empty": ("str", {}),
        "data.must": ("str", None),
    }
    assert {one.name for one in script.parameters if one.required} == {"data.must"}
    assert table(script, "help")["seed"] == ("the seed",)


def test_only_what_differs_is_passed(folder: Path, script: ScriptParameters) -> None:
    config = {**default_config(script), "data.must": 1}
    place = "hydra.run.dir='${oc.env:PYRUNS_TASK_DIR}/artifacts/run${oc.env:PYRUNS_RUN_INDEX}'"
    config.pop("data", None)
    assert build_argv(script, {"data": {"must": 1}}) == ["data.must=1", place]
    got = printed(folder, script, {"data": {"must": 1}})
    assert got.pop("cwd") == str(folder)
    assert got["model"] == {"depth": 18, "kind": "resnet", "act": {"name": "relu"}}
    # What Hydra writes for itself lies among the artifacts of the run, none of it in the project.
    assert (folder / "task" / "artifacts" / "run2" / ".hydra" / "overrides.yaml").is_file()
    assert not (folder / "outputs").exists()


def test_choices_values_and_additions(folder: Path, script: ScriptParameters) -> None:
    config: dict[str, Any] = {
        **{one.name: one.default for one in script.parameters if one.default is not None},
        "model": "vit",
        "optimizer@train.optimizer": "sgd",
        "db@backup": "pg",
        "callbacks": "early",
        "seed": 5,
        "model.heads": 8,
        "+foo.bar": "it's",
        "~extras.loud": None,
        "data": {
            "must": "null",
            "path": "a, b={c}",
            "sizes": ["a", "1", None],
            "none": 5,
            "empty": {"q": [1, {"z": "b c"}]},
        },
    }
    for key in [key for key in config if key.startswith("data.")]:
        del config[key]
    got = printed(folder, script, config)
    got.pop("cwd")
    assert got == {
        "model": {"width": 64, "kind": "vit", "head": {"size": 10}, "heads": 8},
        "train": {"optimizer": {"lr": 0.1, "momentum": 0.9, "name": "sgd"}},
        "backup": {"db": {"inner": {"host": "b"}}} if "db" in got["backup"] else got["backup"],
        "extras": {},
        "callbacks": {"patience": 3},
        "seed": 5,
        "name": "run ${seed}",
        "data": {
            "path": "a, b={c}",
            "sizes": ["a", "1", None],
            "deep": {"a": {"b": 0.001}},
            "none": 5,
            "empty": {"q": [1, {"z": "b c"}]},
            "must": "null",
        },
        "foo": {"bar": "it's"},
    }


def test_mistakes_are_found_before_anything_starts(script: ScriptParameters) -> None:
    config = {
        "model": "vit",
        "model.depth": 7,  # of the other model
        "optimizer@train.optimizer": "adamw",
        "opt": 1,
        "data": {"nope": 3, "must": None},
        "+a b": 1,
    }
    with pytest.raises(InvalidInputs) as caught:
        build_argv(script, config)
    found = {error.field: error.message for error in caught.value.errors}
    assert set(found) == {"model.depth", "optimizer@train.optimizer", "opt", "data.nope", "data.must", "+a b"}
    assert "Write +model.depth" in found["model.depth"]
    assert "one of adam, sgd" in found["optimizer@train.optimizer"]
    assert "Write +opt to add it" in found["opt"] and "data.none" in found["data.nope"]


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"model": "vit"},
        {"model": "base"},
        {"model": None},
        {"model": "vit", "model/head": "large"},
        {"experiment": "big"},
        {"experiment": "big", "model/head": "small"},
        {"optimizer@train.optimizer": "sgd", "db@backup": "pg"},
        {"+callbacks": "early"},
        {"+callbacks": "none", "experiment": "big"},
        {"+db": "mysql"},
        {"+optimizer@second": "sgd"},
    ],
)
def test_the_composition_is_that_of_hydra(folder: Path, chosen: dict[str, Any]) -> None:
    from omegaconf import OmegaConf

    words = [f"~{key}" if value is None else f"{key}={value}" for key, value in chosen.items()]
    with hydra.initialize_config_dir(str(folder / "conf"), version_base="1.3"):
        real = OmegaConf.to_container(hydra.compose("config", words), resolve=False)
    mine = HydraTree(folder / "conf", {}, "config").composed(chosen)
    mine.content.pop("hydra", None)
    assert mine.content == real and not mine.problems


VALUES = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | st.sampled_from([float("inf"), float("-inf")]) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b-c", "_d", "k9"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(value=VALUES)
def test_hydra_reads_back_every_value(value: Any) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    try:
        word = f"key={override_value(value)}"
    except MismatchError:
        return
    parsed = OverridesParser.create().parse_override(word)
    assert not parsed.is_sweep_override()
    got = parsed.value()
    assert got == value and repr(got) == repr(value)


STRUCTURED = """
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, List, Optional
import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

class Act(Enum):
    relu = 1
    gelu = 2

@dataclass
class MySQL:
    host: str = "localhost"  # where
    port: int = 3306

@dataclass
class PG(MySQL):
    port: int = 5432
    schema: str = MISSING

@dataclass
class Net:
    act: Act = Act.relu
    widths: List[int] = field(default_factory=lambda: [1, 2])

defaults = [{"db": "mysql"}, "_self_"]

@dataclass
class Config:
    defaults: List[Any] = field(default_factory=lambda: defaults)
    db: Any = MISSING
    net: Net = field(default_factory=Net)
    lr: float = 0.1
    tag: Optional[str] = None

store = ConfigStore.instance()
store.store(name="config", node=Config)
store.store(group="db", name="mysql", node=MySQL)
store.store(group="db", name="pg", node=PG)

@hydra.main(version_base="1.2", config_path=None, config_name="config")
def main(cfg):
    print(json.dumps(OmegaConf.to_container(cfg), default=lambda one: one.name))

if __name__ == "__main__":
    main()
"""


def test_structured_configurations(folder: Path) -> None:
    script = read_script(folder, STRUCTURED)
    assert not script.problems and not script.open
    assert table(script, "type", "default", "choices") == {
        "db": ("choice", "mysql", ("mysql", "pg")),
        "db.host": ("str", "localhost", None),
        "db.port": ("int", 3306, None),
        "net.act": ("choice", "relu", ("relu", "gelu")),
        "net.widths": ("list", [1, 2], None),
        "lr": ("float", 0.1, None),
        "tag": ("str", None, None),
    }
    config = {"db": "pg", "db.schema": "a.b", "net": {"act": "gelu", "widths": []}, "tag": "null", "lr": 3}
    assert printed(folder, script, config) == {
        "db": {"host": "localhost", "port": 5432, "schema": "a.b"},
        "net": {"act": "gelu", "widths": []},
        "lr": 3.0,
        "tag": "null",
    }


@pytest.mark.parametrize("config", [{"net": {"widths": [1, 2]}}, {"net.widths": [1, 2]}])
def test_values_of_an_object_that_is_not_followed_are_passed(folder: Path, config: dict[str, object]) -> None:
    source = STRUCTURED.replace("default_factory=Net", "default_factory=partial(Net, widths=[3])")
    source = source.replace("    lr: float", "    other: Optional[Net] = None\n    lr: float")
    script = read_script(folder, f"from functools import partial\n{source}")
    found = table(script, "default")
    assert (found["net"], found["other"]) == ((None,), (None,))
    made = printed(folder, script, config)
    assert (made["net"], made["other"]) == ({"act": "relu", "widths": [1, 2]}, None)


def test_a_run_folder_of_the_project_stays(folder: Path) -> None:
    config = folder / "conf" / "config.yaml"
    config.write_text(config.read_text() + "hydra:\n  run:\n    dir: task/mine\n")
    script = read_script(folder, SCRIPT)
    assert build_argv(script, {"data.must": 1}) == ["data.must=1"]
    printed(folder, script, {"data.must": 1})
    assert (folder / "task" / "mine" / ".hydra").is_dir()
    assert build_argv(script, {"data.must": 1, "hydra.run.dir": "x y"}) == [
        "data.must=1",
        "++hydra.run.dir='x y'",
    ]


def test_what_is_missing_is_said(folder: Path) -> None:
    (folder / "conf" / "model" / "resnet.yaml").unlink()
    (folder / "conf" / "optimizer" / "adam.yaml").write_text("lr: [1\n")
    script = read_script(folder, SCRIPT)
    messages = " ".join(problem.message for problem in script.problems)
    assert script.open and "model/resnet was not found" in messages and "optimizer/adam.yaml" in messages
    os.rename(folder / "conf", folder / "elsewhere")
    script = read_script(folder, SCRIPT)
    assert script.open and "The folder conf does not exist" in " ".join(
        one.message for one in script.problems
    )


def test_a_group_of_a_folder_above(folder: Path) -> None:
    script = _composed(
        folder / "own",
        {
            "config": "defaults:\n  - actor: base\n  - _self_\n",
            "actor/base": "defaults:\n  - ../optim@optim: fsdp\n  - _self_\nlr: 1\n",
            "optim/fsdp": "kind: fsdp\n",
            "optim/adam": "kind: adam\n",
        },
    )
    assert not script.problems
    assert table(script, "default")["actor.optim.kind"] == ("fsdp",)
    assert printed(folder / "own", script, {"actor.optim.kind": "own"})["actor"] == {
        "optim": {"kind": "own"},
        "lr": 1,
    }
    # Hydra's grammar cannot name the group itself.
    assert [one.name for one in script.parameters if one.action == "group"] == ["actor"]


def test_a_group_that_is_also_a_value(folder: Path) -> None:
    script = _composed(folder / "own", {"config": "db: none\nlr: 1\n", "db/mysql": "port: 1\n"})
    assert [one.name for one in script.parameters] == ["db", "lr"]
    assert default_config(script) == {"db": None, "lr": 1}


def _composed(folder: Path, files: dict[str, str]) -> ScriptParameters:
    for name, text in files.items():
        path = folder / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_script(folder, SCRIPT)
