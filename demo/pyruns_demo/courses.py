"""How a run of an example would go: its points, its output and its end, computed from its configuration."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .machine import GIB, GPU_MEMORY

_TRAINING_IMAGES = 1347
_BAR = 24
_READ_FILES = (
    "../README.md",
    "../digits/train.py",
    "../hydra/train.py",
    "../nested/train.py",
    "README.md",
    "../torch/train.py",
)


@dataclass(frozen=True)
class Course:
    """How a run proceeds unless it is stopped. Times are seconds since its start.

    Attributes:
        output: texts that it prints, and when.
        points: values that it tracks, and when.
        records: what it records at its end.
        load, memory: of its GPU, in percent and bytes.
    """

    seconds: float
    exit_code: int = 0
    output: Sequence[tuple[float, str]] = ()
    points: Sequence[tuple[float, Mapping[str, float]]] = ()
    records: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    load: float = 0.0
    memory: int = 0


def course_of(project: str, config: Mapping[str, Any], text: str, environment: Mapping[str, str]) -> Course:
    """Return the course of a run of an example project.

    `config` are the values of its configuration by dotted key, `text` is that of a shell script.
    """
    if project == "digits":
        return _digits(config)
    if project == "nested":
        return _nested(config)
    return _shell(text, environment)


def _number(config: Mapping[str, Any], key: str, usual: float, low: float, high: float) -> float:
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return usual
    return _clamp(value, low, high)


def _clamp(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


@dataclass(frozen=True)
class _Learning:
    """How a model learns: after `patience` epochs it has made two thirds of the way to `ceiling`."""

    epochs: int
    ceiling: float
    chance: float
    patience: float
    noise: float
    begin: float
    pace: float
    diverges: int = 0

    def points(self, source: random.Random) -> list[tuple[float, dict[str, float]]]:
        found, at = [], self.begin
        for epoch in range(1, (self.diverges or self.epochs) + 1):
            at += self.pace * source.uniform(0.85, 1.15)
            learned = 1 - math.exp(-epoch / self.patience)
            jump = source.gauss(0, 1) * self.noise * (0.3 + 0.7 * (1 - learned))
            slip = 0.5 * (epoch / self.diverges) ** 4 if self.diverges else 0.0
            way = self.chance + (self.ceiling - self.chance) * (learned - slip) + jump
            accuracy = _clamp(way, self.chance / 2, 0.9995)
            loss = 0.05 + 2.6 * (1 - accuracy) + abs(source.gauss(0, 1)) * self.noise
            found.append((at, {"epoch": epoch, "loss": round(loss, 6), "acc": round(accuracy, 6)}))
        return found


def _digits(config: Mapping[str, Any]) -> Course:
    source = random.Random(f"digits {json.dumps(dict(config), sort_keys=True, default=str)}")
    is_linear, is_augmented = config.get("model") == "sgd", config.get("augment") is True
    hidden = config.get("hidden")
    layers = hidden if isinstance(hidden, list) else [hidden]
    units = sum(one for one in layers if isinstance(one, int))
    rate = _number(config, "lr", 0.01, 1e-9, 1e9)
    epochs = int(_number(config, "epochs", 10, 1, 2000))
    batch = _number(config, "batch_size", _number(config, "batch-size", 64, 1, 1e6), 1, 1e6)
    above = math.log10(rate) - (-1.1 if is_linear else -2 + 0.35 * math.log10(batch / 64))
    ceiling = (
        (0.951 if is_linear else 0.94 + 0.043 * (1 - math.exp(-units / 40)))
        + (0.007 if is_augmented else 0.0)
        - (0.035 if above > 0 else 0.014) * above**2
        + 0.0035 * source.gauss(0, 1)
    )
    is_unstable = not is_linear and source.random() < (above - 1.2) / 0.9
    begin = 2.0
    size = 0.6 + units / 200 + (0.6 if is_augmented else 0.0) + 16 / batch
    pace = _number(config, "pace", 0.3, 0, 60) + _clamp(size, 0.5, 8) * source.uniform(0.9, 1.1)
    points = _Learning(
        epochs=epochs,
        ceiling=_clamp(ceiling, 0.12, 0.992),
        chance=0.1,
        patience=_clamp(1.6 * 10 ** _clamp(-0.6 * above, -0.4, 1.6), 0.8, 60),
        noise=0.006 + 0.03 * max(0.0, above),
        begin=begin,
        pace=pace,
        diverges=2 + source.randrange(min(8, epochs)) if is_unstable else 0,
    ).points(source)
    images = _TRAINING_IMAGES * (5 if is_augmented else 1)
    head = f"{'sgd' if is_linear else 'mlp'}: {images} training and 450 test images"
    last, number = points[-1][0], len(points)
    end = f"done: acc {points[-1][1]['acc']:.4f}\n"
    if is_unstable:
        points.pop()
        end = f"epoch {number}: the weights are not finite any more, lower --lr (now {rate:g})\n"
    output = [*_training_output(head, points, begin, epochs, math.ceil(images / batch)), (last + 0.4, end)]
    return Course(
        seconds=last + 0.8,
        exit_code=int(is_unstable),
        output=output,
        points=points,
        records={} if is_unstable else _summary(points),
        files={} if is_unstable else _files(points),
        load=_clamp(35 + units / 8 + 10 * math.log2(batch / 16), 20, 97),
        memory=int(min((0.9 + units * batch / 800_000) * GIB, GPU_MEMORY - GIB)),
    )


def _nested(config: Mapping[str, Any]) -> Course:
    source = random.Random(f"nested {json.dumps(dict(config), sort_keys=True, default=str)}")
    noise = _number(config, "data.noise", 0.3, 0, 1)
    l2 = _number(config, "model.l2", 0.001, 1e-9, 1e9)
    momentum = _number(config, "training.momentum", 0.9, 0, 0.999)
    rate = _number(config, "training.lr", 0.3, 1e-9, 1e9)
    epochs = int(_number(config, "training.epochs", 15, 1, 2000))
    samples = int(_number(config, "data.samples", 2000, 10, 1e9))
    above = math.log10(rate / (1 - momentum)) - 0.5
    ceiling = 1 - noise / 2 - 0.012 * above**2 - 0.006 * (math.log10(l2) + 3) ** 2 - 6 / samples
    points = _Learning(
        epochs=epochs,
        ceiling=_clamp(ceiling + 0.004 * source.gauss(0, 1), 0.55, 0.995),
        chance=0.5,
        patience=_clamp(2.5 * 10 ** (-0.5 * above), 0.7, 40),
        noise=0.008 + 0.02 * max(0.0, above),
        begin=1.0,
        pace=1.5 + _number(config, "training.pace", 0.2, 0, 60),
    ).points(source)
    lines = [
        (at, f"epoch {int(one['epoch']):3d}  loss {one['loss']:.4f}  acc {one['acc']:.3f}\n")
        for at, one in points
    ]
    return Course(
        seconds=points[-1][0] + 0.8,
        output=lines,
        points=points,
        records=_summary(points),
        files=_files(points),
        load=25.0,
        memory=int(0.7 * GIB),
    )


def _shell(text: str, environment: Mapping[str, str]) -> Course:
    source = random.Random(f"shell {text}")
    try:
        pace = _clamp(float(environment["PACE"]), 0.05, 10)
    except (KeyError, ValueError):
        pace = 4.0
    failure = re.search(r"^\s*exit\s+([1-9]\d*)", text, re.MULTILINE)
    output, at = [], 0.5
    if re.search(r"^\s*for\s", text, re.MULTILINE):
        for number, file in enumerate(_READ_FILES, 1):
            output.append(
                (at, f"[{number}/{len(_READ_FILES)}] {source.randrange(300, 2700):6d} words  {file}\n")
            )
            at += pace * source.uniform(0.8, 1.2)
    # Of what a script does, only its echoes are known.
    for said in re.findall(r"^\s*echo\s+(.*)$", text, re.MULTILINE):
        told = re.sub(r"^([\"'])(.*)\1\s*$", r"\2", said)
        output.append((at, re.sub(r"\$\{?total\}?", str(len(_READ_FILES)), told) + "\n"))
        at += 0.5
    return Course(seconds=max(at + 0.5, 3.0), exit_code=int(failure[1]) if failure else 0, output=output)


def _summary(points: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    last = points[-1][1]
    return {"acc": last["acc"], "loss": last["loss"]}


def _training_output(
    head: str, points: Sequence[tuple[float, Mapping[str, float]]], begin: float, epochs: int, steps: int
) -> Iterator[tuple[float, str]]:
    """Yield a line for each epoch, with a progress bar before every fifth."""
    yield begin / 2, f"{head}\n"
    start, best = begin, 0.0
    for index, (at, values) in enumerate(points):
        epoch = int(values["epoch"])
        if index % 5 == 0:
            yield from _progress_bar(f"epoch {epoch}", start, at, steps)
        mark = "  \x1b[1;33mbest so far\x1b[0m" if values["acc"] > best else ""
        told = f"loss {values['loss']:.4f}  acc {values['acc']:.4f}{mark}"
        yield at, f"\x1b[36mepoch {epoch}/{epochs}\x1b[0m  {told}\n"
        start, best = at, max(best, values["acc"])


def _progress_bar(title: str, start: float, end: float, steps: int) -> Iterator[tuple[float, str]]:
    seconds = end - start
    draws = round(_clamp(seconds / 0.4, 3, 16))
    for draw in range(draws + 1):
        part = draw / draws
        full = round(_BAR * part)
        bar = "█" * full + " " * (_BAR - full)
        rate = f"{steps / seconds:.2f}it/s"
        text = f"\r{title}: {100 * part:3.0f}%|\x1b[32m{bar}\x1b[0m| {round(steps * part)}/{steps} [{rate}]"
        yield start + 0.98 * seconds * part, text
    yield end, "\n"


def _files(points: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, str]:
    """Return a report and a picture of the loss, by path in the artifacts of the run."""
    losses = [values["loss"] for _, values in points]
    most, width, height, margin = max(*losses, 0.01, 0.0), 480, 300, 40
    line = " ".join(
        f"{margin + (width - 2 * margin) * at / max(1, len(losses) - 1):.1f},"
        f"{height - margin - (height - 2 * margin) * loss / most:.1f}"
        for at, loss in enumerate(losses)
    )
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="{width}" height="{height}" fill="white"/>\n'
        f'<polyline points="{line}" fill="none" stroke="#1976d2" stroke-width="2"/>\n'
        f'<text x="{margin}" y="24">loss by epoch, from 0 to {most:.3f}</text>\n</svg>\n'
    )
    report = "".join(f"{key:10} {value}\n" for key, value in _summary(points).items())
    return {"curves/loss.svg": picture, "report.txt": report}
