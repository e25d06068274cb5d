"""A study in Optuna: suggesting and pruning trials.

Everything is in memory and rebuilt from the trials on disk. Each suggestion has its own random state
(`_seed_of`), so it depends only on the seed, its number and the trials that were known then, not on the
process.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.config.sweep.searchspace import Choices, Interval, SearchSpace

from .definition import Definition
from .trials import COMPLETE, FAIL, OPEN, PRUNED, Trial

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

_STARTUP_TRIALS = 10  # random ones, before the sampler learns from them
_TRIALS_BEFORE_PRUNING = 5  # which have to complete
_BEST_PERCENT = {"median": 50.0, "quartile": 25.0}
Dimension = Interval | Choices
Curve = Sequence[float | None]


class OptunaMissing(Conflict):
    """Optuna is not installed where studies are driven."""

    code = "unavailable"

    def __init__(self) -> None:
        super().__init__(
            "Optuna is not installed. To install it, run pip install 'pyruns_jupyter[optimize]'."
        )


def is_available() -> bool:
    """Return whether Optuna is installed, without importing it."""
    return find_spec("optuna") is not None


class Optimizer:
    """Suggests trials, and learns from their results. Numbers of trials count from 1."""

    def __init__(
        self,
        definition: Definition,
        space: SearchSpace,
        trials: Iterable[Trial] = (),
        curve: Callable[[Trial], Curve] = lambda _: (),
    ) -> None:
        """Start with existing trials; `curve` returns the values of the objective that each tracked.

        Raises:
            OptunaMissing: when it is not installed.
        """
        self._definition = definition
        self._dimensions = {dimension.key: dimension for dimension in space.dimensions}
        self._distributions = {key: distribution(one) for key, one in self._dimensions.items()}
        self._handles: dict[int, int] = {}  # number of a trial -> its number in Optuna
        self.study = _new_study(definition)
        for trial in sorted(trials, key=lambda one: one.number):
            self._add(trial, curve(trial))

    def ask(self, number: int) -> dict[str, Any]:
        """Return the values of trial `number`, by dotted key."""
        self.study.sampler = _sampler(self._definition, number, self._dimensions)
        asked = self.study.ask(self._distributions)
        self._handles[number] = asked.number
        return {key: _value(one, asked.params[key]) for key, one in self._dimensions.items()}

    def report(self, number: int, value: float, step: int) -> None:
        """Report the value of an open trial at a step (from 1)."""
        self._trial(number).report(value, step)

    def should_prune(self, number: int) -> bool:
        """Return whether an open trial is unpromising."""
        return bool(self._definition.prune) and self._trial(number).should_prune()

    def tell(self, trial: Trial) -> None:
        """Report the end of a trial."""
        import optuna

        state = state_of(trial)
        if trial.number in self._handles:
            value = trial.value if state is optuna.trial.TrialState.COMPLETE else None
            self.study.tell(self._handles.pop(trial.number), value, state=state)

    def _trial(self, number: int) -> optuna.Trial:
        import optuna

        return optuna.Trial(self.study, self._handles[number])  # what `ask` returned, or would have

    def _add(self, trial: Trial, curve: Curve) -> None:
        import optuna

        params: dict[str, Any] = {}
        for key, one in self._dimensions.items():
            param = _param(one, trial.values.get(key))
            if param is None:
                return  # its values are not in this search space any more
            params[key] = param
        points = {step: value for step, value in enumerate(curve[: trial.pruned], 1) if value is not None}
        value = points[max(points)] if trial.state == PRUNED and points else trial.value
        self.study.add_trial(
            optuna.trial.create_trial(
                state=state_of(trial),
                params=params,
                distributions=self._distributions,
                value=value if trial.state == COMPLETE or (trial.state == PRUNED and points) else None,
                intermediate_values=points,
            )
        )
        if trial.is_open:
            self._handles[trial.number] = len(self.study.get_trials(deepcopy=False)) - 1


def distribution(dimension: Dimension) -> BaseDistribution:
    """Return a dimension for Optuna: the numbers of an interval, the indices of ordered values (from 0), or
    values as YAML texts, which distinguish 1, true and "1".
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choices):
        if dimension.ordered:
            return IntDistribution(0, len(dimension.candidates) - 1)
        return CategoricalDistribution([one.text for one in dimension.candidates])
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _value(dimension: Dimension, param: Any) -> object:
    """Return the value in a configuration for a parameter of Optuna."""
    if not isinstance(dimension, Choices):
        return param
    if dimension.ordered:
        return dimension.candidates[param].value
    return next(one.value for one in dimension.candidates if one.text == param)


def _param(dimension: Dimension, value: object) -> Any:
    """Return the parameter of Optuna for a value, None if it is not in the dimension."""
    if isinstance(dimension, Choices):
        at = dimension.index(value)
        return at if at is None or dimension.ordered else dimension.candidates[at].text
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if dimension.low <= value <= dimension.high else None


def _seed_of(seed: int, number: int) -> int:
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def state_of(trial: Trial) -> optuna.trial.TrialState:
    """Return the state of a trial for Optuna."""
    from optuna.trial import TrialState

    return {
        OPEN: TrialState.RUNNING,
        COMPLETE: TrialState.COMPLETE,
        PRUNED: TrialState.PRUNED,
        FAIL: TrialState.FAIL,
    }[trial.state]


def _new_study(definition: Definition) -> optuna.Study:
    if not is_available():
        raise OptunaMissing
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the driver logs the trials itself
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    if definition.prune:
        pruner = optuna.pruners.PercentilePruner(
            _BEST_PERCENT[definition.prune], n_startup_trials=_TRIALS_BEFORE_PRUNING
        )
    direction = optuna.study.StudyDirection[definition.direction.upper()]
    return optuna.create_study(study_name=definition.name, direction=direction, pruner=pruner)


def _sampler(
    definition: Definition, number: int, dimensions: Mapping[str, Dimension]
) -> optuna.samplers.BaseSampler:
    """Return a sampler for one trial, which rounds continuous values so that they are readable.

    They are rounded when they are drawn, so Optuna has the same values as the configuration, in this process
    and in one that reads it again.
    """
    import optuna

    seed = _seed_of(definition.seed, number)
    base: optuna.samplers.BaseSampler
    if definition.sampler == "random":
        base = optuna.samplers.RandomSampler(seed=seed)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            base = optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=_STARTUP_TRIALS, constant_liar=definition.jobs > 1
            )

    class Readable(optuna.samplers.BaseSampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
            return base.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            drawn = base.sample_relative(study, trial, search_space)
            return {key: _near(dimensions[key], value) for key, value in drawn.items()}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            drawn = base.sample_independent(study, trial, param_name, param_distribution)
            return _near(dimensions[param_name], drawn)

    return Readable()


def _near(dimension: Dimension, drawn: Any) -> Any:
    return drawn if isinstance(dimension, Choices) else dimension.near(drawn)
