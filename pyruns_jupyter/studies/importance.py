"""The importance of the parameters of a study, by fANOVA."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace

from .definition import Definition
from .optimizer import study_copy
from .samplers import PackageMissing, check_packages
from .trials import COMPLETE, Trial

MIN_TRIALS = 4  # completed ones; with fewer, the trees have nothing to split
MAX_TRIALS = 2000  # the latest ones, so that the computation takes seconds
_SEED = 0  # the same trials have the same importances


def parameter_importance(
    definition: Definition, trials: Iterable[Trial], objective: int = 0
) -> dict[str, float]:
    """Return the importance of each parameter for an objective (an index), the most important one first.

    They add up to 1. Parameters with a condition are left out. Empty with fewer than `MIN_TRIALS` completed
    trials, or if these do not differ in a parameter or in the objective.

    Raises:
        InvalidInput: with field `objective`, when the study does not have this objective.
        PackageMissing: when Optuna or scikit-learn is not installed.
    """
    if not 0 <= objective < len(definition.objectives):
        raise InvalidInput(
            f"The study has {len(definition.objectives)} objectives. Specify an index from 0 to "
            f"{len(definition.objectives) - 1}.",
            field="objective",
        )
    check_packages("random")
    if find_spec("sklearn") is None:
        raise PackageMissing(
            "Parameter importance needs scikit-learn. To install it, run pip install scikit-learn."
        )
    space = SearchSpace.parse(definition.text)
    always = [one.key for one in space.dimensions if one.condition is None]
    complete = [trial for trial in trials if trial.state == COMPLETE][-MAX_TRIALS:]
    varied = [key for key in always if len({repr(trial.values.get(key)) for trial in complete}) > 1]
    has_variance = len({trial.objective_values[objective] for trial in complete}) > 1
    if len(complete) < MIN_TRIALS or not varied or not has_variance:
        return {}
    if len(varied) == 1:
        return {varied[0]: 1.0}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    found = get_param_importances(
        study_copy(replace(definition, warm_start=()), space, complete),
        evaluator=FanovaImportanceEvaluator(seed=_SEED),
        params=varied,
        target=lambda trial: float(trial.values[objective]),
    )
    return {key: float(value) for key, value in found.items()}
