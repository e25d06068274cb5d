"""How fast the output of a task reaches its log, beside `cat` and `script` doing the same.

`python bench/output.py [--megabytes 1000]`. The same program writes through a terminal, through a pipe (no
terminal, but a limit) and straight into the log; times are those of the runs, without their start.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

ROUNDS = 3
MODES = {
    "a terminal": "terminal: true\n",
    "a pipe": "terminal: false\nlog_limit_mb: 1000000\n",
    "straight into the log": "terminal: false\n",
}


def lines(megabytes: int) -> str:
    """Return a command that writes lines as a program does that logs much."""
    return f"yes 'epoch 12 step 3456 loss 0.123456 lr 0.001' | head -c {megabytes * 1_000_000}"


def measure(workspace: Workspace, settings: str, command: str, size: int) -> float:
    """Return how long a run of the command took (s), the best of three."""
    (workspace.folder.root / SETTINGS_NAME).write_text(settings)
    task = workspace.create(command, "output")[0]
    took = []
    for _ in range(ROUNDS):
        task.run()
        workspace.wait(task)
        run = task.runs[-1]
        assert run.status == "completed"
        assert run.duration is not None
        log = task.folder / "run_logs" / f"run{run.index}.log"
        assert size < log.stat().st_size < size + 2000
        log.unlink()
        took.append(run.duration)
    task.delete()
    return min(took)


def outside(words: list[str]) -> float:
    """Return how long a command takes (s), the best of three."""
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    megabytes = parser.parse_args().megabytes
    command = lines(megabytes)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        found = {"`... | cat > file`": outside(["sh", "-c", f"{command} | cat > {file}"])}
        if shutil.which("script"):
            found["`script -c ... file`"] = outside(["script", "-q", "-c", command, str(file)])
        file.unlink()
        workspace = Workspace.open(folder)
        for name, settings in MODES.items():
            found[name] = measure(workspace, settings, command, megabytes * 1_000_000)
    cat = found["`... | cat > file`"]
    print(f"{megabytes:,} MB of lines\n\n| through | s | MB/s | speed of cat |\n| --- | ---: | ---: | ---: |")
    for name, seconds in found.items():
        print(f"| {name} | {seconds:.2f} | {megabytes / seconds:.0f} | {cat / seconds:.2f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
