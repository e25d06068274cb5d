"""Logistic regression by gradient descent, in numpy, with a nested configuration instead of options.

Under Pyruns `load()` gives the task's configuration; on its own the script reads `config.yaml` beside it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import pyruns_jupyter as pyruns


def make_data(samples: int, features: int, noise: float, seed: int) -> tuple[Any, Any]:
    """Points and labels (0 or 1) of a random linear rule that is broken with the chance `noise`."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(samples, features))
    labels = (points @ random.normal(size=features) > 0).astype(float)
    flipped = random.random(samples) < noise / 2
    return points, np.where(flipped, 1 - labels, labels)


def main() -> None:
    # Outside a task the path counts; inside, the task's own configuration does.
    cfg = pyruns.load(Path(__file__).with_name("config.yaml"))
    points, labels = make_data(cfg.data.samples, cfg.data.features, cfg.data.noise, cfg.seed)
    if cfg.model.bias:
        points = np.hstack([points, np.ones((len(points), 1))])
    half = len(points) // 2
    weights = np.zeros(points.shape[1])
    speed = np.zeros_like(weights)

    loss = accuracy = float("nan")
    for epoch in range(1, cfg.training.epochs + 1):
        chances = 1 / (1 + np.exp(-points[:half] @ weights))
        gradient = points[:half].T @ (chances - labels[:half]) / half + cfg.model.l2 * weights
        speed = cfg.training.momentum * speed - cfg.training.lr * gradient
        weights += speed

        unseen = np.clip(1 / (1 + np.exp(-points[half:] @ weights)), 1e-12, 1 - 1e-12)
        truth = labels[half:]
        loss = float(-np.mean(truth * np.log(unseen) + (1 - truth) * np.log(1 - unseen)))
        accuracy = float(np.mean((unseen > 0.5) == (truth == 1)))
        pyruns.track(epoch=epoch, loss=loss, acc=accuracy)
        print(f"epoch {epoch:3d}  loss {loss:.4f}  acc {accuracy:.3f}", flush=True)
        time.sleep(cfg.training.pace)

    pyruns.record(acc=accuracy, loss=loss)
    np.save(Path(pyruns.artifact_dir()) / "weights.npy", weights)


if __name__ == "__main__":
    main()
