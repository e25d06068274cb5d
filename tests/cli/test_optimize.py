"""Adaptive sweeps from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_cli import Terminal
from tests.engine.support import stop_everything
from tests.studies.conftest import SCRIPT, SPACE


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "space.yaml").write_text(SPACE)
    made = Terminal(tmp_path)
    made("open", "train.py")
    yield made
    stop_everything(tmp_path)


def test_a_search_is_begun_and_shown(terminal: Terminal) -> None:
    words = (
        "--objective",
        "loss",
        "--minimize",
        "--trials",
        "3",
        "-j",
        "2",
        "--seed",
        "1",
        "--time-limit",
        "10m",
    )
    told = terminal("optimize", "space.yaml", "-n", "s", *words)
    assert told == "Started study s of train: minimize loss. 'studies s' shows its progress.\n"
    found = terminal.json("studies", "s", "--wait")
    assert found["state"] == "finished" and len(found["trials"]) == 3
    assert (found["jobs"], found["seed"], found["options"]) == (2, 1, {"time_limit": 600, "resume": True})
    assert found["best_value"] == min(trial["value"] for trial in found["trials"])
    shown = terminal("studies", "s")
    assert shown.startswith("Study s: finished, 3 of 3 trials, best loss")
    assert f"\n{found['best']} " in shown
    assert terminal("studies").startswith("Study s: finished")
    assert [one["name"] for one in terminal.json("studies")] == ["s"]
    assert terminal.json("studies", "s", "--resume", "--trials", "60")["state"] == "active"
    assert terminal.json("studies", "s", "--stop")["state"] == "stopped"
    assert "Study s: stopped" in terminal("studies", "s", "--wait", code=1)
    assert json.loads(terminal("studies", "s", "--wait", "--importance", "--json", code=1)).keys() == {"loss"}
    for options, said in (
        (("--remove", "--export", "s.log"), "--export cannot be used with --remove"),
        (("--remove", "--wait"), "--wait cannot be used with --remove"),
        (("--remove", "--importance"), "--importance cannot be used with --remove"),
        (("--trials", "100"), "--trials requires --resume"),
    ):
        assert said in terminal("studies", "s", *options, code=2)
    assert terminal("studies", "s", "--remove") == "Deleted the study s. Its tasks are kept.\n"
    assert terminal("studies") == "There are no studies.\n"


def test_what_is_wrong_is_said(terminal: Terminal) -> None:
    assert "--objective" in terminal("optimize", "space.yaml", code=2)
    for options in (["--stop"], ["--wait"], ["--trials", "3"]):
        assert "Specify the NAME of a study" in terminal("studies", *options, code=2)
    assert "The study 'x' does not exist" in terminal("studies", "x", code=1)
    assert "Zipped values" in terminal("optimize", "-", "--objective", "a", given="lr: (1 | 2)", code=1)
    assert not (terminal.folder / "_pyruns_" / "train" / "studies").exists()


def test_several_objectives_and_other_options(terminal: Terminal) -> None:
    words = (
        "--objective",
        "acc",
        "--also-minimize",
        "loss",
        "--constraint",
        "loss <= 99",
        "--sampler",
        "nsga2",
    )
    told = terminal(
        "optimize", "space.yaml", "-n", "s", *words, "--startup-trials", "2", "--trials", "4", "-j", "2"
    )
    assert "Started study s of train: maximize acc, minimize loss. " in told
    found = terminal.json("studies", "s", "--wait")
    assert (found["sampler"], found["n_startup_trials"], found["constraints"]) == ("nsga2", 2, ["loss <= 99"])
    assert found["further_objectives"] == [{"metric": "loss", "direction": "minimize"}]
    assert found["best"] is None and found["best_value"] is None
    best = max(one["objective_values"][0] for one in found["trials"])
    front = [one["task"] for one in found["trials"] if one["objective_values"][0] == best]
    assert found["pareto_front"] == front  # as acc is -loss
    assert all(one["is_feasible"] and one["value"] is None for one in found["trials"])
    shown = terminal("studies", "s")
    assert "on the Pareto front" in shown and front[0] in shown.splitlines()[2]
    more = ("--prune", "hyperband", "--max-resource", "10", "--min-resource", "2", "--reduction-factor", "2")
    told = terminal(
        *("optimize", "space.yaml", "-n", "t", "--objective", "acc", "--trials", "1"),
        *("--warm-start", "study:s", *more),
    )
    assert "It knows 4 earlier tasks." in told
    known = terminal.json("studies", "t", "--wait")["warm_start"]
    assert [one["task"] for one in known] == [one["task"] for one in found["trials"]]
    for wrong, said in (
        (("--also-maximize", "acc"), "same metric"),
        (("--sampler", "grid", "--startup-trials", "3"), "no effect with the sampler grid"),
        (("--constraint", "acc"), "latency <= 20"),
    ):
        assert said in terminal("optimize", "space.yaml", "-n", "u", "--objective", "acc", *wrong, code=1)


def test_the_importance_of_parameters(terminal: Terminal) -> None:
    terminal(
        "optimize", "space.yaml", "-n", "s", "--objective", "acc", "--trials", "5", "-j", "2", "--seed", "1"
    )
    terminal("studies", "s", "--wait")
    told = terminal("studies", "s", "--importance")
    assert [line.split()[0] for line in told.splitlines()[1:]] != [] and "lr" in told
    found = terminal.json("studies", "s", "--importance")
    assert set(found) == {"acc"} and abs(sum(found["acc"].values()) - 1) < 1e-6
