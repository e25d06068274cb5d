"""Names and steps of media by their paths."""

from __future__ import annotations

import pytest

from pyruns_jupyter.core.media.names import label_of, labels_of


@pytest.mark.parametrize(
    ("path", "name", "step"),
    [
        ("samples_step_100.png", "samples", 100),
        ("samples-epoch3.png", "samples", 3),
        ("samples/step=100.png", "samples", 100),
        ("epoch_3/confusion.png", "confusion", 3),
        ("epoch_3/sample_0.png", "sample_0", 3),
        ("checkpoint-500/eval.csv", "eval", 500),
        ("val/epoch=3-step=100.png", "val", 100),
        ("media/confusion_000003.png", "confusion", 3),
        ("media/val/layer_3_000010.png", "val/layer_3", 10),
        ("wandb/offline-run-1/files/media/images/val/sample_12_819f69ed4924e7ff740e.png", "val/sample", 12),
        ("resnet18.png", "resnet18", None),
        ("plots/loss.svg", "plots/loss", None),
        ("lr_0.5.png", "lr_0.5", None),
        ("step_" + "9" * 400 + ".png", "step_" + "9" * 295, None),
        ("epoch/\uff13.png", "epoch/\uff13", None),
    ],
)
def test_steps_that_are_named(path: str, name: str, step: int | None) -> None:
    assert label_of(path) == (name, step, False)


def test_a_number_at_the_end_is_a_step_if_it_varies() -> None:
    labels = labels_of(["s_000100.png", "s_000200.png", "s_7.html", "model_2.png", "v/7.png", "v/8.png"])
    assert {path: label[:2] for path, label in labels.items()} == {
        "s_000100.png": ("s", 100),
        "s_000200.png": ("s", 200),
        "s_7.html": ("s_7", None),  # the other files of this name are images
        "model_2.png": ("model_2", None),
        "v/7.png": ("v", 7),
        "v/8.png": ("v", 8),
    }
