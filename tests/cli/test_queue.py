"""The commands of the queue in a real terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from tests.engine.support import stop_everything
from tests.support import wait_until

from .test_cli import SCRIPT, Terminal, statuses


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    made = Terminal(tmp_path)
    made("open", "train.py")
    yield made
    stop_everything(tmp_path)  # a scheduler whose queue is paused stays


def test_pausing_looking_and_going_on(terminal: Terminal) -> None:
    assert terminal("queue") == "The queue is empty.\n"
    assert terminal("pause") == "Queue paused; running tasks continue.\n"
    assert terminal("pause") == "The queue is already paused.\n"
    terminal("sweep", "-", "-n", "first", given="lr: 0.1 | 0.2\n")
    terminal("run", "first_1_lr=0.1", "first_2_lr=0.2", "-j", "2", "--priority", "-3")
    terminal("sweep", "-", "-n", "last", "--run", "--after", "first_1_lr=0.1", given="lr: 1\n")
    wait_until(lambda: terminal("queue").count("The queue is paused.") == 3)
    state = terminal.json("queue")
    assert (state["paused"], state["scheduler_alive"]) == (True, True)
    assert [batch["tasks"] for batch in state["batches"]] == [["last"], ["first_1_lr=0.1", "first_2_lr=0.2"]]
    assert state["batches"][0]["options"] == {
        "after": [{"workspace": "train", "task": "first_1_lr=0.1", "ok": True}]
    }
    assert state["batches"][1]["options"] == {"jobs": 2, "priority": -3}
    assert terminal("unpause") == "Queue resumed.\n"
    assert terminal("unpause") == "The queue is not paused.\n"
    terminal("wait", "--timeout", "120")
    assert set(statuses(terminal).values()) == {"completed"}


def test_queueing_again_here_what_was_queued_elsewhere(terminal: Terminal, tmp_path: Path) -> None:
    terminal("pause")
    terminal("sweep", "-", "-n", "t", "--run", given="lr: 0.1 | 0.2\n")
    stop_everything(tmp_path)
    copied = tmp_path / "copied"
    shutil.copytree(tmp_path / "_pyruns_", copied / "_pyruns_")
    shutil.copy(tmp_path / "train.py", copied)
    other = Terminal(copied)
    other("unpause")
    assert "2 tasks queued in another copy of the project will not start here." in other("queue")
    assert "2 tasks were queued in another copy of this project" in other("doctor")
    assert [batch["foreign"] for batch in other.json("queue")["batches"]] == [True]
    assert set(statuses(other).values()) == {"queued"}
    assert other("requeue") == "Queued train/t_1_lr=0.1, train/t_2_lr=0.2.\n"
    assert other("requeue") == "No tasks to requeue.\n"
    other("wait", "--timeout", "120")
    assert set(statuses(other).values()) == {"completed"}
    assert set(statuses(terminal).values()) == {"queued"}


def test_running_what_failed_again_and_skipping_what_is_done(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "t", "--run", "-j", "3", given="code: 0 | 3\n")
    terminal("wait", code=1)
    assert terminal.json("run", "--failed", "--retries", "1", "--retry-delay", "0.1s")["done"] == [
        "t_2_code=3"
    ]
    terminal("wait", code=1)
    assert [run for run in terminal("show", "t_2_code=3").splitlines() if run.startswith("run ")] == [
        f"run {run}: failed, exit code 3, {took}, acc=0.2"
        for run, took in enumerate(durations(terminal("show", "t_2_code=3")), 1)
    ]
    assert len(durations(terminal("show", "t_2_code=3"))) == 3
    process = terminal.start("run", "--query", "code<1", "--skip-done", "--json")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, '"done": []' in out) == (0, True)
    assert err == "'t_1_code=0' is skipped because it has already completed.\n"


def durations(shown: str) -> list[str]:
    return [line.split(", ")[2] for line in shown.splitlines() if line.startswith("run ")]


def test_stopping_everything(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "t", "--run", "-j", "2", given="seconds: 600 | 601 | 602\n")
    wait_until(lambda: list(statuses(terminal).values()).count("running") == 2)
    assert "stopping" in terminal("stop", "--all")
    wait_until(lambda: set(statuses(terminal).values()) == {"cancelled"})
    assert "No task matches" in terminal("stop", "--all", code=1)
    assert "No task matches" in terminal("run", "--failed", code=1)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["run"], 2, "NAME"),
        (["run", "x", "--failed"], 2, "NAME"),
        (["stop"], 2, "--all"),
        (["run", "x", "--retries", "many"], 2, "whole number"),
        (["run", "t", "--retries", "-1"], 1, "retries"),
        (["run", "t", "--time-limit", "soon"], 1, "90s"),
        (["run", "t", "--time-limit", "0"], 1, "time_limit"),
        (["run", "t", "--after", "nobody"], 1, "nobody"),
        (["run", "t", "--after", "t"], 1, "depend on itself"),
        (["run", "--query", "lrr<1"], 1, "lr"),
    ],
)
def test_mistakes_queue_nothing(terminal: Terminal, words: list[str], code: int, told: str) -> None:
    terminal("sweep", "-", "-n", "t", given="lr: 1\n")
    assert told in terminal(*words, code=code)
    assert statuses(terminal) == {"t": "pending"}
    assert not (terminal.folder / "_pyruns_" / ".engine" / "batches").exists()


def test_an_option_that_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace = Workspace.open(tmp_path / "train.py")
    task = workspace.create("lr: 1\n", "t")[0]
    with pytest.raises(InvalidInput, match="Unknown run option 'retry'"):
        task.run(retry=3)  # type: ignore[call-arg]  # what a typing error is
    assert task.status == "pending"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["-j", "2"], "--jobs"),
        (["--gpu", "1"], "--gpu"),
        (["--cpus", "2"], "--cpus"),
        (["--sbatch=--qos=high"], "--sbatch"),
        (["--no-requeue"], "--requeue"),
    ],
)
def test_run_options_need_run(terminal: Terminal, words: list[str], named: str) -> None:
    error = terminal("sweep", "-", *words, given="lr: 0.1 | 0.2\n", code=2)
    assert f"{named} requires --run" in error
    assert statuses(terminal) == {}


def test_an_option_without_effect_creates_and_queues_nothing(terminal: Terminal) -> None:
    error = terminal("sweep", "-", "--run", "--retry-delay", "1m", given="lr: 0.1 | 0.2\n", code=1)
    assert "retry_delay has no effect without retries" in error
    assert statuses(terminal) == {}


def test_looking_at_the_queue_starts_a_scheduler_that_is_missing(terminal: Terminal, tmp_path: Path) -> None:
    terminal("pause")
    terminal("sweep", "-", "-n", "t", "--run", given="lr: 0.1 | 0.2\n")
    stop_everything(tmp_path)
    (tmp_path / "_pyruns_" / ".engine" / "paused").unlink(missing_ok=True)
    root = tmp_path / "_pyruns_"
    wait_until(lambda: not scheduler_alive(root))
    terminal("queue")
    wait_until(lambda: scheduler_alive(root) or not terminal.json("queue")["batches"])
    terminal("unpause")
    terminal("wait", "--timeout", "120")
    assert set(statuses(terminal).values()) == {"completed"}
