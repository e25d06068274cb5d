"""The examples that the documentation's pages do not run (`tests/docs` runs the others)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace

from .engine.support import stop_everything
from .support import EXAMPLES, wait_until

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
def test_pytorch_continues_from_a_checkpoint(examples: Path) -> None:
    workspace = Workspace.open(examples / "torch" / "train.py")
    whole, task = workspace.create("epochs: 600 | 601\n", "spirals")
    whole.run().wait(timeout=120)
    assert whole.status == "completed", whole.log()
    task.run(resume=True)
    wait_until(lambda: bool(task.tracks().get("epoch")))
    os.kill(task.info["pids"][0], signal.SIGUSR1)
    task.wait(timeout=120)
    assert task.status == "completed", task.log()
    assert [run.exit_code for run in task.runs] == [75, 0]
    epochs = [epoch for run in range(1, len(task.runs) + 1) for epoch in task.tracks(run)["epoch"]]
    assert epochs == list(range(1, 602))
    assert whole.tracks()["loss"][-1] == task.tracks()["loss"][-2]


def test_the_table_of_examples_is_complete() -> None:
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert all(f"[{name}]({name}/)" in told for name in folders)
