"""Scripts whose commands, classes or configurations lead back to themselves are read to their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.frameworks import read_script, table
from tests.core.scripts.test_hydra import SCRIPT, write_files

CLICK = """
import click

@click.group()
def cli(): ...

@cli.group()
def inner(): ...

@inner.command()
@click.option("--lr", default=0.1)
def train(lr): ...

cli.add_command(cli, "again")
inner.add_command(cli, "up")
inner.add_command(inner, "over")
cli()
"""
TYPER = """
import typer
app, sub = typer.Typer(), typer.Typer()
app.add_typer(app, name="again")
app.add_typer(sub, name="sub")
sub.add_typer(app, name="up")
sub.add_typer(sub, name="over")

@sub.command()
def train(lr: float = 0.1): ...

app()
"""
CLASSES = """
from __future__ import annotations
from dataclasses import dataclass, field
from hydra.core.config_store import ConfigStore
import hydra

@dataclass
class Node:
    left: Node
    right: Node = field(default_factory=lambda: Node())
    depth: int = 1

ConfigStore.instance().store(name="config", node=Node)

@hydra.main(config_name="config")
def main(config): ...

main()
"""


@pytest.mark.parametrize(
    ("source", "name"), [(CLICK, "inner.train.lr"), (TYPER, "sub.train.lr"), (CLASSES, "depth")]
)
def test_what_holds_itself(tmp_path: Path, source: str, name: str) -> None:
    script = read_script(tmp_path, source)
    assert name in table(script)
    assert len(script.parameters) < 30


def test_a_defaults_list_that_holds_itself(tmp_path: Path) -> None:
    write_files(
        tmp_path / "conf",
        {
            "config": "defaults:\n  - config\n  - config\n  - model: a\n  - _self_\nlr: 1\n",
            "model/a": "defaults:\n  - b\n  - a\ndepth: 1\n",
            "model/b": "defaults:\n  - a\n  - a\nwidth: 1\n",
        },
    )
    script = read_script(tmp_path, SCRIPT)
    assert {"lr", "model.depth", "model.width"} <= set(table(script))
    assert any("includes itself" in problem.message for problem in script.problems)
