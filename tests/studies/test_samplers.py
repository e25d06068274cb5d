"""The samplers of studies with real Optuna: a driver that starts again suggests the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest

from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.studies.definition import Definition, EarlierTask
from pyruns_jupyter.studies.importance import parameter_importance
from pyruns_jupyter.studies.objectives import Objective
from pyruns_jupyter.studies.optimizer import Exhausted, Optimizer, study_copy
from pyruns_jupyter.studies.samplers import TRAITS, Sampler
from pyruns_jupyter.studies.trials import Trial, best_of, pareto_trials

SPACE = """\
lr: log(1e-5, 1e-1)
layers: 1:9
opt: adam | sgd
momentum: uniform(0, 0.99) if opt == sgd else 0.0
decay: log(1e-5, 1e-3) if opt == adam else uniform(0, 1)
batch: 16 | 32 | 64 | 128
"""
GRID = """\
layers: 1:3
opt: adam | sgd | lamb
momentum: 0.5 | 0.9 if opt == sgd else 0.1 | 0.2 if opt == lamb else 0
"""
EACH = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            not all(map(find_spec, traits.packages)), reason=f"{name} needs {' and '.join(traits.packages)}"
        ),
    )
    for name, traits in TRAITS.items()
]


def results(values: Mapping[str, Any]) -> tuple[float, float]:
    lr = float(values.get("lr", 1e-3))
    momentum = float(values.get("momentum", 0.0))
    acc = -((math.log10(lr) + 3) ** 2) - (values["layers"] - 4) ** 2 / 10 - (momentum - 0.9) ** 2
    return acc, float(values["layers"]) + momentum


class Simulation:
    """A study whose trials end two asks after they were created, every seventh one with a failure."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.space = SearchSpace.parse(definition.text)
        self.trials: dict[int, Trial] = {}
        self.beside: dict[int, list[int]] = {}
        self.optimizer = self.restarted()

    def restarted(self) -> Optimizer:
        """An optimizer that knows only what is on disk."""
        return Optimizer(
            self.definition,
            self.space,
            list(self.trials.values()),
            self.curve,
            lambda trial: self.beside[trial.number],
        )

    def curve(self, trial: Trial) -> list[float]:
        if not self.definition.prune or trial.is_open:
            return []
        return self.tracked(trial)

    def tracked(self, trial: Trial) -> list[float]:
        return [results(trial.values)[0] * (1 + 1 / step) for step in range(1, 10)][: trial.pruned]

    def step(self) -> dict[str, Any]:
        """Create the next trial."""
        number = len(self.trials) + 1
        values = self.optimizer.ask(number)
        self.beside[number] = [one.number for one in self.trials.values() if one.is_open]
        self.trials[number] = Trial(number, f"s_{number}", values, "open", "running")
        return values

    def end(self, number: int) -> None:
        """End a trial, if it exists."""
        if number not in self.trials:
            return
        trial = self.trials[number]
        points = dict(enumerate(self.tracked(trial), 1))
        step = None
        if self.definition.prune:
            again = self.restarted().report(trial, points)
            step = self.optimizer.report(trial, points)
            assert step == again, f"trial {number}"
        if step is not None:
            ended = replace(trial, state="pruned", status="cancelled", pruned=step)
        elif number % 7 == 0:
            ended = replace(trial, state="failed", status="failed")
        else:
            acc, cost = results(trial.values)
            values = (acc, cost)[: len(self.definition.objectives)]
            violations = (cost - 6.0,) if self.definition.constraints else ()
            ended = replace(
                trial,
                state="complete",
                status="completed",
                objective_values=values,
                constraint_values=violations,
            )
        self.trials[number] = ended
        self.optimizer.tell(ended)


def check_restarts(definition: Definition, count: int) -> Simulation:
    study = Simulation(definition)
    for number in range(1, count + 1):
        if number > 2:
            study.end(number - 2)
        again = study.restarted() if number % 3 == 1 else None  # which takes most of the time
        values = study.step()
        assert again is None or again.ask(number) == values, f"trial {number}"
        if number == 20:  # the others have gone on since the first trial
            study.optimizer = study.restarted()
    return study


@pytest.mark.parametrize("sampler", EACH)
@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_restart_suggests_the_same(sampler: Sampler, several: bool) -> None:
    if several and not TRAITS[sampler].several_objectives:
        pytest.skip("only one objective")
    startup = None if TRAITS[sampler].startup is None else 6
    definition = Definition(
        "s",
        GRID if sampler == "grid" else SPACE,
        "acc",
        n=30,
        jobs=2,
        sampler=sampler,
        seed=3,
        n_startup_trials=startup,
        further_objectives=(Objective("cost", "minimize"),) if several else (),
        constraints=("cost <= 6",),
    ).check()
    study = check_restarts(definition, 9 if sampler == "grid" else 13 if sampler == "gp" else 26)
    values = [repr(trial.values) for trial in study.trials.values()]
    assert len(set(values)) == len(values)  # nothing is tried twice
    assert all(study.space.values_in(one.values) == one.values for one in study.trials.values())
    trials = list(study.trials.values())
    copy = study_copy(definition, study.space, trials)
    assert len(copy.trials) == len(trials)
    front = pareto_trials(trials, definition)
    assert front and all(one.is_feasible for one in front)
    if several:
        assert best_of(trials, definition) is None
        mine = sorted(list(one.objective_values) for one in front)
        assert mine == sorted(one.values for one in copy.best_trials)
    else:
        best = best_of(trials, definition)
        assert best is not None and best.value == copy.best_value


