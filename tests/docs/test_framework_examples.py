"""The callbacks for training frameworks log metrics in a task, where the framework is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from tests.engine.support import stop_everything
from tests.support import ROOT

from .pages import DOCS, Block, blocks

EXAMPLES = {
    block.value: block for block in blocks(DOCS / "howto" / "training-frameworks.md") if block.note == "with"
}
# What follows an example that has no training of its own.
FURTHER = {
    "transformers": """
from transformers import TrainerControl, TrainerState, TrainingArguments
state = TrainerState(global_step=0)
callback, control = PyrunsCallback(), TrainerControl()
for step in range(3):
    state.global_step = step
    logs = {"loss": 1 / (step + 1), "epoch": float(step), "text": "x"}
    state.log_history.append({**logs, "step": step})
    callback.on_log(None, state, control, logs=logs)
callback.on_train_end(None, state, control)
""",
    "lightning": """
import torch

class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, index):
        return self.layer(batch).square().mean()
    def validation_step(self, batch, index):
        self.log("val_loss", self.layer(batch).square().mean())
    def test_step(self, batch, index):
        self.log("test_loss", self.layer(batch).square().mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

data = torch.utils.data.DataLoader(torch.randn(16, 4))
model = Model()
trainer.fit(model, data, data)
trainer.test(model, data)
""",
}
TRACKED = {
    "lightning": {"val_loss"},
    "transformers": {"loss"},
    "keras": {"loss", "mae", "val_loss"},
    "xgboost": {"validation_0/mlogloss", "validation_1/mlogloss"},
    "sklearn": {"score", "fit_time"},
}
RECORDED = {
    "lightning": {"test_loss"},
    "transformers": {"loss"},
    "keras": {"loss", "mae", "val_loss"},
    "xgboost": {"acc"},
    "sklearn": {"best_score", "alpha", "penalty"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_everything(tmp_path)


def test_there_is_an_example_for_each_framework() -> None:
    assert set(EXAMPLES) == set(TRACKED) == set(RECORDED)
    assert all(10 < block.text.count("\n") < 30 for block in EXAMPLES.values())


@pytest.mark.timeout(300)  # longer than it waits for the task
@pytest.mark.parametrize("package", EXAMPLES)
def test_an_example_logs_metrics(package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    if package == "keras" and "KERAS_BACKEND" not in os.environ:
        backends = ("tensorflow", "torch", "jax")
        monkeypatch.setenv("KERAS_BACKEND", next(name for name in backends if find_spec(name) is not None))
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    block: Block = EXAMPLES[package]
    (folder / "train.py").write_text(block.text + FURTHER.get(package, ""))
    ws = Workspace.open(folder / "train.py")
    ws.run(ws.create("", "one"))
    (task,) = ws.wait(timeout=240)
    assert task.status == "completed", task.log()
    tracks = task.tracks()
    assert TRACKED[package] <= set(tracks)
    assert all(len(tracks[name]) >= 3 for name in TRACKED[package])
    assert RECORDED[package] <= set(task.records())
