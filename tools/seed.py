"""Fill a new project with believable tasks, to look at pages and to measure with: `make seed`.

usage: seed.py FOLDER [--tasks 10000] [--seed 0]

The tasks are those of `examples/digits`: sweeps of model, learning rate, width and seed over the last month,
most of them completed, with curves, logs, failures of a few kinds, tags and notes. Written by the same
functions as real ones; no process ran.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import dump_json, write_atomic
from pyruns_jupyter.core.metrics.read import add_points
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits"
MONTH = 30 * 86400.0
EPOCHS = 30
SWEEP = """\
model: mlp | sgd
lr: log(1e-4, 1, 10)
hidden: [16] | [64] | [64, 64] | [256]
batch-size: 16 | 64
epochs: {epochs}
pace: 0.0
seed: {first}:{end}
"""
FAILURES = {
    "out of memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.40 GiB.",
    "not finite": "epoch {epoch}: the weights are not finite any more, lower --lr (now {lr:g})",
    "no data": "FileNotFoundError: [Errno 2] No such file or directory: 'data/train.npz'",
}
NOTES = ("baseline of the paper", "lr too high?", "run again with more epochs", "看起来不错")


def curve(config: dict[str, Any], chance: random.Random) -> dict[str, list[Any]]:
    """Loss and accuracy by epoch; the best learning rate is near 0.01, wide networks are a little better."""
    width = sum(config["hidden"]) if config["model"] == "mlp" else 0
    distance = abs(math.log10(config["lr"]) + 2)
    best = 0.98 - 0.03 * distance**2 + 0.004 * math.log2(1 + width) - 0.03 * (config["model"] == "sgd")
    best = max(0.1, min(0.995, best + chance.gauss(0, 0.004)))
    pace = 3 + 4 * distance
    accuracy = [
        best * (1 - 0.9 * math.exp(-epoch / pace)) + chance.gauss(0, 0.004) for epoch in range(1, EPOCHS + 1)
    ]
    loss = [2.3 * (1 - value) + 0.02 + abs(chance.gauss(0, 0.01)) for value in accuracy]
    return {"epoch": list(range(1, EPOCHS + 1)), "loss": loss, "acc": [min(1.0, value) for value in accuracy]}


def fill(folder: Path, began: float, chance: random.Random) -> None:
    """Give a pending task the run that it had."""
    info = read_task(folder)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    points = curve(config, chance)
    kind = chance.choices(["completed", "failed", "cancelled", "pending"], [84, 8, 3, 5])[0]
    if kind == "pending":
        return
    attempt = f"{chance.getrandbits(128):032x}"
    seconds = chance.lognormvariate(5, 0.6)
    runs.queue(info, attempt=attempt, batch="seed")
    runs.start(
        info,
        attempt=attempt,
        command=f"python train.py --model {config['model']} --lr {config['lr']} --seed {config['seed']}",
        workdir=str(folder.parents[3]),
        source_state="git a7b281c4ae62 | clean | script 8b65f9f8fda2",
        environment={"host": "workstation", "gpus": [f"H100 {chance.randrange(4)}"]},
    )
    runs.set_process(info, attempt, 4000 + chance.randrange(60000), began)
    lines = [f"{config['model']}: 1347 training and 450 test images"]
    reached = EPOCHS if kind == "completed" else chance.randrange(1, EPOCHS)
    rows = zip(*points.values(), strict=True)
    lines += [
        f"epoch {epoch}/{EPOCHS}  loss {loss:.4f}  acc {acc:.4f}"
        for epoch, loss, acc in rows
        if epoch <= reached
    ]
    shown = {key: values[:reached] for key, values in points.items()}
    figures = {key: values[-1] for key, values in shown.items() if key != "epoch"}
    if kind == "failed":
        words = chance.choice(list(FAILURES.values()))
        lines.append(words.format(epoch=reached, lr=config["lr"]))
    add_points(info, 1, shown, whole=True)
    runs.finish(
        info,
        attempt=attempt,
        status=kind,
        exit_code={"completed": 0, "failed": 1, "cancelled": -15}[kind],
        records=figures if kind == "completed" else {},
    )
    date(info, began, began + seconds)
    if chance.random() < 0.04:
        TaskPatch(tags=(chance.choice(["paper", "ablation", "baseline"]),)).apply(info)
    if chance.random() < 0.02:
        info["notes"] = chance.choice(NOTES)
    write_atomic(folder / "task_info.json", dump_json(info), durable=False)
    log = TaskPaths(folder).log(1)
    log.parent.mkdir(exist_ok=True)
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")


def date(info: TaskInfo, began: float, ended: float) -> None:
    """Move the only run of a task to where it was in time."""
    info["created_at"] = stamp(began - 60)
    info["start_times"], info["finish_times"] = [stamp(began)], [stamp(ended)]
    info["durations"] = [round(ended - began, 3)]


def seed(project: Path, count: int, number: int) -> WorkspaceFolder:
    """Make the project and return its workspace."""
    project.mkdir(parents=True)
    for name in ("train.py", "digits.csv.gz"):
        shutil.copy(EXAMPLE / name, project)
    workspace, _ = open_workspace(project / "train.py")
    chance = random.Random(number)
    now = time.time()
    each = 2 * 10 * 4 * 2  # configurations of a sweep with one seed
    made = 0
    while made < count:
        seeds = max(1, min(10, (count - made) // each))
        text = SWEEP.format(epochs=EPOCHS, first=made // each, end=made // each + seeds)
        began = now - MONTH * (1 - made / count)
        for name in create_tasks(workspace, text, f"sweep{made // each:02}"):
            began += chance.expovariate(count / MONTH)
            fill(workspace.tasks / name, min(began, now - 3600), chance)
            made += 1
        print(f"{made} tasks", file=sys.stderr)
    return workspace


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Fill a new project with believable tasks.")
    parser.add_argument("folder", type=Path, help="the project; it may not exist yet")
    parser.add_argument("--tasks", type=int, default=10_000, help="how many, rounded up to whole sweeps")
    parser.add_argument("--seed", type=int, default=0, help="of all chance")
    words = parser.parse_args()
    if words.folder.exists():
        parser.error(f"{words.folder} is there already")
    workspace = seed(words.folder, words.tasks, words.seed)
    print(f"jupyter lab --ServerApp.root_dir={workspace.project}")


if __name__ == "__main__":
    main()