@pytest.mark.parametrize("prune", ["asha", "hyperband"])
@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsga2"])
def test_a_restart_with_halving_suggests_the_same(sampler: Sampler, prune: Any) -> None:
    definition = Definition(
        "s",
        SPACE,
        "acc",
        n=40,
        jobs=2,
        sampler=sampler,
        seed=5,
        n_startup_trials=4,
        prune=prune,
        max_resource=9 if prune == "hyperband" else None,
    ).check()
    study = check_restarts(definition, 30)
    pruned = [trial.pruned for trial in study.trials.values() if trial.state == "pruned"]
    assert pruned and set(pruned) <= ({1, 4} if prune == "asha" else {1, 3, 9})


@pytest.mark.parametrize(("prune", "count"), [("asha", 3), ("hyperband", 2)])
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_restart_prunes_who_was_not_good_enough_at_the_last_step(
    sampler: Sampler, prune: Any, count: int
) -> None:
    definition = Definition(
        "s",
        SPACE,
        "acc",
        sampler=sampler,
        seed=5,
        prune=prune,
        max_resource=9 if prune == "hyperband" else None,
    ).check()
    study = Simulation(definition)
    decided = []
    for number in range(1, 16):
        study.step()
        trial = study.trials[number]

        def restarted(points: int, trial: Trial = trial) -> Optimizer:
            curve = study.tracked(trial)[:points]
            known = list(study.trials.values())
            return Optimizer(
                definition, study.space, known, lambda one: curve if one is trial else study.curve(one)
            )

        live, again, later = restarted(0), restarted(count), restarted(4)
        step = live.report(trial, dict(enumerate(study.tracked(trial)[:count], 1)))
        decided.append(step)
        assert again.report(trial, {}) == step == live.report(trial, {})
        # Who has passed a comparison is not pruned because of it.
        assert later.report(trial, {}) in ((None, 4) if prune == "asha" else (None, 1, 3))
        study.end(number)
    assert {None, 1} == set(decided)


def test_a_constant_objective_has_no_importances() -> None:
    definition = Definition("s", SPACE, "acc", seed=1).check()
    trials = [
        Trial(
            at,
            f"s_{at}",
            {"lr": 10**-at, "layers": at, "opt": "adam", "decay": 1e-4, "batch": 16},
            "complete",
            "completed",
            (1.0,),
        )
        for at in range(1, 6)
    ]
    assert parameter_importance(definition, trials) == {}
    varied = [replace(one, objective_values=(one.number / 2,)) for one in trials]
    found = parameter_importance(definition, varied)
    assert set(found) == {"lr", "layers"}
    earlier = tuple(EarlierTask("t", one.values, (9.0 - one.number**2,)) for one in trials)
    assert parameter_importance(replace(definition, warm_start=earlier), varied) == found


def test_a_grid_tries_each_configuration_once() -> None:
    definition = Definition("s", GRID, "acc", n=50, sampler="grid", seed=1).check()
    study = Simulation(definition)
    tried = set()
    for number in range(1, 11):  # each of adam, and two each of sgd and lamb, with two layers
        tried.add(repr(study.step()))
        study.end(number)
    assert len(tried) == 10
    with pytest.raises(Exhausted):
        study.step()
    with pytest.raises(Exhausted):
        study.restarted().ask(11)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "grid"])
def test_earlier_tasks_are_known(sampler: Sampler) -> None:
    text = GRID if sampler == "grid" else SPACE
    definition = Definition("s", text, "acc", n=30, sampler=sampler, seed=2)
    earlier = Simulation(definition)
    for number in range(1, 13 if sampler != "grid" else 6):
        earlier.step()
        earlier.end(number)
    known = tuple(
        EarlierTask(one.task, one.values, (one.objective_values[0] or 0.0,))
        for one in earlier.trials.values()
        if one.state == "complete"
    )
    warm = Simulation(replace(definition, warm_start=known).check())
    cold = Simulation(definition)
    suggested = [warm.step() for _ in range(3)]
    assert suggested != [cold.step() for _ in range(3)]
    assert all(repr(one) not in [repr(task.values) for task in known] for one in suggested)
    if sampler != "grid":  # which is not at random any more
        best = max(task.objective_values[0] for task in known)
        assert max(results(values)[0] for values in suggested) > best - 2
    assert [one.user_attrs["task"] for one in warm.optimizer.study.trials[:2]] == ["s_1", "s_2"]
    assert warm.restarted().ask(4) == warm.step()
