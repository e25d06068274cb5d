"""Adaptive sweeps with a real driver, scheduler and Optuna."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, PyrunsError
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.studies import samplers
from pyruns_jupyter.studies import service as managing
from pyruns_jupyter.studies.definition import Definition
from pyruns_jupyter.studies.optimizer import Optimizer
from pyruns_jupyter.studies.trials import Trial
from tests.engine.support import stop_everything
from tests.support import wait_until

from .conftest import SPACE
from .support import drivers, marks

pytestmark = pytest.mark.timeout(400)  # some run more than a dozen trials


def test_each_trial_is_a_task_and_the_search_finds_the_best(workspace: Workspace) -> None:
    study = workspace.optimize(SPACE, objective="acc", n=16, jobs=2, name="s", seed=1, time_limit=600)
    assert study.wait(timeout=300, progress=False).state == "finished"
    trials = study.trials
    assert [trial.number for trial in trials] == list(range(1, 17))
    assert {trial.state for trial in trials} == {"complete"}
    assert len({trial.values["lr"] for trial in trials}) == 16  # nothing is tried twice
    assert study.tasks.names == [f"s_{number:02}" for number in range(1, 17)]
    first = workspace["s_01"]
    assert {key: first.config[key] for key in trials[0].values} == trials[0].values
    assert first.config["pause"] == 0.0  # what is not searched keeps its default
    best = max(trials, key=lambda trial: trial.value or -99.0)
    assert study.best is not None and study.best.name == best.task
    assert study.best_value == best.value
    # Guided, the second half does better than the first, which is at random.
    halves = [sum(trial.value or 0.0 for trial in half) for half in (trials[:10], trials[10:])]
    assert halves[1] / 6 > halves[0] / 10
    assert workspace.tasks("study:s").names == study.tasks.names
    assert "finished, 16 of 16 trials, best acc" in repr(study) and "<table" in study._repr_html_()
    wait_until(lambda: marks(workspace) == [], message="the marker goes after the end")
    wait_until(lambda: not drivers(workspace), message="the driver leaves")

    # What was known when each was asked for is on disk: with it all are found again.
    definition = study.definition
    space = SearchSpace.parse(definition.text)
    for trial in trials:
        facts = read_task(workspace.folder.paths(trial.task).folder)["pyruns_jupyter"]["study"]
        known = [
            Trial(one.number, one.task, one.values, "open", "running")
            if one.number in facts["beside"]
            else one
            for one in trials[: trial.number - 1]
        ]
        assert Optimizer(definition, space, known).ask(trial.number) == trial.values
    frozen = study.optuna()
    assert frozen.best_value == study.best_value
    assert frozen.trials[0].intermediate_values[10] == pytest.approx(trials[0].value * 1.1)  # type: ignore[operator]


def test_the_limit_of_the_project_knows_how_many_trials_may_run(workspace: Workspace) -> None:
    workspace.queue.pause()
    study = workspace.optimize(SPACE, objective="acc", n=2, jobs=2, name="s")
    wait_until(lambda: len(workspace.queue.batches) == 2)
    assert [batch.options.jobs for batch in workspace.queue.batches] == [2, 2]
    study.stop()


def test_runs_that_promise_little_are_stopped(workspace: Workspace) -> None:
    # With sgd, which is tried from trial 11 on, all values are worse, and a run waits to be cancelled.
    study = workspace.optimize(
        "lr: log(9e-4, 1.1e-3)\nlayers: 4\nopt: adam | sgd\nlinger: 600.0\n",
        objective="acc",
        n=14,
        jobs=2,
        name="p",
        seed=134,
        sampler="random",
        prune="median",
    )
    assert study.wait(timeout=300, progress=False).state == "finished"
    pruned = [trial for trial in study.trials if trial.state == "pruned"]
    assert pruned, study
    assert all(trial.number > 5 for trial in pruned)  # there is nothing to compare with before
    for trial in pruned:
        task = workspace[trial.task]
        assert task.status == "cancelled" and trial.pruned is not None and 0 < trial.pruned <= 10
        row = workspace.table(f"name:{trial.task}").rows[0]
        assert row.message == (
            f"Pruned after step {trial.pruned} of acc, because its best value so far is worse than the "
            "median of the trials of p at this step."
        )
    values = sorted(trial.value or 0.0 for trial in study.trials if trial.state == "complete")
    assert study.best_value == values[-1]
    assert f"{len(pruned)} pruned" in repr(study)
    frozen = study.optuna()
    assert [one.state.name for one in frozen.trials].count("PRUNED") == len(pruned)


def test_a_study_is_stopped_and_goes_on(workspace: Workspace) -> None:
    go = workspace.folder.project / "go"  # no trial ends before it is there
    study = workspace.optimize(
        f"{SPACE}until: {go}\n", objective="loss", direction="minimize", n=5, jobs=2, name="s"
    )
    wait_until(lambda: len(study.trials) == 2, message="two trials")
    assert study.stop().state == "stopped"
    assert marks(workspace) == []
    go.touch()
    study.wait(timeout=120, progress=False)
    wait_until(lambda: not drivers(workspace), message="the driver leaves")
    assert len(study.trials) == 2
    with pytest.raises(InvalidInput, match="from 1 to"):
        study.resume(n=0)
    assert study.state == "stopped"
    go.unlink()
    assert study.resume().state == "active"
    go.touch()
    study.wait(timeout=120, progress=False)
    assert (study.state, len(study.trials)) == ("finished", 5)
    with pytest.raises(InvalidInput, match="has 5 trials"):
        study.resume()
    study.resume(n=6).wait(timeout=120, progress=False)
    assert [trial.number for trial in study.trials] == [1, 2, 3, 4, 5, 6]
    assert study.best_value == min(trial.value for trial in study.trials if trial.value is not None)
    study.remove()
    assert dict(workspace.studies) == {} and "s" not in workspace.studies
    with pytest.raises(NotFound):
        workspace.studies["s"]
    assert len(workspace.tasks("study:s")) == 6  # its tasks stay


def test_what_waits_is_cancelled_with_its_study(workspace: Workspace) -> None:
    workspace.queue.pause()
    study = workspace.optimize(SPACE, objective="acc", n=5, jobs=3, name="s")
    wait_until(lambda: [task.status for task in study.tasks] == ["queued"] * 3, message="three wait")
    study.stop()
    assert [task.status for task in study.tasks] == ["cancelled"] * 3
    workspace.queue.resume()


def test_choices_may_be_more_than_a_sweep_makes(workspace: Workspace) -> None:
    values = " | ".join(f"{number / 1000}" for number in range(1, 400))
    text = f"lr: {values}\npause: {values}\nlayers: 1:1000000"
    definition = Definition(name="s", text=text, objective="acc", n=10)
    _, space = managing.check(workspace.folder, definition)
    assert space.size == 399 * 399 * 999_999


def test_what_is_running_can_be_stopped_too(workspace: Workspace) -> None:
    study = workspace.optimize(f"{SPACE}pause: 60\n", objective="acc", n=5, jobs=2, name="s")
    with pytest.raises(Conflict, match="Stop it first"):
        study.remove()
    wait_until(lambda: [task.status for task in study.tasks] == ["running"] * 2, message="two run")
    with pytest.raises(TimeoutError):
        study.wait(timeout=0.1, progress=False)
    study.stop(running=True).wait(timeout=120, progress=False)
    assert [trial.state for trial in study.trials] == ["failed"] * 2
    assert study.best is None and study.best_value is None


def test_a_script_that_reports_something_else_ends_the_study(workspace: Workspace) -> None:
    study = workspace.optimize(SPACE, objective="accuracy", n=20, name="s")
    study.wait(timeout=120, progress=False)
    assert study.state == "failed"
    assert study.message == (
        "s_01 completed, but did not log 'accuracy' as a number. It logged: acc, loss. "
        "Call record(accuracy=...) in the script."
    )
    assert len(study.trials) == 1


def test_a_script_that_fails_ends_the_study(workspace: Workspace) -> None:
    study = workspace.optimize(f"{SPACE}code: 3\n", objective="acc", n=20, name="s", stop_after=3)
    study.wait(timeout=120, progress=False)
    assert study.state == "failed"
    assert study.message == "3 trials in a row failed. s_03: Exit code 3"
    assert [trial.state for trial in study.trials] == ["failed"] * 3
    study.resume().wait(timeout=120, progress=False)  # those that failed before do not count
    assert study.message == "3 trials in a row failed. s_06: Exit code 3"
    assert [trial.state for trial in study.trials] == ["failed"] * 6


def test_runs_that_a_rule_stops_do_not_end_the_study(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "import argparse, time\nimport pyruns_jupyter as pyruns\n"
        "parser = argparse.ArgumentParser()\nparser.add_argument('--lr', type=float, default=0.1)\n"
        "parser.parse_args()\npyruns.track(loss=float('nan'))\ntime.sleep(600)\n"
    )
    workspace = Workspace.open(tmp_path / "bad.py")
    try:
        study = workspace.optimize(
            "lr: uniform(0, 1)", objective="loss", n=3, name="s", stop_after=2, alerts=["loss is nan -> stop"]
        )
        study.wait(timeout=120, progress=False)
        assert study.state == "finished"
        assert [(one.state, one.status) for one in study.trials] == [("pruned", "cancelled")] * 3
        several = workspace.optimize(
            "lr: uniform(0, 1)",
            objective={"loss": "minimize", "acc": "maximize"},
            sampler="nsga2",
            n=2,
            name="t",
            alerts=["loss is nan -> stop"],
        ).wait(timeout=120, progress=False)
        assert [one.state for one in several.trials] == ["pruned"] * 2 and several.state == "finished"
        assert several.optuna().best_trials == []
    finally:
        stop_everything(tmp_path)


def test_a_run_that_ends_before_the_step_of_the_objective(workspace: Workspace) -> None:
    study = workspace.optimize(SPACE, objective="at(acc, 100)", n=20, name="s")
    study.wait(timeout=120, progress=False)
    assert study.state == "failed"
    assert study.message == (
        "s_01 completed, but did not log 'at(acc, 100)' as a number. It logged: acc, loss. "
        "Call track(acc=...) at step 100 in the script, or choose an earlier step."
    )


def test_what_cannot_be_begun_writes_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.create("lr: 0.1", name="taken_07")
    wrong: list[tuple[dict[str, Any], str, str | None]] = [
        ({"objective": " "}, "the metric to optimize", "objective"),
        ({"direction": "up"}, "maximize, minimize", "direction"),
        ({"n": 0}, "n must be", "n"),
        ({"jobs": True}, "jobs must be", "jobs"),
        ({"sampler": "best"}, "random, tpe", "sampler"),
        ({"prune": "all"}, "median, quartile", "prune"),
        ({"seed": -1}, "seed must be", "seed"),
        ({"name": "a/b"}, "not allowed", "name"),
        ({"name": "taken"}, "'taken_07' already exists", "name"),
        ({"space": "lr: log(1e-5, 1e-1)\nlayers: a | 2"}, "layers", "layers"),
        ({"space": "lr: 0.1"}, "search space is empty", "yaml"),
        ({"space": "layers: 1:4\nopt: adam | sgd"}, "only 6 configurations", "n"),
        ({"retries": -1}, "retries must be", "retries"),
    ]
    for change, said, field in wrong:
        given: dict[str, Any] = {"space": SPACE, "objective": "acc", "n": 20, "name": "s", **change}
        with pytest.raises(InvalidInput, match=said) as caught:
            workspace.optimize(given.pop("space"), **given)
        assert caught.value.field == field
    monkeypatch.setattr(samplers, "find_spec", lambda name: None)
    with pytest.raises(PyrunsError, match=r"pip install 'pyruns_jupyter\[optimize\]'"):
        workspace.optimize(SPACE, objective="acc")
    assert not (workspace.folder.folder / "studies").exists()
    assert marks(workspace) == [] and len(workspace) == 1


def test_a_name_is_taken_once(workspace: Workspace) -> None:
    workspace.optimize(SPACE, objective="acc", n=1, name="s").wait(timeout=120, progress=False)
    with pytest.raises(Conflict, match="study named 's' already exists"):
        workspace.optimize(SPACE, objective="acc", n=1, name="s")


def test_renamed_and_removed_trials(workspace: Workspace) -> None:
    study = workspace.optimize(SPACE, objective="acc", n=4, jobs=2, name="s")
    study.wait(timeout=120, progress=False)
    workspace["s_2"].rename("other")
    workspace["s_3"].delete()
    assert [trial.task for trial in study.trials] == ["s_1", "other", "s_4"]
    study.resume(n=4).wait(timeout=120, progress=False)
    assert [trial.number for trial in study.trials] == [1, 2, 4, 5]


def test_a_damaged_study_is_told_and_left_alone(workspace: Workspace) -> None:
    study = workspace.optimize(SPACE, objective="acc", n=1, name="s").wait(timeout=120, progress=False)
    path = workspace.folder.folder / "studies" / "s.json"
    content = json.loads(path.read_bytes())
    for damaged in (
        b"{",
        json.dumps({**content, "version": 99}).encode(),
        json.dumps({**content, "n": "x"}).encode(),
    ):
        path.write_bytes(damaged)
        with pytest.raises(PyrunsError, match=r"s\.json"):
            study.resume(n=2)
        assert path.read_bytes() == damaged
    wait_until(lambda: marks(workspace) == [], message="the marker goes after the end")


def test_an_aggregate_as_the_objective(tmp_path: Path) -> None:
    """The best value that a run tracked counts, though it ends with a worse one; pruning follows it."""
    (tmp_path / "bent.py").write_text(
        "import argparse, time\nimport pyruns_jupyter as pyruns\n"
        "parser = argparse.ArgumentParser()\nparser.add_argument('--lr', type=float, default=0.1)\n"
        "lr = parser.parse_args().lr\n"
        "for step in range(9):\n    pyruns.track(loss=lr + abs(step - 4))\n"
    )
    workspace = Workspace.open(tmp_path / "bent.py")
    try:
        with pytest.raises(InvalidInput, match="of the last 10 values") as caught:
            workspace.optimize("lr: 0.1 | 0.2", objective="mean(loss, 0)", n=2)
        assert caught.value.field == "objective"
        study = workspace.optimize(
            "lr: 0.1 | 0.2", objective="best(loss)", direction="minimize", n=2, prune="median", seed=1
        )
        study.wait(timeout=120, progress=False)
        assert study.state == "finished"
        assert {trial.values["lr"]: trial.value for trial in study.trials} == {0.1: 0.1, 0.2: 0.2}
        assert study.best_value == 0.1
        points = study.optuna().trials[0].intermediate_values
        first = study.trials[0].values["lr"]
        assert list(points.values()) == [first + bend for bend in (4, 3, 2, 1, 0, 0, 0, 0, 0)]
        # The study says what is better of this metric.
        assert workspace.tasks("best(loss)<0.15").notices == []
    finally:
        stop_everything(tmp_path)


IMPORTED = """
import argparse, sys, time
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--kind", default="csv")
args = parser.parse_args()
if args.kind == "csv":
    table = open("run-%s.csv" % args.lr, "w")
    table.write("step,val_loss\\n")
    def log(step, value):
        table.write("%s,%s\\n" % (step, value))
        table.flush()
