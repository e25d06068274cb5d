"""What it costs to open and watch a workspace with thousands of tasks, against bare reads of the same files.

`python bench/index.py [--tasks 10000] [--points 20] [--reference /path/to/pyr]`. The workspace is made first,
in a temporary folder (100,000 tasks take minutes and 2 GB). Four of five tasks have a finished run with
figures and two curves of `--points` values. All reads find the files in the system's cache. With the command
line program `pyruns` 0.3.17 (`--reference`, or PYRUNS_REFERENCE) its `pyr ls --json` is measured beside ours,
both as processes of their own.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import dump_json, write_atomic
from pyruns_jupyter.core.metrics.read import add_points
from pyruns_jupyter.core.metrics.statistics import CurveStatistics
from pyruns_jupyter.core.query import Sources, select
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

AT_ONCE = 10_000  # tasks of one sweep
CHANGED = 100
SCRIPT = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--data", default="data/digits.csv")
parser.add_argument("--layers", type=int, nargs="+", default=[64, 32])
parser.add_argument("--weight-decay", type=float, default=1e-4)
print(parser.parse_args())
"""
SWEEP = """\
lr: 0.1 | 0.05 | 0.01 | 0.005
opt: sgd | adam
seed: 0:{seeds}
epochs: 20
batch_size: 64
data: data/digits.csv
layers: [64, 32]
weight_decay: 1e-4
"""
ENVIRONMENT: dict[str, Any] = {
    "host": "bench",
    "system": "Debian GNU/Linux 13 (trixie) · x86_64",
    "launcher": "/usr/bin/python3",
    "conda_env": "",
    "cuda_visible_devices": None,
    "assigned_gpu_ids": [],
    "gpu_scope": "detected",
    "gpu_status": "unavailable",
    "gpus": [],
}


