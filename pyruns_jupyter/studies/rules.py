"""Checks that the options of a study fit together; options without an effect are refused."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace, branches

from .pruners import HALVING
from .samplers import MIN_CMAES_WARM_START, SAMPLERS, TRAITS, is_numeric

if TYPE_CHECKING:
    from .definition import Definition

_MAX_GRID_VALUES = 10_000  # of one dimension


def check_sampler(definition: Definition) -> None:
    """Check the options of the sampler.

    Raises:
        InvalidInput: with the field that does not fit.
    """
    name, traits = definition.sampler, TRAITS[definition.sampler]
    startup = definition.n_startup_trials
    if startup is not None and traits.startup is None:
        learning = ", ".join(one for one in SAMPLERS if TRAITS[one].startup is not None)
        raise InvalidInput(
            f"n_startup_trials has no effect with the sampler {name}. Remove it, or use the sampler "
            f"{learning}.",
            field="n_startup_trials",
        )
    if startup is not None and startup < traits.min_startup:
        raise InvalidInput(
            f"n_startup_trials must be at least {traits.min_startup} with the sampler {name}.",
            field="n_startup_trials",
        )
    if definition.further_objectives and not traits.several_objectives:
        raise InvalidInput(
            f"{name} optimizes a single objective. For several objectives, choose nsga2, tpe or gp.",
            field="sampler",
        )
    if definition.warm_start and not traits.warm_start:
        raise InvalidInput(
            f"warm_start has no effect with the sampler {name}. Remove it, or use the sampler tpe, cmaes, gp "
            "or grid.",
            field="warm_start",
        )
    if name == "cmaes" and 0 < len(definition.warm_start) < MIN_CMAES_WARM_START:
        raise InvalidInput(
            f"The warm start has {len(definition.warm_start)} tasks, but the sampler cmaes needs at least "
            f"{MIN_CMAES_WARM_START}.",
            field="warm_start",
        )


def check_pruner(definition: Definition) -> None:
    """Check the options of the pruner.

    Raises:
        InvalidInput: with the field that does not fit.
    """
    prune = definition.prune
    if prune and definition.further_objectives:
        raise InvalidInput(
            "Trials of a study with several objectives cannot be pruned. Remove the pruner, or make some "
            "objectives constraints.",
            field="prune",
        )
    users = {"min_resource": HALVING, "reduction_factor": HALVING, "max_resource": ("hyperband",)}
    for field, pruners in users.items():
        if getattr(definition, field) is not None and prune not in pruners:
            raise InvalidInput(
                f"{field} has no effect without the pruner {' or '.join(pruners)}.", field=field
            )
    if prune != "hyperband":
        return
    if definition.max_resource is None:
        raise InvalidInput(
            "The pruner hyperband needs max_resource, the number of values of the objective that a complete "
            "run tracks, such as its number of epochs.",
            field="max_resource",
        )
    if definition.max_resource <= definition.halving[0]:
        raise InvalidInput("max_resource must be greater than min_resource.", field="max_resource")


def check_dimensions(definition: Definition, space: SearchSpace) -> None:
    """Check that the sampler can use a search space, and that this has enough configurations.

    Raises:
        InvalidInput: with the field that does not fit.
    """
    if definition.sampler == "grid":
        for one in chain.from_iterable(map(branches, space.dimensions)):
            size = one.size
            if size is None:
                raise InvalidInput(
                    f"The sampler grid cannot try all values of {one.key}. Use a range with a count, such as "
                    "log(1e-4, 1e-1, 10).",
                    field=one.key,
                    line=one.line,
                    column=one.column,
                )
            if size > _MAX_GRID_VALUES:
                raise InvalidInput(
                    f"The sampler grid can try at most {_MAX_GRID_VALUES:,} values of {one.key}, but it has "
                    f"{size:,}.",
                    field=one.key,
                    line=one.line,
                    column=one.column,
                )
        return  # it ends after the last configuration
    if definition.sampler == "cmaes" and _count_numeric(space) < 2:
        raise InvalidInput(
            "The sampler cmaes needs at least two numeric parameters without a condition. Choose tpe.",
            field="sampler",
        )
    if space.size is not None and space.size < definition.n:
        is_bound = any(one.is_conditional for one in space.dimensions)
        raise InvalidInput(
            f"The search space has at most {space.size:,} configurations, fewer than {definition.n:,} "
            "trials. Reduce the number of trials, or create a sweep that runs each configuration once."
            if is_bound
            else f"The search space has only {space.size:,} configurations, fewer than {definition.n:,} "
            "trials. Reduce the number of trials, or create a sweep that runs each configuration once.",
            field="n",
        )


def _count_numeric(space: SearchSpace) -> int:
    """Return how many dimensions CMA-ES optimizes; it draws the values of others at random."""
    return sum(is_numeric(one) and not one.is_conditional for one in space.dimensions)
