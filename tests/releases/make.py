"""Makes the folder that one release leaves to all later ones: `tests/releases/<version>.tar.gz`.

Once for each release, with its wheel in an environment of its own, so that the folder names no developer's
machine: `unshare --uts sh -c 'hostname workstation; exec PYTHON tests/releases/make.py FOLDER'`, where FOLDER
does not exist yet. Beside the project lies `told.json`: what this release itself says of it.
"""

from __future__ import annotations

import json
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyruns_jupyter
from pyruns_jupyter import Workspace

SCRIPT = """\
import argparse
import sys
from pathlib import Path

import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
arguments = parser.parse_args()
if arguments.lr > 1:
    sys.exit("the loss is not finite")
loss = 1.0
for step in range(arguments.steps):
    loss *= 1 - arguments.lr
    pyruns.track(step=step, loss=loss)
    print(f"step {step}: loss {loss:.6f}", flush=True)
pyruns.record(loss=loss, infinite=float("inf"))
(Path(pyruns.artifact_dir()) / "loss.txt").write_text(f"{loss}\\n")
"""


def make(project: Path) -> None:
    """Fill a new project: tasks in every state, a search, a trash, a queue that waits."""
    project.mkdir(parents=True)
    (project / "train.py").write_text(SCRIPT)
    workspace = Workspace.open(project / "train.py")
    sweep = workspace.create("lr: 0.5 | 0.1 | 2.0\noptimizer: sgd | adam\n", "sweep")
    workspace.run(sweep, jobs=2)
    workspace.wait(sweep)
    again = workspace.tasks("lr=0.5 optimizer=adam")[0]
    workspace.run([again], gpus=0, time_limit="1h", retries=1)
    again.wait()
    again.notes, again.tags, again.pinned = "the best so far\n实验", ["best", "论文"], True
    removed = workspace.create("lr: 0.3\n", "removed")[0]
    removed.delete()
    search = workspace.optimize(
        "lr: log(1e-3, 0.5)\nsteps: 5\n",
        objective="loss",
        direction="minimize",
        n=4,
        sampler="random",
        seed=1,
        name="search",
    )
    search.wait()
    assert search.best is not None and again.status == "completed", "the script does not run"
    shell = Workspace.open(project)
    shell.create("echo from a shell\n", "greeting")
    shell.run(shell.tasks("greeting"))
    shell.wait()
    workspace.create("lr: 0.2\n", "pending")
    workspace.queue.pause()
    workspace.run(workspace.create("lr: 0.2 | 0.4\nsteps: 3\n", "waiting"), jobs=1, priority=3)


def told(project: Path) -> dict[str, Any]:
    """What a release says of the project, JSON-ready."""
    scripts = {"train": Workspace.open(project / "train.py"), "_shell_": Workspace.open(project)}
    return {name: told_of(workspace) for name, workspace in scripts.items()}


def told_of(workspace: Workspace) -> dict[str, Any]:
    return {
        "tasks": dict(sorted(tasks(workspace))),
        "trash": [trashed.name for trashed in workspace.trashed()],
        "studies": {
            name: {
                "state": study.state,
                "best": study.best_value,
                "trials": [trial.task for trial in study.trials],
            }
            for name, study in workspace.studies.items()
        },
    }


def tasks(workspace: Workspace) -> Iterator[tuple[str, Any]]:
    for task in workspace:
        yield (
            task.name,
            {
                "status": task.status,
                "config": task.config_text,
                "notes": task.notes,
                "tags": list(task.tags),
                "pinned": task.pinned,
                "env": task.env,
                "runs": [
                    {
                        "status": run.status,
                        "exit_code": run.exit_code,
                        "started": str(run.started_at),
                        "records": repr(task.records(run.index)),
                        "tracks": repr(task.tracks(run.index)),
                        "artifacts": [path.name for path in task.artifacts(run.index)],
                        "log": task.log(run.index),
                    }
                    for run in task.runs
                ],
            },
        )


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    project = folder / "project"
    make(project)
    time.sleep(5)  # until the scheduler has left: what is queued waits
    (folder / "told.json").write_text(json.dumps(told(project), indent=1, ensure_ascii=False))
    target = Path(__file__).with_name(f"{pyruns_jupyter.__version__}.tar.gz")
    with tarfile.open(target, "w:gz") as archive:
        for name in ("project", "told.json"):
            archive.add(folder / name, arcname=name)
    print(target)


if __name__ == "__main__":
    main()
