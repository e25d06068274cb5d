"""How fast tasks go through the queue, beside GNU parallel, task-spooler, xargs and `pyr`.

`python bench/throughput.py [--tasks 1000] [--reference /path/to/pyr]`. Each runs `true` in a shell so
often, two at a time; ours, `pyr` and task-spooler keep states and logs. What is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import psutil

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.taskfile.paths import TASK_INFO, EnginePaths
from pyruns_jupyter.engine.queue import launch

JOBS = 2
FEW = 40  # tasks for the program that takes long


def ours(folder: Path, count: int) -> float:
    """Return how long `count` tasks take (s), from queueing to the last state on disk."""
    workspace = Workspace.open(folder)
    names = [create_tasks(workspace.folder, "true\n", f"t{number}")[0] for number in range(count)]
    start = time.perf_counter()
    workspace.run(names, jobs=JOBS)
    last = workspace[names[-1]]
    while last.status in ("queued", "running"):
        time.sleep(0.01)
    workspace.wait(names)
    took = time.perf_counter() - start
    assert workspace.counts()["completed"] == count
    return took


def with_parallel(folder: Path, count: int) -> float:
    """GNU parallel, with its log of jobs and a file for the output of each."""
    return _timed(
        [
            *("parallel", "-j", str(JOBS), "--joblog", str(folder / "joblog")),
            *("--results", str(folder / "results"), "true", ":::"),
            *map(str, range(count)),
        ]
    )


def with_xargs(folder: Path, count: int) -> float:
    """xargs: no states, no logs."""
    text = "\n".join(map(str, range(count)))
    return _timed(["xargs", "-P", str(JOBS), "-I{}", "sh", "-c", "true"], text)


def with_spooler(folder: Path, count: int) -> float:
    """task-spooler, with a file for the output of each."""
    spooler = shutil.which("tsp") or "ts"
    environment = {
        **os.environ,
        "TS_SOCKET": str(folder / "socket"),
        "TMPDIR": str(folder),
        "TS_MAXFINISHED": "9999",
    }
    subprocess.run([spooler, "-S", str(JOBS)], env=environment, check=True)
    try:
        start = time.perf_counter()
        for _ in range(count):
            subprocess.run(
                [spooler, "sh", "-c", "true"], env=environment, check=True, stdout=subprocess.DEVNULL
            )
        while b"running" in (state := _output([spooler], environment)) or b"queued" in state:
            time.sleep(0.05)
        return time.perf_counter() - start
    finally:
        subprocess.run([spooler, "-K"], env=environment, check=True)


def only_states(folder: Path, count: int) -> float:
    """Nothing but what ours syncs to disk: the state of each task before and after its run."""

    def write(names: range) -> None:
        for name in names:
            place = folder / str(name)
            place.mkdir()
            for _ in range(2):
                write_atomic(place / TASK_INFO, bytes(2000))

    start = time.perf_counter()
    context = get_context("fork")
    writers = [context.Process(target=write, args=(range(number, count, JOBS),)) for number in range(JOBS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return time.perf_counter() - start


def with_pyr(pyr: str, folder: Path, count: int) -> float:
    """The command-line program `pyruns`, scaled up from a few tasks."""
    environment = {**os.environ, "HOME": str(folder)}
    (folder / "train.py").write_text("import pyruns\npyruns.load()\n")
    for number in range(FEW):
        subprocess.run(
            [pyr, "exec", "-n", f"t{number}", "-c", "true"],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
        )
    names = [f"t{number}" for number in range(FEW)]
    start = time.perf_counter()
    subprocess.run(
        [pyr, "-w", "_shell_", "run", "-j", str(JOBS), *names],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    return (time.perf_counter() - start) * count / FEW


def first_byte(folder: Path) -> tuple[float, float]:
    """Return how long after queueing the first byte of a task is in its log (s): with a scheduler that is
    there, and with one that has to be started; medians of several.
    """
    workspace = Workspace.open(folder)
    warm: list[float] = []
    cold: list[float] = []
    for number in range(12):
        task = workspace.create("echo first\nsleep 0.3\n", f"first{number}")[0]
        if number < 4:
            while psutil.pid_exists(_scheduler(workspace)):
                time.sleep(0.1)
        log = task.folder / "run_logs" / "run1.log"
        start = time.perf_counter()
        task.run()
        while not log.exists() or b"first\n" not in log.read_bytes():
            time.sleep(0.0005)
        (cold if number < 4 else warm).append(time.perf_counter() - start)
        workspace.wait(task)
    return statistics.median(warm), statistics.median(cold)


def idle(folder: Path) -> tuple[float, float, list[float]]:
    """Return what an idle scheduler costs (percent of a core, MB of its own), and what each of 32 supervisors
    has of its own (MB, pages that others share not counted).
    """
    workspace = Workspace.open(folder)
    names = [create_tasks(workspace.folder, "sleep 600\n", f"s{number}")[0] for number in range(32)]
    workspace.run(names, jobs=32)
    while workspace.counts()["running"] < 32:
        time.sleep(0.1)
    time.sleep(2)
    scheduler = psutil.Process(_scheduler(workspace))
    own = [_own(child) for child in scheduler.children()]
    launch.pause(workspace.folder.root)
    waiting = workspace.create("x: 1\n" if workspace.folder.kind == "script" else "true\n", "w")
    workspace.run(waiting)
    time.sleep(2)
    before = sum(scheduler.cpu_times()[:2])
    time.sleep(20)
    spent = (sum(scheduler.cpu_times()[:2]) - before) / 20 * 100
    size = _own(scheduler)
    for task in workspace.tasks("is:active"):
        task.stop()
    workspace.wait(timeout=60)
    launch.resume(workspace.folder.root)
    return spent, size, own


def _own(process: psutil.Process) -> float:
    return process.memory_full_info().uss / 1e6


def _scheduler(workspace: Workspace) -> int:
    import json

    try:
        return int(json.loads(EnginePaths(workspace.folder.root).scheduler_lock.read_bytes())["pid"])
    except (OSError, ValueError):
        return -1 if os.name == "nt" else 2**30


def _timed(words: list[str], text: str = "") -> float:
    start = time.perf_counter()
    subprocess.run(
        words, input=text.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - start


def _output(words: list[str], environment: dict[str, str]) -> bytes:
    return subprocess.run(words, env=environment, capture_output=True, check=True).stdout


def _print_rates(rates: dict[str, float], took: dict[str, list[float]], count: int) -> None:
    print(f"{count:,} tasks of `true`, {JOBS} at a time; medians\n")
    print("| program | tasks/s | slowest to fastest | ours is faster |\n| --- | ---: | ---: | ---: |")
    for name, rate in rates.items():
        span = f"{count / max(took[name]):.0f} to {count / min(took[name]):.0f}"
        print(f"| {name} | {rate:.0f} | {span} | {rates['ours'] / rate:.2f} x |")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reference", type=os.path.abspath, default=os.environ.get("PYRUNS_REFERENCE"))
    args = parser.parse_args()
    runners: dict[str, Callable[[Path, int], float]] = {"ours": ours}
    if shutil.which("parallel"):
        runners["GNU parallel"] = with_parallel
    if shutil.which("tsp"):
        runners["task-spooler"] = with_spooler
    if shutil.which("xargs"):
        runners["xargs"] = with_xargs
    if args.reference:
        runners["pyr"] = lambda folder, count: with_pyr(args.reference, folder, count)
    took: dict[str, list[float]] = {name: [] for name in runners}
    # All folders stay until the end: for each new file ext4 looks through what was deleted a moment ago.
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.rounds):
            for name, runner in runners.items():
                if name == "pyr" and number:
                    continue
                place = Path(folder, f"{number} {name}")
                place.mkdir()
                took[name].append(runner(place, args.tasks))
        rates = {name: args.tasks / statistics.median(times) for name, times in took.items()}
        _print_rates(rates, took, args.tasks)
        places = [Path(folder, f"{number} states") for number in range(args.rounds)]
        for place in places:
            place.mkdir()
        rate = args.tasks / statistics.median(only_states(place, args.tasks) for place in places)
        print(f"\nonly the states of as many tasks, synced to disk by {JOBS} processes: {rate:.0f} tasks/s")
    with tempfile.TemporaryDirectory() as folder:
        warm, cold = first_byte(Path(folder))
        print(f"\nfirst byte after queueing: {warm * 1e3:.0f} ms, with no scheduler yet {cold * 1e3:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        spent, size, own = idle(Path(folder))
        print(f"scheduler, 32 runs and a paused queue: {spent:.2f} % of a core, {size:.1f} MB of its own")
        print(f"each of {len(own)} supervisors: {statistics.median(own):.1f} MB, at most {max(own):.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
