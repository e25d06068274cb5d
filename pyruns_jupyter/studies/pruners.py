"""The pruners of a study, which stop unpromising trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import optuna

Pruner = Literal["", "median", "quartile", "asha", "hyperband"]
PRUNERS: tuple[Pruner, ...] = get_args(Pruner)
HALVING: tuple[Pruner, ...] = ("asha", "hyperband")  # that compare trials after certain numbers of values
DEFAULT_FACTORS: Mapping[Pruner, int] = {"asha": 4, "hyperband": 3}  # those of Optuna

_TRIALS_BEFORE_PRUNING = 5  # which have to complete
_BEST_PERCENT: Mapping[Pruner, float] = {"median": 50.0, "quartile": 25.0}


def optuna_pruner(
    prune: Pruner, *, min_resource: int, max_resource: int, factor: int, earlier: int
) -> optuna.pruners.BasePruner:
    """Return a pruner of Optuna; `earlier` is the number of trials of a warm start, which have no curves."""
    from optuna import pruners

    if prune == "asha":
        return pruners.SuccessiveHalvingPruner(min_resource=min_resource, reduction_factor=factor)
    if prune == "hyperband":
        return pruners.HyperbandPruner(
            min_resource=min_resource, max_resource=max_resource, reduction_factor=factor
        )
    if prune:
        return pruners.PercentilePruner(
            _BEST_PERCENT[prune], n_startup_trials=_TRIALS_BEFORE_PRUNING + earlier
        )
    return pruners.NopPruner()


def reason(prune: Pruner, factor: int, study: str) -> str:
    """Return why a trial was pruned, as the end of a sentence."""
    if prune in HALVING:
        return f"it is not among the best 1/{factor} of the trials of {study} at this step"
    limit = "median" if prune == "median" else "top quartile"
    return f"its best value so far is worse than the {limit} of the trials of {study} at this step"
