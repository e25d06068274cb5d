"""Train a small classifier on scikit-learn's bundled handwritten digits (1,797 images of 8 x 8 pixels).

Runs as it is (`python train.py --lr 0.01`), and under Pyruns, where every option can be swept.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

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
    data.add_argument("--augment", action="store_true", help="also train on copies moved by one pixel")

    parser.add_argument(
        "--pace",
        type=float,
        default=0.3,
        help="seconds to sleep after each epoch, only so that there is something to watch",
    )
    return parser.parse_args()


def load(seed: int, augment: bool) -> tuple[Any, Any, Any, Any]:
    """Training images, test images, training labels, test labels; pixels between 0 and 1."""
    digits = load_digits()
    images = digits.images / 16.0
    train, test, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=0.25, random_state=seed, stratify=digits.target
    )
    if augment:
        moved = [np.roll(train, shift, axis) for axis in (1, 2) for shift in (-1, 1)]
        train_labels = np.tile(train_labels, 1 + len(moved))
        train = np.concatenate([train, *moved])
    return train.reshape(len(train), -1), test.reshape(len(test), -1), train_labels, test_labels


def make_model(arguments: argparse.Namespace) -> Any:
    if arguments.model == "sgd":
        return SGDClassifier(
            loss="log_loss", learning_rate="constant", eta0=arguments.lr, random_state=arguments.seed
        )
    layers = tuple(arguments.hidden)
    return MLPClassifier(layers, learning_rate_init=arguments.lr, random_state=arguments.seed)


def main() -> None:
    arguments = parse_arguments()
    # One pass is never meant to converge; nothing to warn about.
    warnings.simplefilter("ignore", ConvergenceWarning)
    train, test, train_labels, test_labels = load(arguments.seed, arguments.augment)
    classes = np.unique(train_labels)
    model = make_model(arguments)
    shuffle = np.random.default_rng(arguments.seed)
    print(f"{arguments.model}: {len(train)} training and {len(test)} test images", flush=True)

    loss = accuracy = float("nan")
    for epoch in range(1, arguments.epochs + 1):
        order = shuffle.permutation(len(train))
        for start in range(0, len(order), arguments.batch_size):
            batch = order[start : start + arguments.batch_size]
            model.partial_fit(train[batch], train_labels[batch], classes=classes)
        chances = model.predict_proba(test)
        if not np.isfinite(chances).all():
            sys.exit(f"epoch {epoch}: the weights are not finite any more, lower --lr (now {arguments.lr:g})")
        loss = float(log_loss(test_labels, chances, labels=classes))
        accuracy = float(accuracy_score(test_labels, classes[chances.argmax(axis=1)]))
        pyruns.track(epoch=epoch, loss=loss, acc=accuracy)
        print(f"epoch {epoch}/{arguments.epochs}  loss {loss:.4f}  acc {accuracy:.4f}", flush=True)
        time.sleep(arguments.pace)

    pyruns.record(acc=accuracy, loss=loss)
    print(f"done: acc {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
