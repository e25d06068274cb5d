"""The names and steps of media, so that the same output of several runs can be compared at the same step.

The step of a file is in its path. `samples_step_100.png`, `samples/epoch=3.png` and `epoch_3/samples.png` say
which number it is. In `samples_000100.png`, the number at the end is a step if there are files with different
numbers whose paths are otherwise equal. What remains of the path is the name, here `samples` in all cases.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

FOLDER = "media"  # in the artifacts of a run, for the figures that `track` saves; not a part of their names
_MAX_NAME = 300  # characters

_WORDS = r"(?:global_)?steps?|epochs?|iterations?|iters?|batch|episode|round|checkpoint|ckpt"
_DIGITS = r"([0-9]{1,15})"
_NAMED = re.compile(rf"(?:^|[_\-. ])(?:{_WORDS})[_=\-]?{_DIGITS}$", re.IGNORECASE)
_NUMBER = re.compile(rf"(?:^|[_\-=]){_DIGITS}$")
_WORD_AT_END = re.compile(rf"(?:^|[_\-. ])(?:{_WORDS})$", re.IGNORECASE)
# The files that W&B writes next to a run's log, also inside the artifacts of a run.
_WANDB = re.compile(rf"(?:^|/)files/media/[a-z]+/(.+)_{_DIGITS}_[0-9a-f]{{1,64}}\.\w+$")


class Label(NamedTuple):
    """The name of a medium and its step, None if it has none. `is_guess`: whether the step only counts if
    there are several, and `path` is the name if it does not.
    """

    name: str
    step: int | None
    is_guess: bool = False


def label_of(path: str) -> Label:
    """Return the label of a file by its path, relative to the artifacts of its run."""
    if found := _WANDB.search(path):
        return Label(found[1][:_MAX_NAME], int(found[2]))
    *folders, file = path.split("/")
    stem = os.path.splitext(file)[0]
    is_ours = bool(folders) and folders[0] == FOLDER
    if is_ours:
        folders = folders[1:]
    if found := _NAMED.search(stem):
        return Label(_joined([*folders, stem[: found.start()]]), int(found[1]))
    if found := _NUMBER.search(stem) if is_ours else None:
        return Label(_joined([*folders, stem[: found.start()]]), int(found[1]))
    for at in reversed(range(len(folders))):
        if found := _NAMED.search(folders[at]):
            kept = folders[at][: found.start()]
            return Label(_joined([*folders[:at], kept, *folders[at + 1 :], stem]), int(found[1]))
    if found := _NUMBER.search(stem):
        return Label(_joined([*folders, stem[: found.start()]]), int(found[1]), is_guess=True)
    return Label(_unchanged(path), None)


def labels_of(paths: Iterable[str]) -> dict[str, Label]:
    """Return the labels of the files of several runs by their paths, which are relative to the artifacts."""
    labels = {path: label_of(path) for path in paths}
    steps: defaultdict[tuple[str, str], set[int | None]] = defaultdict(set)
    for path, label in labels.items():
        if label.is_guess:
            steps[_ending(path), label.name].add(label.step)
    return {
        path: Label(_unchanged(path), None)
        if label.is_guess and len(steps[_ending(path), label.name]) == 1
        else label
        for path, label in labels.items()
    }


def _ending(path: str) -> str:
    """Return the ending of a file, with its dot."""
    return os.path.splitext(path)[1]


def _unchanged(path: str) -> str:
    """Return the name of a file without a step."""
    return path[: -len(_ending(path)) or None][:_MAX_NAME]


def _joined(parts: list[str]) -> str:
    """Return a name from what remains of a path, without the words of steps at the ends of its parts."""
    kept = []
    for part in parts:
        while found := _NAMED.search(part) or _WORD_AT_END.search(part):
            part = part[: found.start()]
        part = part.strip("_-=. ")
        if part:
            kept.append(part)
    return "/".join(kept)[:_MAX_NAME]
