"""Hyperparameter studies of a workspace.

The methods import slow modules when they need them, because most commands have no studies.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from pyruns_jupyter.core.common.errors import InvalidInput

from .queue import RunOptions, TaskOptions, named_options

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from pyruns_jupyter.core.metrics.expressions import Direction
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
    from pyruns_jupyter.studies.pruners import Pruner
    from pyruns_jupyter.studies.samplers import Sampler

    from .study import Studies, Study
    from .workspace import Tasks, Workspace


class Optimization(ABC):
    """The methods of `Workspace` for studies."""

    _folder: WorkspaceFolder

    @abstractmethod
    def _names(self, tasks: Tasks) -> list[str]:
        """Return the names of tasks that exist."""

    @property
    def studies(self) -> Studies:
        """The studies of the workspace by name, as in `ws.studies["search"]`."""
        from .study import Studies

        return Studies(cast("Workspace", self))

    def optimize(
        self,
        space: str,
        *,
        objective: str | Mapping[str, str],
        direction: str | None = None,
        constraints: str | Iterable[str] = (),
        n: int = 50,
        jobs: int = 1,
        name: str = "search",
        sampler: str = "tpe",
        n_startup_trials: int | None = None,
        seed: int | None = None,
        prune: str = "",
        min_resource: int | None = None,
        max_resource: int | None = None,
        reduction_factor: int | None = None,
        warm_start: str | Tasks = "",
        **options: Unpack[TaskOptions],
    ) -> Study:
        """Start a hyperparameter study in the background and return it.

        Each trial is a task, whose parameters Optuna chooses based on earlier results. Optuna must be
        installed (`pip install pyruns_jupyter[optimize]`).

        Args:
            space: the search space: YAML whose values are ranges and choices, such as `log(1e-5, 1e-1)`,
                `uniform(0, 1)`, `1:65` and `adam | sgd`. Missing keys get the default values of the script.
                `uniform(0, 1) if opt == sgd else 0.0` is a range that depends on another key.
            objective: the metric to optimize (its recorded value, or its last tracked value), or `min(loss)`.
                For several objectives, a mapping such as `{"acc": "maximize", "latency": "minimize"}`.
            direction: `maximize` (default) or `minimize`, for a single objective.
            constraints: constraints on metrics, such as `["latency <= 20"]`. A trial that violates one
                cannot be the best trial.
            n: the number of trials.
            jobs: the maximum number of parallel trials.
            name: the name of the study. Its tasks are named `NAME_01`, `NAME_02` and so on.
            sampler: the sampler: `tpe`, `random`, `cmaes` (CMA-ES), `gp` (Gaussian process), `nsga2`
                (NSGA-II), `qmc` (quasi-Monte Carlo) or `grid` (all configurations).
            n_startup_trials: the number of random trials before the sampler learns: by default 10 for `tpe`
                and `gp`, and 1 for `cmaes`. For `nsga2`, it is the size of the population, by default 50.
            seed: the seed of the sampler. By default, a random seed is used. The same seed and the same
                results produce the same configurations.
            prune: the pruner: `median` or `quartile` stops trials that are worse than the median or the best
                quartile of the other trials at the same step. `asha` (successive halving) and `hyperband` let
                one of `reduction_factor` trials continue after certain numbers of steps. By default, no trial
                is pruned.
            min_resource: for `asha` and `hyperband`, the number of steps before the first comparison. The
                default is 1.
            max_resource: for `hyperband`, the number of steps of a complete run.
            reduction_factor: for `asha` and `hyperband`. By default 4 and 3.
            warm_start: earlier tasks whose results the sampler learns from: a query, or tasks. Their
                configurations must be in the search space.
            options: the run options of each trial, which `run` describes.

        Raises:
            InvalidInput: if the search space or an argument is not valid. No study is started.
            Conflict: if the name is used by a study or a task.
            PyrunsError: if Optuna is not installed.
        """
        from pyruns_jupyter.engine.client.batch_options import parse_options
        from pyruns_jupyter.studies.definition import Definition
        from pyruns_jupyter.studies.objectives import Objective
        from pyruns_jupyter.studies.service import begin

        from .study import Study

        several = objective if isinstance(objective, Mapping) else {objective: direction or "maximize"}
        if isinstance(objective, Mapping) and direction is not None:
            raise InvalidInput("With several objectives, specify each direction.", field="direction")
        objectives = [Objective(metric, cast("Direction", goal)) for metric, goal in several.items()]
        if not objectives:
            raise InvalidInput("Specify at least one objective, such as val_acc.", field="objective")
        wanted = cast(RunOptions, {"resume": True, **options})
        definition = Definition(
            name=name,
            text=space,
            objective=objectives[0].metric,
            direction=objectives[0].direction,
            further_objectives=tuple(objectives[1:]),
            constraints=(constraints,) if isinstance(constraints, str) else tuple(constraints),
            n=n,
            jobs=jobs,
            sampler=cast("Sampler", sampler),
            seed=int.from_bytes(os.urandom(4), "big") if seed is None else seed,
            prune=cast("Pruner", prune),
            n_startup_trials=n_startup_trials,
            min_resource=min_resource,
            max_resource=max_resource,
            reduction_factor=reduction_factor,
            options=parse_options(self._folder, named_options(wanted)),
        )
        earlier = warm_start if isinstance(warm_start, str) else self._names(warm_start)
        begin(self._folder, definition, earlier)
        return Study(cast("Workspace", self), name)
