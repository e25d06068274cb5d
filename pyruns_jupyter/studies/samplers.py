"""The samplers of a study: their properties, the packages that they need, and how to create them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, get_args

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.config.sweep.searchspace import Choices, Interval

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

Sampler = Literal["tpe", "random", "cmaes", "gp", "nsga2", "qmc", "grid"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
MIN_CMAES_WARM_START = 10  # tasks: CMA-ES starts from the best tenth of them

_LATER_OPTUNA = 5  # the major version whose samplers read constraints of trials

Dimension = Interval | Choices


@dataclass(frozen=True)
class SamplerTraits:
    """What a sampler can do.

    Attributes:
        title: its name in messages.
        packages: what it needs in addition to Optuna: names of modules, which are also those of the packages.
        startup: the number of random trials before it learns, by default; None if it does not learn.
        min_startup: the least such number.
        several_objectives: whether it can optimize several objectives.
        warm_start: whether it uses the results of earlier tasks.
        replayed: whether it has a state, which follows from all its suggestions so far.
    """

    title: str
    packages: tuple[str, ...] = ()
    startup: int | None = None
    min_startup: int = 1
    several_objectives: bool = True
    warm_start: bool = False
    replayed: bool = False


TRAITS: Mapping[Sampler, SamplerTraits] = {
    "tpe": SamplerTraits("TPE", startup=10, warm_start=True),
    "random": SamplerTraits("random sampling"),
    "cmaes": SamplerTraits(
        "CMA-ES", ("cmaes",), startup=1, several_objectives=False, warm_start=True, replayed=True
    ),
    "gp": SamplerTraits("GP", ("torch", "scipy"), startup=10, warm_start=True),
    "nsga2": SamplerTraits("NSGA-II", startup=50, min_startup=2, replayed=True),
    "qmc": SamplerTraits("QMC", ("scipy",), replayed=True),
    "grid": SamplerTraits("grid search", warm_start=True),
}


class PackageMissing(Conflict):
    """A package that a study needs is not installed where studies are driven."""

    code = "unavailable"


class OptunaMissing(PackageMissing):
    """Optuna is not installed where studies are driven."""

    def __init__(self) -> None:
        super().__init__(
            "Optuna is not installed. To install it, run pip install 'pyruns_jupyter[optimize]'."
        )


def is_available() -> bool:
    """Return whether Optuna is installed, without importing it."""
    return find_spec("optuna") is not None


def check_packages(sampler: Sampler, *, constrained: bool = False, several: bool = False) -> None:
    """Check that Optuna and the packages of a sampler are installed, without importing them.

    Raises:
        OptunaMissing, PackageMissing: when one is missing, or too old for constraints, or for several
            objectives.
    """
    if not is_available():
        raise OptunaMissing
    traits = TRAITS[sampler]
    missing = [name for name in traits.packages if find_spec(name) is None]
    if missing:
        raise PackageMissing(
            f"The sampler {sampler} needs {' and '.join(missing)}. To install, run "
            f"pip install {' '.join(missing)}."
        )
    needs_later = constrained or (several and sampler == "gp")
    if needs_later and _optuna_version() < _LATER_OPTUNA:
        what = "Constraints need" if constrained else "The sampler gp with several objectives needs"
        raise PackageMissing(
            f"{what} Optuna {_LATER_OPTUNA} or later. To update it, run pip install -U optuna."
        )


def _optuna_version() -> int:
    try:
        return int(version("optuna").split(".")[0])
    except (PackageNotFoundError, ValueError):
        return _LATER_OPTUNA  # installed in another way: unknown


class ReadableSampler:
    """Makes the sampler of each trial of a study.

    Each suggestion has its own random state (`_seed_of`), so it depends only on the seed, its number and the
    trials that were known then, not on the process. `startup` is the number of random trials, `earlier` are
    the trials of a warm start.
    """

    def __init__(
        self,
        sampler: Sampler,
        seed: int,
        startup: int | None,
        dimensions: Mapping[str, Dimension],
        *,
        is_parallel: bool = False,
        earlier: list[optuna.trial.FrozenTrial] | None = None,
    ) -> None:
        self._sampler = sampler
        self._seed = seed
        self._startup = startup
        self._dimensions = dimensions
        self._is_parallel = is_parallel
        self._earlier = [self._numeric(trial) for trial in earlier or ()] or None

    def of_trial(self, number: int, params: Mapping[str, Any] | None = None) -> optuna.samplers.BaseSampler:
        """Return the sampler of a trial, which rounds continuous values so that they are readable.

        They are rounded when they are drawn, so Optuna has the same values as the configuration, in this
        process and in one that reads it again. With `params`, it returns these, but its state changes as if
        it had drawn them.
        """
        import optuna

        base, dimensions = self._base(_seed_of(self._seed, number)), self._dimensions

        def near(key: str, drawn: Any) -> Any:
            if params is not None and key in params:
                return params[key]
            dimension = dimensions[key]
            return drawn if isinstance(dimension, Choices) else dimension.near(drawn)

        class Readable(optuna.samplers.BaseSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
                found = base.infer_relative_search_space(study, trial)
                # Conditional parameters are independent also as long as all trials have them.
                return {key: kind for key, kind in found.items() if not dimensions[key].is_conditional}

            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                drawn = base.sample_relative(study, trial, search_space)
                return {key: near(key, value) for key, value in drawn.items()}

            def sample_independent(
                self, study: Any, trial: Any, param_name: str, param_distribution: Any
            ) -> Any:
                drawn = base.sample_independent(study, trial, param_name, param_distribution)
                return near(param_name, drawn)

        return Readable()

    def _numeric(self, trial: optuna.trial.FrozenTrial) -> optuna.trial.FrozenTrial:
        """Return a completed trial with only those parameters that CMA-ES optimizes."""
        import optuna

        keys = [key for key, one in self._dimensions.items() if is_numeric(one) and not one.is_conditional]
        return optuna.trial.create_trial(
            values=trial.values,
            params={key: trial.params[key] for key in keys},
            distributions={key: trial.distributions[key] for key in keys},
        )

    def _base(self, seed: int) -> optuna.samplers.BaseSampler:
        from optuna import exceptions, samplers

        startup = 0 if self._startup is None else self._startup
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exceptions.ExperimentalWarning)
            if self._sampler == "random":
                return samplers.RandomSampler(seed=seed)
            if self._sampler == "cmaes":
                return samplers.CmaEsSampler(
                    seed=seed,
                    n_startup_trials=startup,
                    warn_independent_sampling=False,
                    source_trials=self._earlier,
                )
            if self._sampler == "gp":
                return samplers.GPSampler(
                    seed=seed, n_startup_trials=startup, warn_independent_sampling=False
                )
            if self._sampler == "nsga2":
                return samplers.NSGAIISampler(seed=seed, population_size=startup)
            if self._sampler == "qmc":
                return samplers.QMCSampler(  # one sequence for all trials, so one seed
                    seed=self._seed,
                    scramble=True,
                    independent_sampler=samplers.RandomSampler(seed=seed),
                    warn_independent_sampling=False,
                )
            if self._sampler == "grid":
                return samplers.BruteForceSampler(seed=seed)  # which knows conditional parameters
            return samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=self._is_parallel)


def is_numeric(dimension: Dimension) -> bool:
    """Return whether the values of a dimension are numbers in order."""
    return dimension.ordered if isinstance(dimension, Choices) else True


def _seed_of(seed: int, number: int) -> int:
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
