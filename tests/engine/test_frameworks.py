"""Scripts of click and Hydra, from a configuration to their own output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject

CLICK = """\
import json
import click
from shared import common

@click.group()
@click.option("--debug/--no-debug", default=False)
@click.pass_context
def cli(ctx, debug):
    ctx.obj = debug

@cli.command()
@common
@click.option("--widths", multiple=True, type=int)
@click.pass_obj
def train(debug, **values):
    print(json.dumps([debug, values]))

if __name__ == "__main__":
    cli()
"""
SHARED = """\
import click
def common(function):
    return click.option("--lr", default=0.1, help="the rate")(function)
"""
HYDRA = """\
import json, os
import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    place = HydraConfig.get().runtime.output_dir
    print(json.dumps({"cwd": os.getcwd(), "place": place, "cfg": OmegaConf.to_container(cfg, resolve=True)}))

if __name__ == "__main__":
    main()
"""


def test_a_command_of_click(make_project: MakeProject) -> None:
    pytest.importorskip("click", reason="click is not installed")
    project = make_project(CLICK)
    (project.folder / "shared.py").write_text(SHARED, encoding="utf-8")
    project.task("A", "debug: true\ncommand: train\ntrain:\n  lr: 1e-3\n  widths: [1, -2]\n")
    project.task("B", "command: train\ntrain: {rate: 3}\n")
    project.submit("A", "B")
    assert project.wait("A", "B") == ["completed", "failed"]
    assert json.loads(project.output("A")) == [True, {"lr": 0.001, "widths": [1, -2]}]
    # A key that the script does not take fails the task with a sentence before anything starts.
    assert (
        b"train.rate"
        in project.log("B") + (project.paths("B").folder / "run_logs" / "error.log").read_bytes()
    )


def test_a_configuration_of_hydra(make_project: MakeProject) -> None:
    pytest.importorskip("hydra", reason="hydra-core is not installed")
    project = make_project(HYDRA)
    for path, text in {
        "config": "defaults:\n  - model: resnet\n  - _self_\nlr: 0.1\nname: x\ntitle: run ${name}\n",
        "model/resnet": "depth: 18\n",
        "model/vit": "heads: 4\n",
    }.items():
        target = project.folder / "conf" / f"{path}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    # As the form gives it: every key, also those of the model that is not chosen.
    values = 'lr: 1e-3\nname: "a, b"\ntitle: run ${name}\n'
    project.task("A", f"model: vit\nmodel.depth: 18\nmodel.heads: 8\n{values}")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    seen = json.loads(project.output("A"))
    assert seen["cfg"] == {"model": {"heads": 8}, "lr": 0.001, "name": "a, b", "title": "run a, b"}
    assert seen["cwd"] == str(project.folder)
    artifacts = project.paths("A").folder / "artifacts" / "run1"
    assert seen["place"] == str(artifacts) and (artifacts / ".hydra" / "config.yaml").is_file()
    assert sorted(one.name for one in project.folder.iterdir()) == ["_pyruns_", "conf", "job.py"]


ARGPARSE = """\
import argparse, json, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=3)
parser.parse_args()
print(json.dumps(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("", ["--lr", "0.5"]),
        ("pass_defaults: true\n", ["--lr", "0.5", "--epochs", "3"]),
        ("pass_defaults: true\nworkspaces: {job: {pass_defaults: false}}\n", ["--lr", "0.5"]),
        ("workspaces: {job: {pass_defaults: true}}\n", ["--lr", "0.5", "--epochs", "3"]),
        ("workspaces: {other: {pass_defaults: true}}\n", ["--lr", "0.5"]),
    ],
)
def test_defaults_are_passed_where_the_settings_say_so(
    make_project: MakeProject, settings: str, words: list[str]
) -> None:
    project = make_project(ARGPARSE)
    project.settings(settings)
    project.task("A", "lr: 0.5\nepochs: 3\n")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    assert json.loads(project.output("A")) == words
    assert json.loads(project.paths("A").input(1).read_bytes())["launch_argv"][2:] == words