else:
    from tensorboardX import SummaryWriter
    writer = SummaryWriter("logs/%s" % args.lr)
    def log(step, value):
        writer.add_scalar("val_loss", value, step)
        writer.flush()
for step in range(1, 11):
    log(step, args.lr + 1 / step)
if args.lr > 0.5:  # which the study tries from trial 8 on, when it can compare
    time.sleep(600)
"""


@pytest.mark.parametrize("kind", ["csv", "tensorboard"])
def test_a_script_that_logs_only_with_other_packages(tmp_path: Path, kind: str) -> None:
    """The objective is from its files, and so are the values by which trials are pruned."""
    if kind == "tensorboard":
        pytest.importorskip("tensorboardX")
    (tmp_path / "train.py").write_text(IMPORTED.replace('default="csv"', f'default="{kind}"'))
    workspace = Workspace.open(tmp_path / "train.py")
    try:
        study = workspace.optimize(
            "lr: uniform(0, 1)\n",
            objective="val_loss",
            direction="minimize",
            n=10,
            name="s",
            sampler="random",
            seed=143,
            prune="median",
        )
        assert study.wait(timeout=300, progress=False).state == "finished", [
            task.log_path(1).read_text() for task in study.tasks
        ]
        pruned = [trial for trial in study.trials if trial.state == "pruned"]
        complete = [trial for trial in study.trials if trial.state == "complete"]
        assert len(pruned) + len(complete) == 10
        best = min(trial.values["lr"] for trial in complete)
        assert pruned, study.trials
        for trial in pruned:
            assert trial.status == "cancelled" and trial.pruned is not None and 0 < trial.pruned <= 10
            assert trial.values["lr"] > best
        for trial in complete:
            assert trial.value == pytest.approx(trial.values["lr"] + 0.1)
        assert study.best_value == min(trial.value or 9.0 for trial in complete)
    finally:
        stop_everything(tmp_path)
