"""Schedulers, supervisors and tasks are killed at random, again and again, with many tasks in flight.

`PYRUNS_STORM_KILLS` says how often (500 takes some minutes); the figures are printed (`pytest -s`).
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.fs.atomic import dump_json, read_json
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.engine.queue.launch import ensure_running
from tests.support import wait_until

from .support import ENDED, Project, stop_everything

KILLS = int(os.environ.get("PYRUNS_STORM_KILLS", "25"))
IN_FLIGHT = 30
pytestmark = pytest.mark.timeout(400 + 3 * KILLS)
# Lines without a gap, then its own exit code; a second process of one run would meet the first one's lock.
# Descriptor 8 is read instead of a `sleep`: thirty scripts would start more processes than this is about.
SCRIPT = """\
exec 9> "$PYRUNS_TASK_DIR/only" 8<> <(:)
flock -n 9 || echo double >> "$PYRUNS_TASK_DIR/double"
echo run >> "$PYRUNS_TASK_DIR/count"
for ((n = 0; n < {lines}; n++)); do echo "line $n"; read -rt 0.05 -u 8; done
echo end {code}
exit {code}
"""
# Steps that follow each other across the runs of a task, each saved in a checkpoint.
TRAINING = """\
exec 9> "$PYRUNS_TASK_DIR/only" 8<> <(:)
flock -n 9 || echo double >> "$PYRUNS_TASK_DIR/double"
echo "$PYRUNS_RUN_INDEX" >> "$PYRUNS_TASK_DIR/count"
state="$PYRUNS_CHECKPOINT_DIR/step"
mkdir -p "$PYRUNS_CHECKPOINT_DIR"
n=0
[ -e "$state" ] && read -r n < "$state"
while ((n < {lines})); do
  n=$((n + 1))
  echo "$n" >> "$PYRUNS_TASK_DIR/steps"
  read -rt 0.05 -u 8
  echo "$n" > "$state.new"
  mv "$state.new" "$state" 9>&-
