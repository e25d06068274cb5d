"""How long a sweep of 10,000 configurations takes: its preview, with names and the check of every command
line, and its creation; beside `itertools.product` over the same values with one `yaml.safe_load` each, and
beside writing files of that size plainly.

    python bench/sweep.py [--tasks 10000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from pyruns_jupyter.core.create.create import create
from pyruns_jupyter.core.create.preview import plan_tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.generator import PreviewRequest, preview

SCRIPT = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")
parser.add_argument("--layers", type=int, nargs="+", default=[64])
parser.add_argument("--name", default="x")
parser.add_argument("--cache", action="store_true")
print(parser.parse_args())
"""


def text_of(tasks: int) -> str:
    """A sweep of that many tasks over four kinds of axes."""
    return (
        "lr: log(1e-5, 1e-1, 25)   # learning rate\n"
        f"seed: 0:{max(tasks // 100, 1)}\n"
        "opt: sgd | adam\n"
        "layers: [64, 32] | [128, 64]\n"
        "name: base\ncache: false\n"
    )


def measured(call: Callable[[], object], repeat: int) -> float:
    """Return the median time of a call in seconds, after one call to warm up."""
    call()
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def plainly(text: str, tasks: int) -> int:
    """The least that could be done: the product of the values, and one configuration read as YAML."""
    lr = [10 ** (-5 + 4 * at / 24) for at in range(25)]
    axes = [lr, range(tasks // 100), ["sgd", "adam"], [[64, 32], [128, 64]]]
    found = [dict(zip(("lr", "seed", "opt", "layers"), row, strict=True)) for row in itertools.product(*axes)]
    yaml.safe_load("lr: 0.1\nseed: 0\nopt: sgd\nlayers: [64, 32]\nname: base\ncache: false\n")
    return len(found)


def write_plainly(folder: Path, tasks: int) -> None:
    """The same folders and files, without a lock, a check or a guarantee, and not made durable."""
    for number in range(tasks):
        task = f"{folder}/task{number}"
        os.mkdir(task)
        os.mkdir(f"{task}/run_logs")
        for name, size in (("config.yaml", 110), ("task_info.json", 900)):
            with open(f"{task}/{name}", "wb") as stream:
                stream.write(b"x" * size)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    text = text_of(options.tasks)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "train.py")
        script.write_text(SCRIPT, encoding="utf-8")
        workspace: WorkspaceFolder = open_workspace(script)[0]
        count = plan_tasks(workspace, text, "bench").count
        print(f"{count:,} configurations")
        base = measured(lambda: plainly(text, options.tasks), options.repeat)
        print(f"product of the values and one yaml.safe_load: {base * 1000:.1f} ms")
        usual = PreviewRequest(text=text, name="bench")
        pattern = PreviewRequest(text=text, name="{lr:.1e}-{seed}-{opt}-{n}")
        wide = text.replace(f"0:{options.tasks // 100}", "1").replace("log(1e-5, 1e-1, 25)", "0:1:0.0004")
        for what, wanted in (
            ("preview with names and checks", usual),
            ("the same with a name pattern", pattern),
            ("the same, one axis of 2,500 values", PreviewRequest(text=wide, name="bench")),
        ):
            answer = preview(workspace, wanted, 10**6)
            assert not answer["errors"], answer["errors"]
            took = measured(lambda wanted=wanted: preview(workspace, wanted, 10**6), options.repeat)  # type: ignore[misc]  # a default in a lambda has no type
            print(f"{what}: {took * 1000:.1f} ms, {took / base:.1f} times")
        plain = Path(folder, "plain")
        plain.mkdir()
        begin = time.perf_counter()
        write_plainly(plain, count)
        written = time.perf_counter() - begin
        print(f"writing {count:,} such folders plainly, not durable: {written:.2f} s")
        proposal = plan_tasks(workspace, text, "bench")
        begin = time.perf_counter()
        create(proposal)
        took = time.perf_counter() - begin
        print(f"creating {count:,} tasks: {took:.2f} s, {took / written:.1f} times")


if __name__ == "__main__":
    main()
