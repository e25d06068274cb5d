"""Options of studies that do not fit together are refused, and old files still open."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.common.time_limit import TookTooLong, time_limit
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.studies import definition as definitions
from pyruns_jupyter.studies import samplers, warm_start
from pyruns_jupyter.studies.definition import Definition, EarlierTask, StudyPaths, changing, read_study
from pyruns_jupyter.studies.objectives import Objective, pareto_front, parse_constraint
from pyruns_jupyter.studies.rules import check_dimensions
from pyruns_jupyter.studies.warm_start import earlier_tasks
from tests.support import wait_until

from .conftest import SPACE
from .support import marks

TWO = {"acc": "maximize", "loss": "minimize"}


@pytest.mark.parametrize(
    ("options", "said", "field"),
    [
        (
            {"sampler": "random", "n_startup_trials": 3},
            "no effect with the sampler random",
            "n_startup_trials",
        ),
        ({"sampler": "grid", "n_startup_trials": 3}, "no effect with the sampler grid", "n_startup_trials"),
        ({"sampler": "nsga2", "n_startup_trials": 1}, "at least 2", "n_startup_trials"),
        ({"n_startup_trials": 0}, "n_startup_trials must be", "n_startup_trials"),
        ({"objective": TWO, "prune": "median"}, "cannot be pruned", "prune"),
        ({"objective": TWO, "sampler": "cmaes"}, "a single objective", "sampler"),
        ({"objective": TWO, "direction": "minimize"}, "specify each direction", "direction"),
        ({"objective": {}}, "at least one objective", "objective"),
        ({"objective": {"acc": "maximize", "loss": "less"}}, "maximize, minimize", "direction"),
        ({"prune": "hyperband"}, "needs max_resource", "max_resource"),
        ({"prune": "hyperband", "max_resource": 3, "min_resource": 3}, "greater than", "max_resource"),
        ({"prune": "asha", "max_resource": 9}, "without the pruner hyperband", "max_resource"),
        ({"prune": "median", "min_resource": 2}, "without the pruner asha or hyperband", "min_resource"),
        ({"reduction_factor": 2}, "without the pruner", "reduction_factor"),
        ({"prune": "asha", "reduction_factor": 1}, "reduction_factor must be", "reduction_factor"),
        ({"constraints": ["loss"]}, "latency <= 20", "constraints"),
        ({"constraints": ["loss = 3"]}, "latency <= 20", "constraints"),
        ({"constraints": ["loss < inf"]}, "not a number", "constraints"),
        ({"constraints": ["best(loss) < 1"]}, "min(...) or max(...)", "constraints"),
        ({"constraints": "mean(loss, x) < 1"}, "mean(loss)", "constraints"),
        ({"constraints": ["loss < 1"] * 21}, "at most 20 constraints", "constraints"),
        ({"sampler": "random", "warm_start": "done"}, "no effect with the sampler random", "warm_start"),
        ({"sampler": "cmaes", "warm_start": "done"}, "at least 10", "warm_start"),
        ({"warm_start": "lr<"}, "is missing", "warm_start"),
        ({"warm_start": "status:failed"}, "of 0 tasks", "warm_start"),
        ({"space": "lr: log(1e-4, 1e-1)", "sampler": "grid"}, "log(1e-4, 1e-1, 10)", "lr"),
        ({"space": "layers: 1:4", "n": 4}, "has only 3 configurations", "n"),
        ({"space": "layers: 1:4\nopt: adam | sgd if layers == 1 else sgd", "n": 9}, "at most 6 configu", "n"),
        ({"space": "layers: 1:20000", "sampler": "grid"}, "at most 10,000 values", "layers"),
        ({"space": "lr: log(1e-4, 1e-1)\nopt: adam | sgd", "sampler": "cmaes"}, "two numeric", "sampler"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    workspace: Workspace, options: dict[str, Any], said: str, field: str
) -> None:
    if options.get("warm_start") == "done":
        workspace.create("lr: 0.01", name="done")
        workspace.run("done").wait(timeout=120, progress=False)
    given = {"space": SPACE, "objective": "acc", "n": 20, "name": "s", **options}
    with pytest.raises(InvalidInput) as caught:
        workspace.optimize(given.pop("space"), **given)
    assert said in str(caught.value)
    assert caught.value.field == field
    assert not (workspace.folder.folder / "studies").exists() and marks(workspace) == []


@pytest.mark.parametrize(("sampler", "package"), [("cmaes", "cmaes"), ("gp", "torch"), ("qmc", "scipy")])
def test_a_missing_package_is_named_before_anything_is_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, sampler: str, package: str
) -> None:
    monkeypatch.setattr(samplers, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(PyrunsError, match=f"needs {package}.* pip install {package}"):
        workspace.optimize(SPACE, objective="acc", sampler=sampler)
    assert not (workspace.folder.folder / "studies").exists()


def test_constraints_need_optuna_5(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samplers, "version", lambda name: "4.6.0")
    with pytest.raises(PyrunsError, match="Optuna 5 or later"):
        workspace.optimize(SPACE, objective="acc", constraints=["loss < 3"])
    monkeypatch.setattr(samplers, "find_spec", lambda name: True)
    with pytest.raises(PyrunsError, match="gp with several objectives needs Optuna 5"):
        workspace.optimize(SPACE, objective=TWO, sampler="gp")


class Counted(float):
    """A number that counts how often it is compared by size."""

    comparisons = 0

    def __gt__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) > float(other)


def test_constraints_and_the_front() -> None:
    strict, loose = parse_constraint("latency < 20"), parse_constraint("max(memory) >= 1e3")
    assert [strict.violation(value) > 0 for value in (19.0, 20.0, 21.0)] == [False, True, True]
    assert [loose.violation(value) > 0 for value in (999.0, 1000.0)] == [True, False]
    assert loose.violation(400.0) == 600.0
    assert str(loose.aggregate) == "max(memory)"
    objectives = (Objective("acc"), Objective("cost", "minimize"))
    points = {"a": (1.0, 5.0), "b": (2.0, 5.0), "c": (2.0, 5.0), "d": (0.5, 1.0), "e": (0.4, 1.0)}
    assert pareto_front(points.items(), objectives) == ["b", "c", "d"]
    equal = ((number, Counted(1.0)) for number in range(500))
    assert len(pareto_front(((one, (value,)) for one, value in equal), objectives[:1])) == 500
    assert Counted.comparisons < 1000


def test_files_of_earlier_versions_and_new_ones_open(workspace: Workspace) -> None:
    plain = Definition("old", SPACE, "acc", created_at=1.0, state="stopped")
    keys = set(plain.to_dict())
    assert keys == {  # nothing that an earlier version does not write
        *("version", "name", "text", "objective", "direction", "n", "jobs", "sampler", "seed", "prune"),
        *("options", "created_at", "state", "message"),
    }
    full = Definition(
        "new",
        SPACE,
        "acc",
        further_objectives=(Objective("loss", "minimize"),),
        constraints=("loss < 3",),
        n_startup_trials=4,
        warm_start=(EarlierTask("t", {"lr": 0.1, "layers": 2, "opt": "sgd"}, (0.5, 1.0), (-2.0,)),),
        created_at=1.0,
        state="stopped",
    ).check()
    for one in (plain, full):
        with changing(workspace.folder, one.name, create=True) as paths:
            definitions.write_study(paths, one)
        assert read_study(workspace.folder, one.name) == one
    path = StudyPaths(workspace.folder, "new").file
    content = json.loads(path.read_text())
    for wrong in (
        {"further_objectives": [{"metric": 3, "direction": "maximize"}]},
        {"warm_start": [{"task": "t"}]},
        {"constraints": [None]},
        {"constraints": ["loss"]},
        {"n_startup_trials": 10**400},
    ):
        path.write_text(json.dumps({**content, **wrong}))
        with pytest.raises(PyrunsError, match=r"new\.json is not a valid study"):
            read_study(workspace.folder, "new")


def test_a_grid_may_have_more_trials_than_configurations(workspace: Workspace) -> None:
    definition = Definition("s", "layers: 1:4", "acc", n=50, sampler="grid")
    check_dimensions(definition, SearchSpace.parse(definition.text))
    study = workspace.optimize(
        "layers: 1:4\nopt: adam | sgd\nlr: 0.1 | 0.01 if opt == sgd else 0.001",
        objective="acc",
        sampler="grid",
        name="s",
        jobs=2,
    ).wait(timeout=120, progress=False)
    assert (study.state, study.message) == ("finished", "All configurations of the grid were run.")
    configs = [
        tuple(workspace[one.task].config[key] for key in ("layers", "opt", "lr")) for one in study.trials
    ]
    assert sorted(configs) == sorted(
        (layers, opt, lr)
        for layers in (1, 2, 3)
        for opt, lr in (("adam", 0.001), ("sgd", 0.1), ("sgd", 0.01))
    )


def test_earlier_tasks_are_used(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    old = workspace.create("lr: 0.1 | 0.01 | 0.001\nlayers: 3 | 4\nopt: sgd | adam", name="old")
    outside = workspace.create("lr: 0.5", name="outside")
    waiting = workspace.create("lr: 0.05", name="waiting")
    workspace.run([*old, *outside], jobs=2).wait(timeout=120, progress=False)
    space = f"{SPACE}pause: 0.0 | 0.1 if opt == sgd else 0.0\n"
    study = workspace.optimize(
        space,
        objective="acc",
        constraints=["loss < 100"],
        n=2,
        name="s",
        seed=1,
        n_startup_trials=5,
        warm_start="name:old OR name:outside OR name:waiting",
    )
    known = study.definition.warm_start
    assert len(known) == 12 and sorted(one.task for one in known) == sorted(old.names)
    assert all(("pause" in one.values) == (one.values["opt"] == "sgd") for one in known)
    study.wait(timeout=120, progress=False)
    # Its trials are not at random: the sampler has learned from the earlier tasks.
    assert min(trial.value or -99.0 for trial in study.trials) > -2
    copy = study.optuna()
    assert len(copy.trials) == 14 and copy.trials[0].user_attrs == {"task": known[0].task}
    assert copy.trials[0].value == workspace[known[0].task].row.figures["acc"]
    importance = study.importance()
    assert importance == {} and len(study.trials) == 2  # too few
    with monkeypatch.context() as patch:
        patch.setattr(warm_start, "MAX_TASKS", 11)
        with pytest.raises(InvalidInput, match="at most 11 tasks"):
            workspace.optimize(space, objective="acc", n=1, name="t", warm_start="name:old")
    with time_limit(-1.0), pytest.raises(TookTooLong):
        earlier_tasks(workspace.folder, study.definition, SearchSpace.parse("lr: 0.1 | 0.2"), "name:old")
    named = workspace.optimize(space, objective="acc", n=1, name="t", warm_start=[*old[:1], *waiting])
    assert [one.task for one in named.definition.warm_start] == old.names[:1]
    named.stop(running=True)


def test_a_constraint_decides_which_trial_is_the_best(workspace: Workspace) -> None:
    study = workspace.optimize(
        SPACE, objective="acc", constraints=["loss >= 1"], n=12, jobs=2, name="s", seed=3, sampler="qmc"
    ).wait(timeout=120, progress=False)
    feasible = [one for one in study.trials if (one.value or 0.0) <= -1]
    assert [one.is_feasible for one in study.trials].count(True) == len(feasible) < 12
    assert study.best_value == max(one.value for one in feasible if one.value is not None)
    assert "infeasible" in repr(study)
    importance = study.importance()
    assert sum(importance.values()) == pytest.approx(1) and set(importance) == {"lr", "layers", "opt"}
    assert list(importance.values()) == sorted(importance.values(), reverse=True)


def test_a_metric_of_a_constraint_that_is_not_logged_ends_the_study(workspace: Workspace) -> None:
    study = workspace.optimize(SPACE, objective="acc", constraints=["latency < 1"], n=9, name="s")
    study.wait(timeout=120, progress=False)
    assert study.state == "failed"
    assert "did not log 'latency' as a number" in study.message


@pytest.mark.parametrize(("prune", "steps"), [("asha", [2, 2, 2, 2]), ("hyperband", [8, 4, 2, 4])])
def test_halving_stops_runs_that_promise_little(workspace: Workspace, prune: str, steps: list[int]) -> None:
    # With sgd, all values are worse, and the run waits after them until it is cancelled.
    study = workspace.optimize(
        "lr: 0.001\nlayers: 4\nopt: adam | sgd\npause: uniform(0, 0.001)\nlinger: 600.0\n",
        objective="acc",
        n=8,
        name="p",
        seed=43,
        sampler="random",
        prune=prune,
        min_resource=2,
        max_resource=10 if prune == "hyperband" else None,
        reduction_factor=2,
    )
    assert study.wait(timeout=180, progress=False).state == "finished"
    pruned = [trial for trial in study.trials if trial.state == "pruned"]
    assert [trial.pruned for trial in pruned] == steps
    assert pruned == [trial for trial in study.trials if trial.values["opt"] == "sgd"]
    for trial in pruned:
        assert workspace.table(f"name:{trial.task}").rows[0].message == (
            f"Pruned after step {trial.pruned} of acc, because it is not among the best 1/2 of the trials "
            "of p at this step."
        )
    assert study.best_value == 0


def test_a_project_of_the_earlier_samplers_continues(workspace: Workspace, tmp_path: Path) -> None:
    """The file of a study without the new keys is read by a driver."""
    study = workspace.optimize(SPACE, objective="acc", n=2, name="s", seed=1)
    study.wait(timeout=120, progress=False)
    content = json.loads((workspace.folder.folder / "studies" / "s.json").read_text())
    assert "n_startup_trials" not in content and study.definition.startup_trials == 10
    study.resume(n=3)
    wait_until(lambda: study.state == "finished")
    assert len(study.trials) == 3
