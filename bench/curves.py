"""How fast the curves of many long runs open, compared to reading and parsing what is told of them.

`python bench/curves.py [--runs 200] [--points 100000]`: runs as our own supervisor leaves them, each with two
curves and a step. Files are in the system's cache.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
import time
from pathlib import Path

from pyruns_jupyter.core.metrics import read as figures
from pyruns_jupyter.core.metrics.aggregate import compact
from pyruns_jupyter.core.metrics.downsample import CurveDownsampler, write_curves
from pyruns_jupyter.core.metrics.journal import TRACK, encode
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.curves import CurvesRequest, curves
from pyruns_jupyter.service.http_errors import to_json

PIXELS = 800


def make_run(paths: TaskPaths, points: int, seed: int) -> float:
    """Make a run that ended; return the seconds that its end took for the curves."""
    paths.run_logs.mkdir(parents=True)
    chance = random.Random(seed)
    with paths.journal(1).open("wb") as stream:
        for n in range(points):
            loss = math.exp(-n / points * 5) + chance.random() * 0.1
            stream.write(encode(TRACK, {"loss": loss, "acc": 1 - loss, "step": n}, 1.7e9 + n))
    begun = time.perf_counter()
    sketches = CurveDownsampler()
    _, tracks, whole = compact(paths.journal(1), 0, sketches)
    write_curves(paths.curves(1), sketches.curves(), paths.journal(1).stat().st_size)
    taken = time.perf_counter() - begun
    info = {
        "name": paths.name,
        "status": "completed",
        "start_times": ["2026-01-01_00-00-00"],
        "run_statuses": ["completed"],
    }
    figures.add_points(info, 1, tracks, whole=whole)
    paths.info.write_text(json.dumps(info, indent=2))
    return taken


def main() -> None:
    """Make the runs, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--points", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "_pyruns_" / "train"
        (root / "tasks").mkdir(parents=True)
        (root / "script_info.json").write_text('{"workspace_kind": "script", "script_name": "train"}')
        workspace = WorkspaceFolder.at(root)
        names = [f"run_{n}" for n in range(options.runs)]
        ends = [make_run(workspace.paths(name), options.points, n) for n, name in enumerate(names)]
        size = sum(workspace.paths(name).journal(1).stat().st_size for name in names)
        print(f"{options.runs} runs of {options.points:,} points, journals of {size / 2**20:,.0f} MiB")
        print(f"sketches of a run at its end, with its summary: {1000 * sum(ends) / len(ends):.0f} ms")
        for turn in ("first time", "again"):
            begun = time.perf_counter()
            text = to_json(curves(workspace, CurvesRequest(name=tuple(names), key=("loss",), points=PIXELS)))
            opening = time.perf_counter() - begun
            begun = time.perf_counter()
            json.loads(text)
            parsing = time.perf_counter() - begun
            print(
                f"opening them for {PIXELS} points, {turn}: {opening:.2f} s, {len(text) / 2**20:.1f} MiB of "
                f"answer, {opening / parsing:.1f} times parsing it"
            )
        for name in names:
            workspace.paths(name).curves(1).unlink()
        some = names[: max(1, options.runs // 40)]
        for turn in ("first time", "again"):
            begun = time.perf_counter()
            curves(workspace, CurvesRequest(name=tuple(some), key=("loss",), points=PIXELS))
            print(f"a run without its sketches, {turn}: {(time.perf_counter() - begun) / len(some):.3f} s")


if __name__ == "__main__":
    main()