done
"""
AGAIN: dict[str, Any] = {
    "resume": True,
    "max_requeues": 1000,
    "retries": 100,
    "retry_delay": 0.0,
    "stop_after": 0,
}


class Storm:
    """One project in the storm; with `requeues`, the machine is restarted now and then, too."""

    def __init__(self, project: Project, seed: int, *, requeues: bool = False) -> None:
        self.requeues = requeues
        self.kinds = ["scheduler", "supervisor", "task"]
        if requeues:
            self.kinds = [*self.kinds * 3, "restart"]
        self.project = project
        self.random = random.Random(seed)
        self.names: list[str] = []
        self.living: list[str] = []  # those that were not seen to have ended
        self.submitted = 0
        self.killed: Counter[str] = Counter()
        self.longest = 0.0  # s until all states were true again

    def fill(self) -> None:
        """Keep so many tasks queued or running."""
        self.living = [name for name in self.living if self.project.status(name) not in ENDED]
        while len(self.living) < IN_FLIGHT:
            name = f"t{len(self.names):04}"
            lines, code = self.random.randint(1, 60), self.random.choice([0, 0, 3])
            script = TRAINING.format(lines=lines) if self.requeues else SCRIPT.format(lines=lines, code=code)
            self.names.append(self.project.task(name, script))
            self.living.append(name)
        new = self.names[self.submitted :]
        if new:
            self.submitted = len(self.names)
            options: dict[str, Any] = AGAIN if self.requeues else {}
            assert self.project.submit(*new, jobs=IN_FLIGHT, **options).refused == {}

    def strike(self) -> None:
        """Kill something."""
        kind = self.random.choice(self.kinds)
        running = [name for name in self.living if self.project.status(name) == "running"]
        pid = 0
        if kind == "restart" and running:
            self.restart(running)
        with suppress(OSError, PyrunsError, ValueError, KeyError, IndexError):
            if kind == "scheduler":
                pid = int(read_json(self.project.engine.scheduler_lock)["pid"])
            elif running and kind != "restart":
                name = self.random.choice(running)
                pid = (
                    self.project.supervisor_pid(name)
                    if kind == "supervisor"
                    else self.project.info(name)["pids"][0]
                )
        if pid and _is_ours(pid, str(self.project.folder), kind):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[kind] += 1

    def restart(self, running: list[str]) -> None:
        """Kill all processes, as a restart of the machine or the end of a container does."""
        key = self.random.choice(["boot", "space"])
        stop_everything(self.project.folder)
        for name in running:
            info = self.project.info(name)
            owner = self.project.paths(name).owner(len(info["run_statuses"]))
            with suppress(FileNotFoundError):
                owner.write_bytes(dump_json({**read_json(owner), key: f"another {key}"}))  # in place
        self.killed["restart"] += 1
        self.killed["in restarts"] += len(running)

    def settle(self) -> None:
        """Look as a front end does, and see that what the files say becomes true."""
        began = time.monotonic()
        ensure_running(self.project.root)

        def is_true() -> bool:
            ensure_running(self.project.root)
            return not self.untrue()

        wait_until(is_true, message=lambda: f"{self.untrue()} {self.project.scheduler_log()[-2000:]}")
        self.longest = max(self.longest, time.monotonic() - began)

    def untrue(self) -> list[str]:
        """The tasks that say they run, although nobody owns them."""
        found = []
        for name in self.living:
            info = self.project.info(name)
            if info["status"] == "running":
                with suppress(FileNotFoundError):
                    if not is_locked(self.project.paths(name).owner(len(info["run_statuses"]))):
                        found.append(name)
        return found


def _is_ours(pid: int, folder: str, kind: str) -> bool:
    """Pids may be used again; only a process of this project is killed."""
    try:
        process = psutil.Process(pid)
        if kind == "task":
            return process.environ().get("PYRUNS_TASK_DIR", "").startswith(folder)
        return any(folder in word for word in process.cmdline())
    except psutil.Error:
        return False


def rage(storm: Storm) -> None:
    """Kill as many processes as are to be killed, and wait until all tasks have ended."""
    shell = storm.project
    needed = ["scheduler", *(["in restarts"] if storm.requeues else [])]
    while sum(storm.killed.values()) < KILLS or not all(storm.killed[kind] for kind in needed):
        storm.fill()
        for _ in range(storm.random.randint(1, 3)):
            storm.strike()
            time.sleep(storm.random.random() * 0.1)
        storm.settle()

    def all_ended() -> bool:
        ensure_running(shell.root)
        return all(shell.status(name) in ENDED for name in storm.names)

    wait_until(all_ended, message=shell.scheduler_log)


def test_a_storm(shell: Project) -> None:
    storm = Storm(shell, seed=7)
    rage(storm)
    ends: Counter[str] = Counter()
    for name in storm.names:
        info, log = shell.info(name), shell.log(name).decode()
        folder = shell.paths(name).folder
        assert not (folder / "double").exists(), name
        count = (folder / "count").read_text() if (folder / "count").exists() else ""
        assert count in ("", "run\n"), name  # started once, or killed before it began
        assert len(info["run_statuses"]) == 1, name
        assert info["run_statuses"] == [info["status"]]
        lines = [int(number) for number in re.findall(r"(?m)^line (\d+)$", log)]
        assert lines == list(range(len(lines))), name  # no line is lost, none is there twice
        message = info["pyruns_jupyter"].get("messages", {}).get("1", "")
        (code,) = info["exit_codes"]
        end = re.search(r"(?m)^end (\d+)$", log)
        if "supervisor" in message:
            assert (info["status"], code) == ("failed", None)
            ends["supervisor killed"] += 1
        elif code == -9:
            assert info["status"] == "failed"
            ends["task killed"] += 1
        else:
            assert end is not None, name
            assert code == int(end[1])
            assert info["status"] == ("completed" if code == 0 else "failed")
            ends["ran to its end"] += 1
        assert "FINISH" in log
    assert storm.killed["scheduler"] > 0
    print(
        f"killed {dict(storm.killed)}; {len(storm.names)} tasks: {dict(ends)}; "
        f"states true within {storm.longest:.2f} s"
    )


def test_a_storm_of_restarts_and_requeues(shell: Project) -> None:
    storm = Storm(shell, seed=11, requeues=True)
    rage(storm)
    runs = requeued = 0
    for name in storm.names:
        info, folder = shell.info(name), shell.paths(name).folder
        assert not (folder / "double").exists(), name
        statuses = info["run_statuses"]
        assert statuses == ["failed"] * (len(statuses) - 1) + ["completed"], name
        begun = [int(line) for line in (folder / "count").read_text().split()]
        assert begun == sorted(set(begun)), name  # each run started once, and one after the other
        assert begun[-1] == len(statuses), name
        # The same result as undisturbed: each step follows the one before, or repeats what was not saved.
        steps = [int(line) for line in (folder / "steps").read_text().split()]
        assert steps[0] == 1 and set(steps) == set(range(1, steps[-1] + 1)), name
        assert all(later - step in (0, 1) for step, later in pairwise(steps)), name
        lines = int(re.findall(r"n < (\d+)", shell.paths(name).folder.joinpath("config.sh").read_text())[0])
        assert steps[-1] == lines, name
        assert (shell.paths(name).checkpoints / "step").read_text() == f"{lines}\n"
        runs += len(statuses)
        messages = info["pyruns_jupyter"].get("messages", {}).values()
        requeued += sum("requeue" in message for message in messages)
    assert requeued > 0, storm.killed
    print(
        f"killed {dict(storm.killed)}; {len(storm.names)} tasks, {runs} runs, {requeued} requeued; "
        f"states true within {storm.longest:.2f} s"
    )
