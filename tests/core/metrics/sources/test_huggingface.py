"""What the Trainer of Hugging Face prints and stores."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pyruns_jupyter.core.metrics.sources.base import NotMetrics
from pyruns_jupyter.core.metrics.sources.huggingface import PrintedFile, TrainerState

from .support import read_all


def printed(path: Path, text: str) -> list[dict[str, float]]:
    path.write_text(text)
    return [point.values for point in read_all(PrintedFile(path))]


def test_printed_dictionaries(tmp_path: Path) -> None:
    found = printed(
        tmp_path / "run1.log",
        "Downloading...\n"
        "{'loss': 0.5, 'grad_norm': 1.25, 'learning_rate': 5e-05, 'epoch': 1.0}\n"
        "\r 50%|#####     | 1/2\r          \r{'eval_loss': 0.25, 'epoch': 1.0}\n"
        "{'loss': '0.125', 'learning_rate': '1e-05', 'epoch': '2'}\n"
        "{'loss': nan, 'epoch': 3.0}\n"
        "{'train_runtime': 2.5, 'total_flos': 100.0, 'epoch': 3.0}\n"
        "{'lr': 0.1, 'layers': 3}\n"
        "{'loss': [1, 2], 'epoch': 1.0}\n"
        "{'loss': __import__('os'), 'epoch': 1.0}\n"
        "{'epoch': 4.0}\n"
        "{'loss': 0.5, 'epoch': 5.0",
    )
    assert found[0] == {"loss": 0.5, "grad_norm": 1.25, "learning_rate": 5e-05, "epoch": 1.0}
    assert found[1] == {"eval_loss": 0.25, "epoch": 1.0}
    assert found[2] == {"loss": 0.125, "learning_rate": 1e-05, "epoch": 2}
    assert math.isnan(found[3]["loss"])
    assert found[4] == {"train_runtime": 2.5, "epoch": 3.0}
    assert len(found) == 5


def test_a_long_log_without_dictionaries(tmp_path: Path) -> None:
    assert printed(tmp_path / "run1.log", "{'" * 100_000) == []
    assert printed(tmp_path / "run1.log", "x" * 300_000 + "\n{'loss': 1.0, 'step': 2}\n") == [
        {"loss": 1.0, "step": 2}
    ]
    assert printed(tmp_path / "run1.log", "{" + "'a': 1, " * 30_000) == []


def test_trainer_state(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    history = [
        {"epoch": 0.5, "loss": 0.5, "step": 10, "name": "x"},
        {"epoch": 1.0, "eval_loss": 0.25, "step": 20},
        {"epoch": 1.0},
        "words",
    ]
    text = json.dumps({"log_history": history, "total_flos": 1.0})
    source = TrainerState(path)
    path.write_text(text[:30])
    assert source.read() == []
    path.write_text(text)
    assert [point.values for point in source.read()] == [
        {"epoch": 0.5, "loss": 0.5, "step": 10},
        {"epoch": 1.0, "eval_loss": 0.25, "step": 20},
    ]
    assert source.read() == []
    for other in ("[]", '{"log_history": 1}'):
        path.write_text(other)
        with pytest.raises(NotMetrics):
            TrainerState(path).read()
    path.write_text("[" * 100_000)
    assert TrainerState(path).read() == []
