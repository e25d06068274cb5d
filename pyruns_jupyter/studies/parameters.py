"""The parameters of a study in Optuna: those of its search space, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.config.sweep.batch import Candidate
from pyruns_jupyter.core.config.sweep.searchspace import (
    Choices,
    SearchSpace,
    active_branch,
    branches,
)

from .samplers import Dimension

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution


class Parameters:
    """The parameters of a search space, by name: the dotted key, with its branch if a key has several ranges
    or choices. Optuna needs one distribution for each name, and learns each branch from its own trials.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.dimensions: dict[str, Dimension] = {
            branch.name: branch for one in space.ordered for branch in branches(one)
        }
        self.distributions = {name: distribution(one) for name, one in self.dimensions.items()}

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Suggest the values of a trial; return those of the keys whose conditions hold."""
        values: dict[str, Any] = {}
        effective: dict[str, Any] = {}
        for one in self.space.ordered:
            branch = active_branch(one, effective)
            if isinstance(branch, Candidate):
                effective[one.key] = branch.value
            else:
                param = _suggest(trial, branch.name, self.distributions[branch.name])
                values[one.key] = effective[one.key] = _value(branch, param)
        return {one.key: values[one.key] for one in self.space.dimensions if one.key in values}

    def params(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the parameters of Optuna for values of a configuration; None if these are not in the search
        space.
        """
        found: dict[str, Any] = {}
        effective: dict[str, Any] = {}
        for one in self.space.ordered:
            branch = active_branch(one, effective)
            if isinstance(branch, Candidate):
                effective[one.key] = branch.value
                continue
            param = _param(branch, values.get(one.key))
            if param is None:
                return None
            found[branch.name], effective[one.key] = param, values[one.key]
        return found

    def of(self, params: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        """Return the distributions of these parameters."""
        return {key: self.distributions[key] for key in params}


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


def _suggest(trial: optuna.Trial, key: str, kind: BaseDistribution) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(kind, CategoricalDistribution):
        return trial.suggest_categorical(key, kind.choices)
    if isinstance(kind, IntDistribution):
        return trial.suggest_int(key, kind.low, kind.high, log=kind.log)
    assert isinstance(kind, FloatDistribution)
    return trial.suggest_float(key, kind.low, kind.high, log=kind.log)


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
