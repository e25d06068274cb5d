"""The progress of a run: the step that a script tracks, of a total that it or its configuration gives.

Nothing is guessed: without both numbers, progress is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from .downsample import STEP_KEYS

_STEPS = (
    "max_steps",
    "total_steps",
    "num_steps",
    "n_steps",
    "steps",
    "train_steps",
    "num_train_steps",
    "max_train_steps",
)
_ITERATIONS = (
    "max_iters",
    "max_iter",
    "total_iters",
    "num_iters",
    "n_iters",
    "n_iter",
    "iters",
    "iterations",
    "max_iterations",
    "num_iterations",
    "total_iterations",
)
# The names of totals, by the key of a step. A parameter may be nested: `training.epochs`.
TOTALS = {
    "step": _STEPS,
    "global_step": _STEPS,
    "iteration": _ITERATIONS,
    "iter": _ITERATIONS,
    "epoch": ("epochs", "max_epochs", "num_epochs", "n_epochs", "total_epochs", "num_train_epochs"),
}
_NAMES = frozenset(name for group in TOTALS.values() for name in group)


class StepProgress(NamedTuple):
    """The progress of a run: `step` of `total`. `key` is the metric with the step, `source` the parameter or
    metric with the total.
    """

    key: str
    step: float
    total: float
    source: str


def totals_among(values: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    """Return the totals in a flat configuration or in metrics, and the keys that have them, by name.

    A name that several keys have, with different values, is missing.
    """
    found: dict[str, tuple[float, str]] = {}
    different: set[str] = set()
    for key, value in values.items():
        name = key.rpartition(".")[2].replace("-", "_")
        total = _positive(value) if name in _NAMES else None
        if total is not None and found.setdefault(name, (total, key))[0] != total:
            different.add(name)
    return {name: one for name, one in found.items() if name not in different}


def progress_of(metrics: Mapping[str, Any], totals: Mapping[str, tuple[float, str]]) -> StepProgress | None:
    """Return the progress of a run with these latest metrics, None if the step or its total is not known.

    A total among the metrics replaces the `totals` of the configuration.
    """
    if not any(key in metrics for key in STEP_KEYS):
        return None
    known = {**totals, **totals_among(metrics)}
    if not known:
        return None
    for key in STEP_KEYS:
        step = _number(metrics.get(key))
        if step is None:
            continue
        chosen = {known[name] for name in TOTALS[key] if name in known}
        if len({total for total, _ in chosen}) == 1:
            total, source = min(chosen)
            if step <= total:
                return StepProgress(key, step, total, source)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < 1e15 and math.isfinite(value) else None


def _positive(value: Any) -> float | None:
    if isinstance(value, str):
        return None
    number = _number(value)
    return number if number and float(number).is_integer() else None
