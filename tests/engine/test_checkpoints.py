"""Runs that continue from a checkpoint: after their time limit, a reboot, a kill, and when they ask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.engine.client.submit import cancel
from tests.support import wait_until

from .support import Project

STEPS = 40
# A training whose result depends on each step. Its first run stays at step 10 until it is asked to stop.
TRAINING = f"""\
import json, os, random, sys, time
from pathlib import Path
import pyruns_jupyter as pyruns

if os.environ.get("TRAINING_FAILS"):
    sys.exit("it fails before it saves")
checkpoint = Path(os.environ["PYRUNS_CHECKPOINT_DIR"], "state.json")
pyruns.checkpoint_dir()
FIRST
state = {{"step": 0, "weight": 1.0}}
if pyruns.resumed_from() and checkpoint.exists():
    state = json.loads(checkpoint.read_text())
print("starts at", state["step"], "continues", pyruns.resumed_from(), flush=True)
while state["step"] < {STEPS}:
    target = random.Random(state["step"]).random()
    state = {{"step": state["step"] + 1, "weight": state["weight"] - 0.1 * (state["weight"] - target)}}
    if SAVES:
        checkpoint.with_suffix(".tmp").write_text(json.dumps(state))
        checkpoint.with_suffix(".tmp").replace(checkpoint)
    pyruns.track(state)
    while state["step"] == 10 and pyruns.get_run_index() == 1:
        WAIT
    if pyruns.resumed_from() and state["step"] < 10:
        sys.exit("started anew")
