"""Adaptive sweeps from a terminal."""

from __future__ import annotations

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
        "1m",
    )
    told = terminal("optimize", "space.yaml", "-n", "s", *words)
    assert told == "Started study s of train: minimize loss. 'studies s' shows its progress.\n"
    found = terminal.json("studies", "s", "--wait")
    assert found["state"] == "finished" and len(found["trials"]) == 3
    assert (found["jobs"], found["seed"], found["options"]) == (2, 1, {"time_limit": 60, "resume": True})
    assert found["best_value"] == min(trial["value"] for trial in found["trials"])
    shown = terminal("studies", "s")
    assert shown.startswith("Study s: finished, 3 of 3 trials, best loss")
    assert f"\n{found['best']} " in shown
    assert terminal("studies").startswith("Study s: finished")
    assert [one["name"] for one in terminal.json("studies")] == ["s"]
    assert terminal.json("studies", "s", "--resume", "--trials", "60")["state"] == "active"
    assert terminal.json("studies", "s", "--stop")["state"] == "stopped"
    assert "Study s: stopped" in terminal("studies", "s", "--wait", code=1)
    assert terminal("studies", "s", "--remove") == "Deleted the study s. Its tasks are kept.\n"
    assert terminal("studies") == "There are no studies.\n"


def test_what_is_wrong_is_said(terminal: Terminal) -> None:
    assert "--objective" in terminal("optimize", "space.yaml", code=2)
    for option in ("--stop", "--wait"):
        assert "Specify the NAME of a study" in terminal("studies", option, code=2)
    assert "The study 'x' does not exist" in terminal("studies", "x", code=1)
    assert "Zipped values" in terminal("optimize", "-", "--objective", "a", given="lr: (1 | 2)", code=1)
    assert not (terminal.folder / "_pyruns_" / "train" / "studies").exists()
