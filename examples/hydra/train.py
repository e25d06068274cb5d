"""Fit a noisy curve, configured by Hydra: groups in `conf/`, of which each task overrides what it sweeps."""

from __future__ import annotations

import hydra
import numpy as np
from omegaconf import DictConfig

import pyruns_jupyter as pyruns


def features(points: np.ndarray, model: DictConfig) -> np.ndarray:
    """Values of the model's functions (columns) at the points (rows)."""
    if model.kind == "polynomial":
        return np.stack([points**power for power in range(model.degree + 1)], axis=1)
    steps = np.arange(1, model.waves + 1) * np.pi
    waves = [function(np.outer(points, steps)) for function in (np.sin, np.cos)]
    return np.hstack([np.ones((len(points), 1)), *waves])


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float:
    random = np.random.default_rng(cfg.seed)
    points = random.uniform(-1, 1, cfg.samples)
    values = np.sin(5 * points) * np.exp(points) + cfg.noise * random.normal(size=cfg.samples)
    half = cfg.samples // 2
    table = features(points, cfg.model)
    weights = np.zeros(table.shape[1])
    # The largest step that gradient descent takes without running away.
    step = cfg.optimizer.lr / np.linalg.norm(table[:half], 2) ** 2
    for epoch in range(cfg.optimizer.epochs):
        error = table @ weights - values
        weights -= step * (table[:half].T @ error[:half] + cfg.optimizer.l2 * weights)
        train, test = float(np.mean(error[:half] ** 2)), float(np.mean(error[half:] ** 2))
        pyruns.track(epoch=epoch, train=train, test=test)
    print(f"{cfg.model.kind}: error {test:.4f} on {cfg.samples - half} points that were not seen")
    pyruns.record(test=test, train=train)
    return test  # for sweepers of Hydra


if __name__ == "__main__":
    main()