pyruns.record(weight=state["weight"])
"""
ASKS = "time.sleep(0.02); pyruns.should_stop() and sys.exit(os.EX_TEMPFAIL)"
SLEEPS = "time.sleep(0.02)"


def training(wait: str, saves: bool = True) -> str:
    first = "pyruns.should_stop()" if wait == ASKS else "pass"
    return TRAINING.replace("FIRST", first).replace("WAIT", wait).replace("SAVES", str(saves))


def weight() -> float:
    """Return the result of an undisturbed training."""
    import random

    value = 1.0
    for step in range(STEPS):
        value -= 0.1 * (value - random.Random(step).random())
    return value


def messages(project: Project, name: str) -> dict[str, str]:
    found: dict[str, str] = project.info(name)["pyruns_jupyter"].get("messages", {})
    return found


def wait_for_step_10(project: Project) -> None:
    state = project.paths("A").checkpoints / "state.json"
    wait_until(lambda: state.exists() and json.loads(state.read_text())["step"] == 10)
    project.wait_for_output("A", b"starts at")  # so its supervisor measures its time


def check_result(project: Project, statuses: list[str]) -> None:
    info = project.info("A")
    assert info["run_statuses"] == statuses
    assert info["records"][-1]["weight"] == weight()
    assert b"starts at 0 continues None" in project.output("A")
    assert f"starts at 10 continues {len(statuses) - 1}".encode() in project.output("A", len(statuses))
    assert info["tracks"][-1]["step"] == list(range(11, STEPS + 1))


@pytest.mark.parametrize("wait", [ASKS, SLEEPS])
def test_a_time_limit_is_no_end_where_a_checkpoint_was_saved(make_project: Any, wait: str) -> None:
    project = make_project(training(wait))
    project.task("A")
    with project.scheduler():
        project.submit("A", time_limit=3600.0, resume=True)
        wait_for_step_10(project)
        project.pass_time()
        assert project.wait("A") == ["completed"]
    check_result(project, ["failed", "completed"])
    assert messages(project, "A") == {
        "1": "Stopped because it exceeded its time limit of 1 h 00 min. "
        "The task was requeued (requeue 1 of at most 20)."
    }


def test_a_time_limit_is_the_end_where_none_was(make_project: Any) -> None:
    project = make_project(training(SLEEPS, saves=False))
    project.task("A")
    project.submit("A", time_limit=1.0, resume=True)
    assert project.wait("A") == ["failed"]
    assert project.info("A")["run_statuses"] == ["failed"]
    assert messages(project, "A") == {"1": "Stopped because it exceeded its time limit of 1.0 s."}


@pytest.mark.parametrize("by_cluster", [False, True])
def test_a_signal_before_the_time_limit(make_project: Any, by_cluster: bool) -> None:
    project = make_project(training(ASKS))
    project.task("A")
    with project.scheduler():
        project.submit("A", time_limit=10_000.0, signal="USR1@6000", resume=True)
        wait_for_step_10(project)
        if by_cluster:  # which sends it to the supervisor
            os.kill(project.supervisor_pid("A"), signal.SIGUSR1)
        else:
            project.pass_time()
        assert project.wait("A") == ["completed"]
    check_result(project, ["failed", "completed"])
    assert b"[PYRUNS] Sent SIGUSR1 to 1 process of this run." in project.log("A")
    assert messages(project, "A")["1"] == (
        "The script exited with code 75. The task was requeued (requeue 1 of at most 20)."
    )


def test_a_signal_that_no_process_handles_ends_none(shell: Project) -> None:
    shell.task("A", "while [ ! -e go ]; do sleep 0.1; done; echo still here")
    shell.submit("A", time_limit=1000.0, signal="USR1@999.5")
    shell.wait_for_output("A", b"No process of this run handles SIGUSR1, so it was not sent.")
    (shell.folder / "go").touch()
    assert shell.wait("A") == ["completed"]
    assert b"still here" in shell.output("A")


def test_a_reboot(make_project: Any) -> None:
    project = make_project(training(SLEEPS))
    project.task("A")
    project.submit("A", resume=True)
    wait_for_step_10(project)
    project.reboot("A")
    assert project.wait("A") == ["completed"]
    check_result(project, ["failed", "completed"])
    assert messages(project, "A")["1"].startswith("The machine was restarted during this run. The task was ")


def test_a_killed_run_continues_when_it_is_queued_again(make_project: Any) -> None:
    project = make_project(training(SLEEPS))
    project.task("A")
    project.submit("A", resume=True)
    wait_for_step_10(project)
    os.killpg(project.pid("A"), signal.SIGKILL)
    assert project.wait("A") == ["failed"]
    project.submit("A")
    assert project.wait("A") == ["completed"]
    check_result(project, ["failed", "completed"])
    # After it completed, it starts anew, also if the run after that ends before it saves anything.
    for run, delay in ((3, "0"), (4, "0"), (5, "")):
        project.task_environment("A", TRAINING_FAILS=delay)
        project.submit("A")
        wait_until(lambda run=run: len(project.info("A")["run_statuses"]) == run)  # type: ignore[misc]
        assert project.wait("A") == ["failed" if delay else "completed"]
    assert b"starts at 0 continues None" in project.output("A", 5)


def test_a_checkpoint_does_not_take_retries_away(shell: Project) -> None:
    shell.task("A", 'mkdir -p "$PYRUNS_CHECKPOINT_DIR"; date > "$PYRUNS_CHECKPOINT_DIR/state"; sleep 600')
    shell.submit("A", time_limit=0.7, retries=1, retry_delay=0.0)
    wait_until(lambda: shell.info("A").get("run_statuses") == ["failed", "failed"])


def test_a_stopped_run_is_cancelled_and_not_requeued(make_project: Any) -> None:
    project = make_project(training(ASKS))
    project.task("A")
    project.submit("A", resume=True)
    wait_for_step_10(project)
    cancel(project.workspace, "A")
    assert project.wait("A") == ["cancelled"]
    assert project.info("A")["exit_codes"] == [75]


@pytest.mark.parametrize(
    ("options", "runs", "message"),
    [
        (
            {"resume": True, "max_requeues": 2},
            3,
            (
                "The script exited with code 75. The task was not requeued, because it was requeued 2 times "
                "already (max_requeues)."
            ),
        ),
        ({"retries": 1, "retry_delay": 0.0}, 2, None),
        ({}, 1, None),
    ],
)
def test_a_script_that_always_asks(
    shell: Project, options: dict[str, Any], runs: int, message: str | None
) -> None:
    shell.task("A", "exit 75")
    shell.submit("A", **options)
    wait_until(lambda: shell.info("A").get("run_statuses") == ["failed"] * runs)
    shell.wait_for_exit()
    assert shell.info("A")["run_statuses"] == ["failed"] * runs
    assert messages(shell, "A").get(str(runs)) == message


def run_python(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)


def test_outside_a_task(tmp_path: Path) -> None:
    done = run_python(
        "import os, signal, pyruns_jupyter as pyruns\n"
        "print(pyruns.checkpoint_dir(), pyruns.resumed_from(), pyruns.should_stop())\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print(pyruns.should_stop())\n",
        tmp_path,
    )
    assert done.stdout == f"{tmp_path / 'checkpoints'} None False\nTrue\n", done.stderr


def test_workers_end_when_they_are_asked_to(tmp_path: Path) -> None:
    """They inherit the handler, but do not look at the request."""
    done = run_python(
        "import multiprocessing, time, pyruns_jupyter as pyruns\n"
        "pyruns.should_stop()\n"
        "worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,))\n"
        "worker.start()\n"
        "worker.terminate()\n"
        "worker.join()\n"
        "print(worker.exitcode, pyruns.should_stop())\n",
        tmp_path,
    )
    assert done.stdout == "-15 False\n", done.stderr


def test_a_handler_of_the_script_is_called_as_well(tmp_path: Path) -> None:
    done = run_python(
        "import os, signal, pyruns_jupyter as pyruns\n"
        "signal.signal(signal.SIGUSR1, lambda number, frame: print('handler'))\n"
        "pyruns.should_stop()\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "print(pyruns.should_stop())\n",
        tmp_path,
    )
    assert done.stdout == "handler\nTrue\n", done.stderr


def test_the_first_call_in_a_thread_is_refused(tmp_path: Path) -> None:
    done = run_python(
        "import threading, pyruns_jupyter as pyruns\nthreading.Thread(target=pyruns.should_stop).start()\n",
        tmp_path,
    )
    assert "should_stop() must first be called in the main thread" in done.stderr