def make(project: Path, count: int, points: int) -> WorkspaceFolder:
    """Make a project with `count` tasks and return its workspace."""
    project.mkdir()
    (project / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace, _ = open_workspace(project / "train.py")
    made: list[str] = []
    while len(made) < count:
        seeds = max(1, min(AT_ONCE, count - len(made)) // 8)
        made += create_tasks(workspace, SWEEP.format(seeds=seeds), f"sweep{len(made) // AT_ONCE}")
    chance = random.Random(1)
    for name in made:
        if chance.random() < 0.8:
            add_run(workspace.tasks / name, chance, points)
    return workspace


def add_run(folder: Path, chance: random.Random, points: int) -> None:
    """Add a finished run with a curve of `points` values to a task."""
    info = read_task(folder)
    attempt = f"{chance.getrandbits(128):032x}"
    runs.queue(info, attempt=attempt, batch="bench")
    runs.start(
        info,
        attempt=attempt,
        command="/usr/bin/python3 train.py --lr 0.1 --opt sgd",
        workdir=str(folder),
        source_state="git a7b281c4ae62 | dirty | script 8b65f9f8fda2",
        environment=ENVIRONMENT,
    )
    runs.set_process(info, attempt, 4242, 1.7e9)
    good = chance.random() < 0.9
    tracks: dict[str, list[Any]] = {
        "loss": [chance.random() for _ in range(points)],
        "step": list(range(points)),
    }
    add_points(info, 1, tracks, whole=True, statistics={key: _statistics(one) for key, one in tracks.items()})
    runs.finish(
        info,
        attempt=attempt,
        status=runs.COMPLETED if good else runs.FAILED,
        exit_code=0 if good else 1,
        records={"acc": chance.random(), "best_epoch": chance.randrange(20)},
    )
    write_atomic(folder / "task_info.json", dump_json(info), durable=False)


def _statistics(values: list[Any]) -> CurveStatistics:
    found = CurveStatistics()
    found.add(values)
    return found


class Cost(NamedTuple):
    """Milliseconds by the clock, and of the processor; a busy machine only makes both longer."""

    wall: float
    processor: float


def cost(call: Callable[[], object], times: int) -> Cost:
    """Return the least that `times` calls took, with the processes that they ran."""
    taken = []
    for _ in range(times):
        begun, used = time.perf_counter(), _processor()
        call()
        taken.append(Cost(1e3 * (time.perf_counter() - begun), 1e3 * (_processor() - used)))
    return min(taken)


def _processor() -> float:
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def task_files(workspace: WorkspaceFolder) -> Iterator[str]:
    """Yield the paths of all task files."""
    with os.scandir(workspace.tasks) as entries:
        for entry in entries:
            if entry.name[0] != ".":
                yield f"{entry.path}/task_info.json"


def read_all(workspace: WorkspaceFolder) -> list[bytes]:
    """Read all task files and do nothing with them."""
    found = []
    for path in task_files(workspace):
        descriptor = os.open(path, os.O_RDONLY)
        found.append(os.read(descriptor, os.fstat(descriptor).st_size))
        os.close(descriptor)
    return found


def parse_all(data: list[bytes]) -> None:
    """Parse all task files and keep nothing of them."""
    for one in data:
        json.loads(one)


def stat_all(workspace: WorkspaceFolder) -> None:
    """Look at the times of all task files."""
    for path in task_files(workspace):
        os.stat(path)


def measure(folder: Path) -> dict[str, Any]:
    """Return all figures of one process that opens the workspace in `folder`."""
    workspace = WorkspaceFolder(folder)
    found: dict[str, Any] = {}
    # What is imported late is no part of the index. Memory comes first: later on, freed memory is used again.
    with tempfile.TemporaryDirectory() as empty:
        small = TaskIndex(make(Path(empty, "p"), 8, 2))
        small.refresh()
        small.configs()
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    index = TaskIndex(workspace)
    index.refresh()
    gc.collect()
    found["memory"] = (process.memory_info().rss - before) / 1e6
    found["configs"] = cost(index.configs, 1)
    gc.collect()
    found["memory with configs"] = (process.memory_info().rss - before) / 1e6
    found["configs again"] = cost(index.configs, 7)
    found["same"] = cost(index.refresh, 7)
    rows = index.rows.values()
    for key, text in (("last", "loss<0.1"), ("min", "min(loss)<0.1"), ("points", "mean(loss, 10)<0.5")):
        found[key] = cost(partial(select, rows, text, sources=Sources.of(index)), 1 if key == "points" else 5)
    found["points again"] = cost(partial(select, rows, text, sources=Sources.of(index)), 5)
    found["cold"] = cost(lambda: TaskIndex(workspace).refresh(), 3)
    found["read"] = cost(lambda: read_all(workspace), 3)
    found["stat"] = cost(lambda: stat_all(workspace), 5)
    data = read_all(workspace)
    found["bytes"] = sum(map(len, data)) / 1e6
    found["json"] = cost(lambda: parse_all(data), 3)
    taken = []
    for turn in range(5):
        change(workspace, [*index.rows][turn :: max(1, len(index.rows) // CHANGED)][:CHANGED])
        taken.append(cost(index.refresh, 1))
    found["changed"] = min(taken)
    return found


def change(workspace: WorkspaceFolder, names: list[str]) -> None:
    """Change tasks as another program does."""
    for name in names:
        info = read_task(workspace.tasks / name)
        info["pinned"] = not info.get("pinned")
        write_atomic(workspace.tasks / name / "task_info.json", dump_json(info), durable=False)
    time.sleep(0.2)  # past the tick of the file system's clock


def listing(command: list[str], project: Path, environment: dict[str, str]) -> Cost:
    """Return what a program needs to list all tasks as JSON, as a process of its own."""

    def call() -> None:
        subprocess.run(
            command, cwd=project, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True
        )

    call()
    return cost(call, 3)


def table(found: dict[str, Any], count: int) -> str:
    """Return the figures as a table, each with its ratio to a bare read of the same files."""
    lines = [
        ("scandir, open, read", "read", "read"),
        ("the same and json.loads", "read and json", "read"),
        ("index: first look", "cold", "read and json"),
        ("scandir, stat", "stat", "stat"),
        ("index: nothing changed", "same", "stat"),
        (f"index: {CHANGED} changed", "changed", "stat"),
        ("configurations: first time", "configs", "read"),
        ("configurations: again", "configs again", "read"),
        ("query loss<0.1", "last", "last"),
        ("query min(loss)<0.1", "min", "last"),
        ("query mean(loss, 10)<0.5: first time", "points", "read and json"),
        ("query mean(loss, 10)<0.5: again", "points again", "last"),
        ("ls --json, ours", "ls", "read and json"),
        ("ls --json, pyr", "pyr ls", "ls"),
    ]
    named = {key: title for title, key, _ in lines}
    shown = [f"{count:,} tasks, {found['bytes']:.0f} MB of task files, {os.cpu_count()} cores", ""]
    shown += ["| what | ms | processor, ms | processor, ratio to |", "| --- | ---: | ---: | --- |"]
    for title, key, against in lines:
        if key in found:
            (wall, used), (_, base) = found[key], found[against]
            ratio = "" if key == against else f"{used / base:.2f} x {named[against]}"
            shown.append(f"| {title} | {wall:.0f} | {used:.0f} | {ratio} |")
    alone, both = found["memory"], found["memory with configs"]
    shown += ["", f"memory of the index: {alone:.0f} MB, with configurations {both:.0f} MB"]
    return "\n".join(shown)


def main() -> int:
    """Make the workspace, measure in a fresh process, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=20, help="values of each curve")
    parser.add_argument(
        "--reference",
        type=os.path.abspath,
        default=os.environ.get("PYRUNS_REFERENCE"),
        help="the program pyr",
    )
    parser.add_argument("--folder", type=Path, help="keep the project here and use it again")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        project = args.folder or Path(temporary, "project")
        if not project.is_dir():
            make(project, args.tasks, args.points)
        workspace = open_workspace(project / "train.py")[0]
        child = [sys.executable, __file__, "--measure", str(workspace.folder)]
        found: dict[str, Any] = json.loads(subprocess.run(child, stdout=subprocess.PIPE, check=True).stdout)
        found["read and json"] = [
            read + parse for read, parse in zip(found["read"], found["json"], strict=True)
        ]
        ours = [sys.executable, "-m", "pyruns_jupyter.cli", "ls", "--json"]
        found["ls"] = listing(ours, project, {})
        if args.reference:
            home = Path(temporary, "home")
            home.mkdir()
            theirs = [args.reference, "-w", "train", "ls", "--json"]
            found["pyr ls"] = listing(theirs, project, {"HOME": str(home)})
        print(table(found, len(workspace.task_names())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
