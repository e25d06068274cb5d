"""Studies without Optuna, which needs NumPy: trials are drawn at random, and pruned as by Optuna."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

from pyruns_jupyter.core.config.sweep.searchspace import Choices, SearchSpace
from pyruns_jupyter.studies.definition import Definition
from pyruns_jupyter.studies.optimizer import Curve
from pyruns_jupyter.studies.samplers import Dimension, PackageMissing
from pyruns_jupyter.studies.trials import Trial

_TRIALS_BEFORE_PRUNING = 5
_KEPT_SHARE = {"median": 0.5, "quartile": 0.25}
_SAMPLERS = ("tpe", "random")


def check_packages(sampler: str, **_: bool) -> None:
    """Check that the demo accepts a sampler; see `studies.samplers.check_packages`."""
    if sampler not in _SAMPLERS:
        raise PackageMissing(
            f"The sampler {sampler} needs Optuna, which the demo does not have. With tpe or random, the demo "
            "chooses trials at random."
        )


def refuse_importance(*_: object) -> NoReturn:
    """Report that the demo cannot compute the importance of parameters; see `studies.importance`."""
    raise PackageMissing("Parameter importance needs Optuna and scikit-learn, which the demo does not have.")


class RandomSearch:
    """The optimizer of the demo; see `studies.optimizer.Optimizer`."""

    def __init__(
        self,
        definition: Definition,
        space: SearchSpace,
        trials: Iterable[Trial] = (),
        curve: Callable[[Trial], Curve] = lambda _: (),
        beside: Callable[[Trial], Collection[int]] = lambda _: (),
    ) -> None:
        self._definition = definition
        self._space = space
        self._curves: dict[int, dict[int, float]] = {}  # number of a trial -> value by step
        for trial in trials:
            points = enumerate(curve(trial), 1)
            self._curves[trial.number] = {step: value for step, value in points if value is not None}

    def ask(self, number: int) -> dict[str, Any]:
        """Return the values of a trial, by dotted key."""
        digest = hashlib.sha256(f"{self._definition.seed}:{number}".encode()).digest()
        source = random.Random(digest)
        values = {one.key: _draw(one, source) for one in self._space.dimensions}
        for one in self._space.ordered:  # another range may apply, because of the values before
            branch = self._space.active_branches(values).get(one.key, one)
            if branch is not one:
                values[one.key] = _draw(branch, source)
        return {key: values[key] for key in self._space.active_branches(values)}

    def report(self, trial: Trial, points: Mapping[int, float]) -> int | None:
        """Report values of a trial by step; return the last step if the trial is unpromising."""
        self._curves.setdefault(trial.number, {}).update(points)
        return max(points) if points and self._is_unpromising(trial.number) else None

    def _is_unpromising(self, number: int) -> bool:
        """Return whether a trial is worse at its last step than the best half or another part."""
        mine = self._curves.get(number)
        if not self._definition.prune or not mine:
            return False
        step, sign = max(mine), -1 if self._definition.direction == "maximize" else 1
        others = [curve for key, curve in self._curves.items() if key != number and step in curve]
        if len(others) < _TRIALS_BEFORE_PRUNING:
            return False
        values = sorted(sign * curve[step] for curve in others)
        kept = _KEPT_SHARE.get(self._definition.prune, 1 / self._definition.halving[1])
        limit = values[math.ceil(len(values) * kept) - 1]
        return min(sign * value for value in mine.values()) > limit

    def tell(self, trial: Trial) -> None:
        """Report the end of a trial, of which nothing is learned."""


def _draw(dimension: Dimension, source: random.Random) -> Any:
    if isinstance(dimension, Choices):
        return source.choice(dimension.candidates).value
    low, high = dimension.low, dimension.high
    if dimension.log:
        drawn = math.exp(source.uniform(math.log(low), math.log(high)))
    else:
        drawn = source.uniform(low, high)
    return min(int(high), max(int(low), round(drawn))) if dimension.whole else dimension.near(drawn)
