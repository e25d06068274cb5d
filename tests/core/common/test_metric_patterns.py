"""Which numbers of a line are metrics."""

from __future__ import annotations

import math
import time

import pytest

from pyruns_jupyter.core.common.metric_patterns import LogPatterns


def found(text: str, *patterns: str, seconds: float = 60.0) -> dict[str, float]:
    return LogPatterns(patterns).find(text, time.monotonic() + seconds)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("loss: 0.12", {"loss": 0.12}),
        ("epoch=3 val_acc=0.9", {"epoch": 3, "val_acc": 0.9}),
        ("epoch 3 val_acc = 9e-1", {"epoch": 3, "val_acc": 0.9}),
        ("Epoch 3/10: train loss: 0.5, val loss: 0.25.", {"epoch": 3, "train_loss": 0.5, "val_loss": 0.25}),
        (
            "Epoch [3/10], Step [100/600], Loss: 0.4591",
            {"epoch": 3, "step": 100, "Loss": 0.4591},
        ),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.25", {"epoch": 1, "Loss": 2.25}),
        (
            "Epoch 1:  50%|#####     | 50/100 [00:10<00:10, 5.00it/s, loss=0.123, acc=0.9]",
            {"epoch": 1, "loss": 0.123, "acc": 0.9},
        ),
        ("train:  50%|#####     | 50/100 [00:10<00:10, 5.00it/s, loss=0.123]", {"loss": 0.123}),
        (
            "1875/1875 - 3s - 2ms/step - accuracy: 0.92 - loss: 0.25 - val_loss: 0.5",
            {"accuracy": 0.92, "loss": 0.25, "val_loss": 0.5},
        ),
        ("[1,2] step: 100 | loss: -1.5e-3 | lr: 1e-4", {"step": 100, "loss": -0.0015, "lr": 0.0001}),
        ("2026-01-02 10:00:00,123 INFO loss: 0.5", {"loss": 0.5}),
        ("INFO:train:loss=0.5", {"loss": 0.5}),
        ("accuracy: 95.5%", {"accuracy": 95.5}),
        ("loss: inf", {"loss": math.inf}),
    ],
)
def test_automatic(text: str, values: dict[str, float]) -> None:
    assert found(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Loaded 5 files from port: 8080 in total",  # a sentence
        "Namespace(lr=0.1, seed=3)",
        "Listening on http://127.0.0.1:8888/",
        "12:30:45",
        "time: 3.2s",
        "size: 3/10",
        "{'loss': 0.5, 'epoch': 1.0}",  # printed dictionaries have a source of their own
        "epochs: 10 patience: 3 or more",
        "loss: tensor(0.5)",
        "loss: None",
        "x" * 4000 + ": 5 words",
    ],
)
def test_what_is_not_a_metric(text: str) -> None:
    assert found(text) == {}


def test_the_words_before_a_step_count() -> None:
    """It is the best epoch, not the one of this line."""
    assert "epoch" not in found("best epoch: 5")
    assert "epoch" not in found("max_epoch=10 loss=0.5")


def test_what_cannot_be_told_apart_does_not_count() -> None:
    assert found("epoch 1 | Train: loss=0.5 acc=0.75 | Val: loss=0.25") == {"epoch": 1, "acc": 0.75}
    assert found("epoch 1 loss: 0.5 (loss: 0.5)") == {"epoch": 1, "loss": 0.5}
    (value,) = found("loss: nan").values()
    assert math.isnan(value)


def test_patterns_of_the_user() -> None:
    line = "iter 100: loss 4.2874, time 15.3ms, val/acc 0.5"
    assert found(line, r"iter (?P<step>\d+): loss (?P<loss>\S+?),") == {"step": 100, "loss": 4.2874}
    assert found(line, r"(?P<key>[\w/]+) (?P<value>[\d.]+)(?=,|$|:)")["val/acc"] == 0.5
    # The form of Katib: the first two groups are name and number.
    katib = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
    assert found("loss=0.5 acc = 1e-1", katib) == {"loss": 0.5, "acc": 0.1}
    assert found("loss=", katib) == {}
    assert found("loss=words", r"loss=(?P<loss>\w+)") == {}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not a regular expression"),
        ("loss", "no group"),
        (r"(?P<key>\w+)", "both groups"),
        ("", "1 to 1000 characters"),
        ("(?P<a>x)" * 200, "1 to 1000 characters"),
    ],
)
def test_patterns_that_are_not_valid(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogPatterns([pattern])


def test_an_expensive_pattern_is_stopped() -> None:
    began = time.process_time()
    with pytest.raises(TimeoutError):
        found("a" * 4000 + "!", r"(?P<loss>(?:a|aa)+)$", seconds=0.1)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 2048,
        ", " * 2048,
        ": " * 2048,
        "a " * 2048,
        "a=1 " * 1024,
        "a: " * 1365,
        "=" * 4096,
        "epoch " * 680,
    ],
)
def test_lines_that_repeat_are_fast(text: str) -> None:
    began = time.process_time()
    found(text)
    assert time.process_time() - began < 0.5
