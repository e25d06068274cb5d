"""The examples that the documentation's pages do not run (`tests/docs` runs the others)."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace

from .engine.support import stop_everything
from .support import EXAMPLES

IGNORED = shutil.ignore_patterns("_pyruns_", "__pycache__", ".*", "outputs")


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=IGNORED)
    yield tmp_path / "examples"
    stop_everything(tmp_path)


def test_the_notebook_is_swept(examples: Path) -> None:
    workspace = Workspace.open(examples / "notebook" / "train.ipynb")
    tasks = workspace.create("kernel: rbf | linear\nC: 2.0\nsamples: 60\n", "svm")
    workspace.run(tasks, jobs=2).wait(timeout=120)
    assert [task.status for task in tasks] == ["completed"] * 2, tasks[0].log()
    assert [len(task.tracks()["acc"]) for task in tasks] == [5, 5]
    assert all(0.5 < task.records()["acc"] <= 1 for task in tasks)
    assert [path.name for path in tasks[0].artifacts()] == ["train.ipynb"]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_pytorch_goes_on_from_a_checkpoint(examples: Path) -> None:
    workspace = Workspace.open(examples / "torch" / "train.py")
    first = workspace.create("epochs: 100\n", "first")[0].run().wait(timeout=120)
    assert first.status == "completed", first.log()
    [checkpoint] = first.artifacts()
    again = workspace.create(f"epochs: 50\nresume: {checkpoint}\n", "again")[0].run().wait(timeout=120)
    assert again.status == "completed", again.log()
    assert again.tracks()["epoch"][0] == 101
    assert again.records()["loss"] < first.records()["loss"]
    assert again.records()["acc"] > 0.8


def test_the_table_of_examples_is_complete() -> None:
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert all(f"[{name}]({name}/)" in told for name in folders)
