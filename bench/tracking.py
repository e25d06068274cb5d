"""What `track()` costs, what a kill loses, and what the end of a long run takes.

`python bench/tracking.py [MEGABYTES]`: the journal whose folding is measured, 200 by default. `track()` is
compared to a bare loop of `os.write` of the same bytes in the same run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POINTS = 200_000
ROUNDS = 5
KILLS = 20

TRACKER = """
import itertools, os, sys
import pyruns_jupyter as pyruns
for number in itertools.count():
    pyruns.track({sys.argv[1]: number})
    os.write(1, b"%d\\n" % number)
"""
FOLDER = """
import sys, time
from pathlib import Path
from pyruns_jupyter.core.metrics.aggregate import compact
def peak():  # KiB, of this program alone; Linux
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
begun = time.perf_counter()
_, tracks, _ = compact(Path(sys.argv[1]))
taken = time.perf_counter() - begun
after = peak()
print(taken, before / 1024, after / 1024, max(map(len, tracks.values())))
"""


def best_rate(folder: Path) -> tuple[float, float]:
    """Return the points a second of `track()` and of bare writes of the same lines, each the best of some."""
    import pyruns_jupyter as pyruns
    from pyruns_jupyter.core.metrics.journal import encode

    os.environ["PYRUNS_TASK_DIR"], os.environ["PYRUNS_RUN_INDEX"] = str(folder), "1"
    lines = [encode("track", {"loss": 1 / (n + 1), "step": n}, time.time()) for n in range(POINTS)]
    tracked, written = 0.0, 0.0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for n in range(POINTS):
            pyruns.track(loss=1 / (n + 1), step=n)
        tracked = max(tracked, POINTS / (time.perf_counter() - begun))
        descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        begun = time.perf_counter()
        for line in lines:
            os.write(descriptor, line)
        written = max(written, POINTS / (time.perf_counter() - begun))
        os.close(descriptor)
    return tracked, written


def lost_by_kills(folder: Path) -> tuple[int, int]:
    """Return how many acknowledged points SIGKILL cost, and how many there were."""
    from pyruns_jupyter.core.metrics.aggregate import read_journal
    from pyruns_jupyter.core.taskfile.paths import TaskPaths

    environment = {**os.environ, "PYRUNS_TASK_DIR": str(folder), "PYRUNS_RUN_INDEX": "2"}
    acknowledged: dict[str, int] = {}
    for number in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", TRACKER, f"k{number}"], stdout=subprocess.PIPE, env=environment
        )
        assert process.stdout is not None
        for _ in range(500 * (number + 1)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        acknowledged[f"k{number}"] = 500 * (number + 1) + process.stdout.read().count(b"\n")
        process.wait()
    tracks = read_journal(TaskPaths(folder).journal(2))[1]
    lost = sum(
        count - len(set(tracks.get(key, [])) & set(range(count))) for key, count in acknowledged.items()
    )
    return lost, sum(acknowledged.values())


def folding(folder: Path, megabytes: int) -> str:
    """Fold a journal of that size in a process of its own and return a line that says what it took."""
    from pyruns_jupyter.core.metrics.journal import encode

    path = folder / "big"
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < megabytes << 20:
            stream.write(
                b"".join(
                    encode("track", {"loss": 1 / (k + 1), "step": k}, 1.7e9 + k) for k in range(n, n + 10_000)
                )
            )
            n += 10_000
    done = subprocess.run(
        [sys.executable, "-c", FOLDER, str(path)], check=True, capture_output=True, text=True
    )
    taken, before, after, values = done.stdout.split()
    begun = time.perf_counter()
    with path.open("rb") as source:
        while source.read(1 << 20):
            pass
    bare = time.perf_counter() - begun
    return (
        f"fold of {megabytes} MiB, {n:,} points: {float(taken):.1f} s, {n / float(taken):,.0f} points/s "
        f"({float(taken) / bare:.0f} times a bare read), peak memory {float(after):.0f} MiB "
        f"(before: {float(before):.0f}), {values} values a curve"
    )


def main() -> int:
    """Print the figures."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tracked, written = best_rate(folder)
        print(f"track(): {tracked:,.0f} points/s; bare os.write of the same lines: {written:,.0f}/s", end="")
        print(f"; ratio {tracked / written:.2f}")
        lost, count = lost_by_kills(folder)
        print(f"{KILLS} times kill -9 while tracking: {lost} of {count:,} acknowledged points lost")
        print(folding(folder, megabytes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
