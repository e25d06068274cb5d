"""Train a small classifier on handwritten digits: 1,797 images of 8 x 8 pixels, in `digits.csv.gz`.

Runs as it is (`python train.py --lr 0.01`), and under Pyruns, where every option can be swept.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import pyruns_jupyter as pyruns


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Classify handwritten digits.")

    model = parser.add_argument_group("model")
    model.add_argument(
        "--model", choices=["mlp", "sgd"], default="mlp", help="a neural network or a linear model"
    )
    model.add_argument(
        "--hidden", type=int, nargs="+", default=[32], help="units of each hidden layer (mlp only)"
    )

    training = parser.add_argument_group("training")
    training.add_argument("--lr", type=float, default=0.01, help="learning rate")
    training.add_argument("--epochs", type=int, default=10, help="passes over the training images")
    training.add_argument("--batch-size", type=int, default=64, help="images a step")
    training.add_argument(
        "--seed", type=int, default=0, help="seed of the split, the weights and the shuffling"
    )

    data = parser.add_argument_group("data")
    data.add_argument("--augment", action="store_true", help="also train on copies rolled by one pixel")

    parser.add_argument(
        "--pace",
        type=float,
        default=0.3,
        help="seconds to sleep after each epoch, only so that there is something to watch",
    )
    return parser.parse_args()


def load(random: np.random.Generator, augment: bool) -> tuple[Any, Any, Any, Any]:
    """Training images, test images, training labels, test labels; pixels between 0 and 1."""
    rows = np.loadtxt(Path(__file__).with_name("digits.csv.gz"), dtype=int, delimiter=",")
    random.shuffle(rows)
    rows = rows[np.argsort(rows[:, -1], kind="stable")]  # by digit, so that a quarter of each is for the test
    is_test = np.arange(len(rows)) % 4 == 0
    images, labels = rows[:, :-1].reshape(-1, 8, 8) / 16.0, rows[:, -1]
    train, train_labels = images[~is_test], labels[~is_test]
    if augment:
        moved = [np.roll(train, shift, axis) for axis in (1, 2) for shift in (-1, 1)]
        train_labels = np.tile(train_labels, 1 + len(moved))
        train = np.concatenate([train, *moved])
    return train.reshape(-1, 64), images[is_test].reshape(-1, 64), train_labels, labels[is_test]


class Network:
    """Layers of ReLU units before a softmax; without hidden layers, a linear model."""

    def __init__(self, hidden: list[int], random: np.random.Generator) -> None:
        sizes = [64, *hidden, 10]
        self.arrays: list[Any] = []  # weights and biases of each layer in turn
        for inputs, units in pairwise(sizes):
            self.arrays += [random.normal(0, np.sqrt(2 / inputs), (inputs, units)), np.zeros(units)]

    def forward(self, images: Any) -> tuple[list[Any], Any]:
        """Return the inputs of each layer, and the logarithm of the probability of each digit."""
        inputs = [images]
        for weights, biases in zip(self.arrays[:-2:2], self.arrays[1:-2:2], strict=True):
            inputs.append(np.maximum(inputs[-1] @ weights + biases, 0))
        logits = inputs[-1] @ self.arrays[-2] + self.arrays[-1]
        logits -= logits.max(axis=1, keepdims=True)
        return inputs, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def gradients(self, images: Any, labels: Any) -> list[Any]:
        """Return the gradients of the mean cross-entropy, in the order of the arrays."""
        inputs, logs = self.forward(images)
        error = (np.exp(logs) - np.eye(10)[labels]) / len(labels)
        found: list[Any] = []
        for values, weights in zip(reversed(inputs), self.arrays[-2::-2], strict=True):
            found = [values.T @ error, error.sum(axis=0), *found]
            error = error @ weights.T * (values > 0)
        return found


class Adam:
    def __init__(self, arrays: list[Any], lr: float) -> None:
        self.arrays, self.lr, self.steps = arrays, lr, 0
        self.moments = [(np.zeros_like(array), np.zeros_like(array)) for array in arrays]

    def step(self, gradients: list[Any]) -> None:
        self.steps += 1
        for array, gradient, (mean, square) in zip(self.arrays, gradients, self.moments, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            size = np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8
            array -= self.lr * mean / (1 - 0.9**self.steps) / size


class SgdWithMomentum:
    def __init__(self, arrays: list[Any], lr: float) -> None:
        self.arrays, self.lr = arrays, lr
        self.speeds = [np.zeros_like(array) for array in arrays]

    def step(self, gradients: list[Any]) -> None:
        for array, gradient, speed in zip(self.arrays, gradients, self.speeds, strict=True):
            speed *= 0.9
            speed -= self.lr * gradient
            array += speed


def main() -> None:
    arguments = parse_arguments()
    if not arguments.lr > 0:
        raise ValueError(f"the learning rate has to be positive, but it is {arguments.lr:g}")
    random = np.random.default_rng(arguments.seed)
    train, test, train_labels, test_labels = load(random, arguments.augment)
    if arguments.model == "sgd":
        network = Network([], random)
        optimizer: Adam | SgdWithMomentum = SgdWithMomentum(network.arrays, arguments.lr)
    else:
        network = Network(arguments.hidden, random)
        optimizer = Adam(network.arrays, arguments.lr)
    print(f"{arguments.model}: {len(train)} training and {len(test)} test images", flush=True)

    loss = accuracy = float("nan")
    for epoch in range(1, arguments.epochs + 1):
        order = random.permutation(len(train))
        for start in range(0, len(order), arguments.batch_size):
            batch = order[start : start + arguments.batch_size]
            optimizer.step(network.gradients(train[batch], train_labels[batch]))
        _, logs = network.forward(test)
        loss = -float(logs[np.arange(len(test)), test_labels].mean())
        if not np.isfinite(loss):
            sys.exit(f"epoch {epoch}: the weights are not finite any more, lower --lr (now {arguments.lr:g})")
        accuracy = float((logs.argmax(axis=1) == test_labels).mean())
        pyruns.track(epoch=epoch, loss=loss, acc=accuracy)
        print(f"epoch {epoch}/{arguments.epochs}  loss {loss:.4f}  acc {accuracy:.4f}", flush=True)
        time.sleep(arguments.pace)

    pyruns.record(acc=accuracy, loss=loss)
    print(f"done: acc {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
