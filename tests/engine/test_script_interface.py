"""What scripts track and record: seen while the run lives, kept however it ends."""

from __future__ import annotations

import json
import os
import signal

import pytest

from pyruns_jupyter.core.tasks.index import TaskIndex
from tests.support import wait_until

from .conftest import MakeProject
from .support import Project, python

TRACKS = """\
import os, sys, time
import pyruns_jupyter as pyruns

if "__file__" in globals() and __file__ != "<stdin>":
    pyruns.load()
pyruns.track(loss=0.5, step=1)
print("ready", os.getpid(), pyruns.artifact_dir(), flush=True)
while not os.path.exists("gate"):
    time.sleep(0.05)
for step in range(2, 500):
    pyruns.track(loss=1 / step, step=step)
pyruns.record(acc=0.75)
print("tracked", flush=True)
while not os.path.exists("end"):
    time.sleep(0.05)
"""


@pytest.mark.parametrize("kind", ["shell", "script"])
@pytest.mark.parametrize("killed", [False, True])
def test_points_of_a_living_run_and_of_a_killed_one(
    make_project: MakeProject, kind: str, killed: bool
) -> None:
    project = make_project(None if kind == "shell" else TRACKS)
    project.task("T", python(TRACKS) if kind == "shell" else "lr: 1\n")
    project.submit("T")
    wait_until(lambda: len(project.output("T").split()) == 3, message=lambda: str(project.log("T")))
    _, pid, artifacts = project.output("T").decode().split()
    assert artifacts == str(project.paths("T").artifact_dir(1))
    index = TaskIndex(project.workspace)
    index.refresh()
    assert index.rows["T"].figures == {"loss": 0.5, "step": 1}

    (project.folder / "gate").touch()
    project.wait_for_output("T", b"tracked")
    assert [row.figures for row in index.refresh().changed] == [{"loss": 1 / 499, "step": 499, "acc": 0.75}]
    if killed:
        os.kill(int(pid), signal.SIGKILL)
    else:
        (project.folder / "end").touch()
    assert project.wait("T") == ["failed" if killed else "completed"]
    info = project.info("T")
    steps = list(range(1, 500))
    assert info["tracks"] == [{"loss": [0.5, *(1 / step for step in steps[1:])], "step": steps}]
    assert info["records"] == [{"acc": 0.75}]
    wait_until(lambda: not project.paths("T").journal(1).exists())  # what is in the task file goes here
    index.refresh()
    assert index.rows["T"].figures == {"loss": 1 / 499, "step": 499, "acc": 0.75}


RANKS = """\
import os, subprocess, sys
import pyruns_jupyter as pyruns

if "RANK" not in os.environ:
    processes = [
        subprocess.Popen([sys.executable, __file__], env={**os.environ, "RANK": str(rank)})
        for rank in range(4)
    ]
    sys.exit(max(process.wait() for process in processes))

rank, config = int(os.environ["RANK"]), pyruns.load()
for step in range(config.steps):
    pyruns.track({f"memory/{rank}": step})
    if rank == 0:
        pyruns.track(loss=config.lr / (step + 1), step=step)
pyruns.record({f"rank{rank}": pyruns.get_run_index()})
"""


def test_ranks_of_one_run(make_project: MakeProject) -> None:
    project = make_project(RANKS)
    project.task("T", "lr: 0.5\nsteps: 200\n")
    for run in (1, 2):
        project.submit("T")
        assert project.wait("T") == ["completed"], project.log("T", run).decode()
        info = project.info("T")
        tracks = info["tracks"][run - 1]
        assert tracks["step"] == list(range(200))
        assert tracks["loss"] == [0.5 / (step + 1) for step in range(200)]
        assert [tracks[f"memory/{rank}"] for rank in range(4)] == [list(range(200))] * 4
        assert info["records"][run - 1] == {f"rank{rank}": run for rank in range(4)}


def test_a_run_that_tracks_nan_leaves_strict_json(shell: Project) -> None:
    shell.task(
        "T", python('import pyruns_jupyter as p\np.track(loss=float("nan"))\np.record(best=float("inf"))\n')
    )
    shell.submit("T")
    assert shell.wait("T") == ["completed"]
    info = json.loads(shell.paths("T").info.read_bytes(), parse_constant=pytest.fail)
    assert (info["tracks"], info["records"]) == ([{"loss": ["NaN"]}], [{"best": "Infinity"}])
    wait_until(lambda: not shell.paths("T").journal(1).exists())
