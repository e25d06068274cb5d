"""How fast metric files of other packages are read, compared to reading their bytes.

`python bench/metric_sources.py [--points 200000]`: for each format a file with two metrics per step, written
by hand. `parse` is the source alone, `import` also appends the points to a journal, as a supervisor does, and
`end` reads that journal when the run has ended; `both` are these two together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from pyruns_jupyter.core.metrics.aggregate import compact
from pyruns_jupyter.core.metrics.downsample import CurveDownsampler
from pyruns_jupyter.core.metrics.journal import Appender, encode_points
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.metric_names import MetricNames
from tests.core.metrics.sources.support import scalar


def tensorboard(steps: int) -> bytes:
    """Two scalars of each step."""
    pairs = ((scalar("train/loss", n, 1 / (n + 1)), scalar("train/acc", n, n / steps)) for n in range(steps))
    return b"".join(part for pair in pairs for part in pair)


def table(steps: int) -> bytes:
    """Two columns and a step."""
    return ("step,loss,acc\n" + "".join(f"{n},{1 / (n + 1)},{n / steps}\n" for n in range(steps))).encode()


def json_lines(steps: int) -> bytes:
    """Two keys and a step."""
    lines = (json.dumps({"step": n, "loss": 1 / (n + 1), "acc": n / steps}) for n in range(steps))
    return "\n".join(lines).encode() + b"\n"


FORMATS: dict[str, Callable[[int], bytes]] = {
    "events.out.tfevents.1.host": tensorboard,
    "metrics.csv": table,
    "log.jsonl": json_lines,
}


def read(path: Path, write: Callable[[bytes], Any] | None) -> int:
    """Read a file as a supervisor does; return the number of values besides the steps."""
    file_format = format_of(str(path))
    assert file_format is not None
    source, names, values = file_format.open(path, 0, ""), MetricNames(), 0
    while True:
        points = source.read()
        values += sum(len(point.values) - 1 for point in points)
        if write is not None:
            named = names.named(str(path), file_format, points)
            write(b"".join(encode_points([(moment or 0.0, point) for moment, point in named], source=1)))
        if not source.has_more:
            return values


def seconds(body: Callable[[], Any]) -> float:
    """Return the shortest processor time of three."""
    times = []
    for _ in range(3):
        began = time.process_time()
        body()
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    """Write the files, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, make in FORMATS.items():
            path = Path(folder) / name
            path.write_bytes(make(options.points // 2))
            plain = seconds(path.read_bytes)
            parsed = seconds(partial(read, path, None))
            journal = Appender(Path(folder) / f"{name}.journal")
            whole = seconds(partial(read, path, journal.write))
            ended = seconds(partial(compact, Path(f"{path}.journal"), 0, CurveDownsampler(), {})) / 3
            tracemalloc.start()
            count = read(path, None)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            print(
                f"{name:28} {path.stat().st_size / 1e6:5.1f} MB  read() {plain * 1e3:6.1f} ms  "
                f"parse {count / parsed:9,.0f} points/s ({parsed / plain:4.0f} x read())  "
                f"import {count / whole:9,.0f} points/s  end {count / ended:9,.0f} points/s  "
                f"both {count / (whole + ended):9,.0f} points/s  peak {peak / 1e6:4.1f} MB"
            )


if __name__ == "__main__":
    main()
