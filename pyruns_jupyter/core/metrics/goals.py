"""The goals of metrics: whether less or more is better.

The setting `metrics` defines them. The goal of another metric is that of a study which optimizes it, else the
one that its name suggests, which is only a hint: results that depend on it say so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pyruns_jupyter.core.common.errors import PyrunsError, shown
from pyruns_jupyter.core.fs.atomic import read_json

from .expressions import MAXIMIZE, MINIMIZE, Direction, parse_aggregate

Origin = Literal["settings", "study", "name"]
_STUDIES = "studies"  # the folder of a workspace with the files of its studies
_MAX_STUDIES = 1000
_MAX_STUDY_BYTES = 1024 * 1024

# A word begins and ends at other characters than letters, and where the case changes: `valAcc`. Long words
# are found anywhere; a short one may be a part of another word, as `roc` is of `process`.
_START, _END = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))", r"(?:(?![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_PREFIX = r"(?i:train|valid|val|test|eval|dev|micro|macro|mean)?"
# Compiled when they are first used, as most commands do not.
_LESS = rf"(?i:loss|errors?$|perplexity|latency)|{_START}{_PREFIX}(?i:errs?$|ppl|n?r?mse|s?mape|mae){_END}"
_MORE = (
    r"(?i:accuracy|score|reward|precision|recall|rouge|bleu|psnr)|"
    rf"{_START}{_PREFIX}(?i:acc|f1|(?:roc|pr)?auc|au(?:roc|prc)|roc|returns?|m?iou|dice|(?:ms)?ssim){_END}|"
    r"(?i:(?:^|\W|_)(?:r2|m?ap\d*)$)"
)


class Goal(NamedTuple):
    """The goal of a metric, and where it is from."""

    direction: Direction
    origin: Origin


def parse_goals(given: Any) -> tuple[dict[str, Direction], list[str]]:
    """Return the goals in the setting `metrics`, and what is wrong with it, as sentences."""
    if given is None:
        return {}, []
    if not isinstance(given, dict):
        return {}, [f"metrics must be a mapping such as {{val_loss: minimize}}, not {shown(given)}."]
    found: dict[str, Direction] = {}
    problems = []
    for name, goal in given.items():
        if isinstance(name, str) and goal in (MINIMIZE, MAXIMIZE):
            found[name] = goal
        else:
            problems.append(f"metrics.{str(name)[:80]} must be minimize or maximize, not {shown(goal)}.")
    return found, problems


class Goals:
    """The goals of the metrics of the workspace in `folder`; `defined` are those of the settings.

    The files of studies are read when a goal is not in the settings.
    """

    def __init__(self, defined: Mapping[str, Direction], folder: Path | None = None) -> None:
        self._defined = defined
        self._folder = folder

    @cached_property
    def _studies(self) -> Mapping[str, Direction]:
        return {} if self._folder is None else _study_goals(self._folder)

    def find(self, metric: str) -> Goal | None:
        """Return the goal of a metric, or of the metric of an aggregate; None if nothing suggests one."""
        if metric not in self._defined:
            metric = _metric_of(metric) or metric
        if metric in self._defined:
            return Goal(self._defined[metric], "settings")
        return self.automatic(metric)

    def automatic(self, metric: str) -> Goal | None:
        """Return the goal that a metric has without a definition in the settings."""
        if metric in self._studies:
            return Goal(self._studies[metric], "study")
        direction = _suggested(metric)
        return None if direction is None else Goal(direction, "name")

    def known(self, metrics: Iterable[str]) -> dict[str, Goal]:
        """Return the goals of those metrics that have one."""
        found = ((metric, self.find(metric)) for metric in metrics)
        return {metric: goal for metric, goal in found if goal is not None}


@lru_cache(maxsize=4096)
def _suggested(metric: str) -> Direction | None:
    is_less, is_more = bool(re.search(_LESS, metric)), bool(re.search(_MORE, metric))
    if is_less == is_more:
        return None
    return MINIMIZE if is_less else MAXIMIZE


def _study_goals(folder: Path) -> Mapping[str, Direction]:
    studies = folder / _STUDIES
    try:
        changed_at = studies.lstat().st_mtime_ns
    except OSError:
        return {}
    return _goals_in(studies, changed_at)


@lru_cache(maxsize=64)
def _goals_in(studies: Path, changed_at: int) -> Mapping[str, Direction]:
    """Return the goals of the studies in a folder; a metric for which they differ is missing."""
    found: dict[str, Direction] = {}
    different: set[str] = set()
    for path in _files(studies):
        try:
            study = read_json(path, most=_MAX_STUDY_BYTES)
        except (OSError, PyrunsError):
            continue
        for objective, direction in _objectives(study):
            metric = _metric_of(objective)
            if metric is None or direction not in (MINIMIZE, MAXIMIZE):
                continue
            if found.setdefault(metric, direction) != direction:
                different.add(metric)
    return {metric: direction for metric, direction in found.items() if metric not in different}


def _objectives(study: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return the objectives in the file of a study, each with its direction, valid or not."""
    further = study.get("further_objectives")
    return [
        (study.get("objective"), study.get("direction")),
        *(
            (one.get("metric"), one.get("direction"))
            for one in (further if isinstance(further, list) else ())
            if isinstance(one, dict)
        ),
    ]


def _files(studies: Path) -> list[Path]:
    if studies.is_symlink():
        return []
    try:
        names = sorted(name for name in os.listdir(studies) if name.endswith(".json") and name[0] != ".")
    except OSError:
        return []
    return [studies / name for name in names[:_MAX_STUDIES]]


def _metric_of(objective: Any) -> str | None:
    if not isinstance(objective, str):
        return None
    try:
        aggregate = parse_aggregate(objective)
    except PyrunsError:
        return None
    return objective if aggregate is None else aggregate.key
