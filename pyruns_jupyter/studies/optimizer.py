"""A study in Optuna: suggesting and pruning trials.

Everything is in memory and rebuilt from the trials on disk. A sampler with a state (`SamplerTraits.replayed`)
gets it back by asking again for all trials in the same order, with what was known at the time of each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace

from .definition import Definition, EarlierTask
from .parameters import Parameters
from .pruners import HALVING, optuna_pruner
from .samplers import TRAITS, ReadableSampler, check_packages
from .trials import COMPLETE, FAIL, OPEN, PRUNED, Trial

if TYPE_CHECKING:
    import optuna

Curve = Sequence[float | None]
CurveOf = Callable[[Trial], Curve]


class Exhausted(Exception):
    """All configurations of a grid have been tried or are being tried."""


class Optimizer:
    """Suggests trials, and learns from their results. Numbers of trials count from 1."""

    def __init__(
        self,
        definition: Definition,
        space: SearchSpace,
        trials: Iterable[Trial] = (),
        curve: CurveOf = lambda _: (),
        beside: Callable[[Trial], Collection[int]] = lambda _: (),
    ) -> None:
        """Start with existing trials.

        Args:
            definition: the study.
            space: its search space.
            trials: the trials that exist.
            curve: returns the values of the objective that a trial tracked.
            beside: returns the numbers of the earlier trials that were open when a trial was created.

        Raises:
            PackageMissing: when Optuna, or a package that the sampler needs, is not installed.
        """
        definition.check_packages()
        self._definition = definition
        self._parameters = Parameters(space)
        self._open: dict[int, optuna.Trial] = {}
        self._unpromising: dict[int, int] = {}  # open trials of halving, by the step that decided
        self._tried: set[object] = set()
        self._is_exhausted = False
        self.study = new_study(definition)
        earlier = add_earlier(self.study, definition.warm_start, self._parameters, definition.constraints)
        self._samplers = ReadableSampler(
            definition.sampler,
            definition.seed,
            definition.startup_trials,
            self._parameters.dimensions,
            is_parallel=definition.jobs > 1,
            earlier=earlier if definition.sampler == "cmaes" else None,
        )
        self._note_tried(one.params for one in earlier)
        self._restore(sorted(trials, key=lambda one: one.number), curve, beside)

    def ask(self, number: int) -> dict[str, Any]:
        """Return the values of trial `number`, by dotted key; those whose conditions do not hold are missing.

        Raises:
            Exhausted: when the sampler is a grid and all configurations are known.
        """
        if self._is_exhausted:
            raise Exhausted
        self.study.sampler = self._samplers.of_trial(number)
        asked = self.study.ask()
        values = self._parameters.suggest(asked)
        if self._definition.sampler == "grid" and not self._note_tried([asked.params]):
            self._is_exhausted = True
            self.study.tell(asked, state=_states()[FAIL])
            raise Exhausted
        self._open[number] = asked
        return values

    def report(self, trial: Trial, points: Mapping[int, float]) -> int | None:
        """Report values by step (from 1) of a trial whose end was not reported.

        Return the step after which it is unpromising, None if it is promising. The values of an open trial
        after this step are left out, as they are once it is pruned.
        """
        asked = self._open.get(trial.number)
        if asked is None or self._definition.further_objectives:
            return None  # Optuna takes values by step of a single objective only
        if trial.is_open and trial.number in self._unpromising:
            return self._unpromising[trial.number]
        is_halving = self._definition.prune in HALVING  # which compares the values at certain steps
        for step in sorted(points):
            asked.report(points[step], step)
            if is_halving and asked.should_prune() and trial.is_open:
                self._unpromising[trial.number] = step  # Optuna says so once
                return step
        if points and self._definition.prune and not is_halving and asked.should_prune():
            return max(points)
        return None

    def tell(self, trial: Trial) -> None:
        """Report the end of a trial."""
        asked = self._open.pop(trial.number, None)
        self._unpromising.pop(trial.number, None)
        if asked is None:
            return
        for text, violation in constraints_of(self._definition.constraints, trial).items():
            asked.set_constraint(text, violation)
        self.study.tell(asked, list(complete_values(trial)) or None, state=state_of(trial))

    def _note_tried(self, all_params: Iterable[Mapping[str, Any]]) -> bool:
        """Note that these parameters were tried; return whether none had been."""
        before = len(self._tried)
        marks = [tuple(sorted((key, repr(value)) for key, value in params.items())) for params in all_params]
        self._tried.update(marks)
        return len(self._tried) == before + len(marks)

    def _restore(
        self, trials: Sequence[Trial], curve: CurveOf, beside: Callable[[Trial], Collection[int]]
    ) -> None:
        is_replayed = TRAITS[self._definition.sampler].replayed
        is_halving = self._definition.prune in HALVING
        ended: list[Trial] = []  # which Optuna does not know yet
        for trial in trials:
            params = self._parameters.params(trial.values)
            if params is None:
                continue  # its values are not in this search space any more
            self._note_tried([params])
            points = {} if self._definition.further_objectives else points_of(trial, curve(trial))
            if not is_replayed and not is_halving and not trial.is_open:
                self.study.add_trial(frozen_trial(trial, params, points, self._definition, self._parameters))
                continue
            if is_replayed:
                still_open = beside(trial)
                for one in [one for one in ended if one.number not in still_open]:
                    self.tell(one)
                    ended.remove(one)
                self.study.sampler = self._samplers.of_trial(trial.number, params)
                asked = self.study.ask()
                self._parameters.suggest(asked)
            else:
                asked = self._add_open(params)
            self._open[trial.number] = asked
            # A trial that went on after a comparison was good enough then, so only the last one may be open.
            compared = self._last_comparison(points)
            for step, value in points.items():
                asked.report(value, step)
                # It also notes the value for the comparison with others.
                if is_halving and asked.should_prune() and trial.is_open and step >= compared:
                    self._unpromising[trial.number] = step
                    break
            if not trial.is_open:
                ended.append(trial)
        for trial in ended:
            self.tell(trial)

    def _last_comparison(self, points: Mapping[int, float]) -> int:
        """Return the last step at which halving compares a trial with these points."""
        step, factor = self._definition.halving
        while points and step * factor <= max(points):
            step *= factor
        return step

    def _add_open(self, params: Mapping[str, Any]) -> optuna.Trial:
        """Add a running trial with these parameters."""
        import optuna

        self.study.add_trial(
            optuna.trial.create_trial(
                state=_states()[OPEN], params=dict(params), distributions=self._parameters.of(params)
            )
        )
        self.study.sampler = optuna.samplers.RandomSampler(seed=0)  # Optuna 4 asks it for nothing
        return optuna.Trial(self.study, len(self.study.get_trials(deepcopy=False)) - 1)


def new_study(definition: Definition) -> optuna.Study:
    """Return an empty study of Optuna in memory."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the driver logs the trials itself
    min_resource, factor = definition.halving
    pruner = optuna_pruner(
        definition.prune,
        min_resource=min_resource,
        max_resource=definition.max_resource or min_resource,
        factor=factor,
        earlier=len(definition.warm_start),
    )
    study = optuna.create_study(
        study_name=definition.name,
        directions=[one.direction for one in definition.objectives],
        pruner=pruner,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    if definition.prune == "hyperband":
        # Its brackets, by which it selects the trials that a sampler knows, exist from its first decision on.
        pruner.prune(study, optuna.trial.create_trial(state=_states()[OPEN]))
    return study


def study_copy(
    definition: Definition, space: SearchSpace, trials: Iterable[Trial], curve: CurveOf = lambda _: ()
) -> optuna.Study:
    """Return the trials of a study, and those of its warm start, as a study of Optuna in memory.

    Raises:
        PackageMissing: when Optuna is not installed, or too old for constraints.
    """
    check_packages("random", constrained=bool(definition.constraints))
    study, parameters = new_study(definition), Parameters(space)
    add_earlier(study, definition.warm_start, parameters, definition.constraints)
    for trial in sorted(trials, key=lambda one: one.number):
        params = parameters.params(trial.values)
        if params is not None:
            points = points_of(trial, curve(trial))
            study.add_trial(frozen_trial(trial, params, points, definition, parameters))
    return study


def add_earlier(
    study: optuna.Study, tasks: Iterable[EarlierTask], parameters: Parameters, constraints: Sequence[str]
) -> list[optuna.trial.FrozenTrial]:
    """Add the tasks of a warm start to a study as completed trials, and return these."""
    import optuna

    added = []
    for task in tasks:
        params = parameters.params(task.values)
        if params is not None:
            trial = optuna.trial.create_trial(
                values=list(task.objective_values),
                params=params,
                distributions=parameters.of(params),
                user_attrs={"task": task.task},
                **_constraints(dict(zip(constraints, task.constraint_values, strict=False))),
            )
            study.add_trial(trial)
            added.append(trial)
    return added


def frozen_trial(
    trial: Trial,
    params: Mapping[str, Any],
    points: Mapping[int, float],
    definition: Definition,
    parameters: Parameters,
) -> optuna.trial.FrozenTrial:
    """Return a trial with these parameters and values by step for a study of Optuna."""
    import optuna

    values = list(complete_values(trial))
    if trial.state == PRUNED and points and not definition.further_objectives:
        values = [points[max(points)]]
    return optuna.trial.create_trial(
        state=state_of(trial),
        params=dict(params),
        distributions=parameters.of(params),
        values=values or None,
        intermediate_values=dict(points),
        **_constraints(constraints_of(definition.constraints, trial)),
    )


def complete_values(trial: Trial) -> tuple[float, ...]:
    """Return the values of the objectives of a completed trial, none of others."""
    return tuple(one for one in trial.objective_values if one is not None) if trial.state == COMPLETE else ()


def constraints_of(texts: Sequence[str], trial: Trial) -> dict[str, float]:
    """Return by how much an ended trial violates the constraints; none while one is not known."""
    values = trial.constraint_values
    if trial.is_open or len(values) != len(texts) or None in values:
        return {}
    return {text: value for text, value in zip(texts, values, strict=True) if value is not None}


def _constraints(violations: Mapping[str, float]) -> dict[str, Any]:
    """Return the argument of Optuna for constraints, which older versions do not have."""
    return {"constraints": dict(violations)} if violations else {}


def points_of(trial: Trial, values: Curve) -> dict[int, float]:
    """Return the values of a curve by step, up to the one at which the trial was pruned."""
    return {step: value for step, value in enumerate(values[: trial.pruned], 1) if value is not None}


def state_of(trial: Trial) -> optuna.trial.TrialState:
    """Return the state of a trial for Optuna."""
    return _states()[trial.state]


def _states() -> dict[str, optuna.trial.TrialState]:
    from optuna.trial import TrialState

    return {
        OPEN: TrialState.RUNNING,
        COMPLETE: TrialState.COMPLETE,
        PRUNED: TrialState.PRUNED,
        FAIL: TrialState.FAIL,
    }
