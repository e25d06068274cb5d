"""A program of `test_executor.py`: some minutes in the demo, of which it prints the results.

usage: python lived.py EXAMPLES HOME
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pyruns_demo import browser, history
from pyruns_demo.clock import Clock


def main(examples: Path, home: Path) -> None:
    """Queue tasks of the example digits, and print what became of them."""
    shutil.copytree(examples / "digits", home / "digits")
    history.prepare_home(home)
    clock = Clock(time.time())
    browser.prepare_engine()
    from pyruns_demo import processes
    from pyruns_jupyter.core.tasks.row import read_row
    from pyruns_jupyter.service import queue, runs

    user = history.Author(home, "digits/train.py")
    tasks: dict[str, dict[str, Any]] = {}

    def live(seconds: float) -> dict[str, str]:
        history.live(clock, clock.now + seconds)
        return {
            path.name: read_row(path)[0].status for path in user.workspace.tasks.iterdir() if path.is_dir()
        }

    def queue_up(name: str, values: dict[str, str], jobs: int, **run: Any) -> None:
        user.sweep(name, values, jobs, **run)
        live(0.5)  # the batches start in this order

    queue_up("good", {"lr": "0.01"}, 1)
    queue_up("diverging", {"lr": "100.0"}, 1)
    queue_up("limited", {"epochs": "500"}, 1, time_limit=20)
    queue_up("stopped", {"epochs": "500"}, 1)
    queue_up("many", {"seed": "0:6", "epochs": "20"}, 6)
    early = live(15)
    waiting = queue.queue(user.workspace.root)
    user.act("cancel", ["stopped"])
    late = live(600)
    for name in late:
        folder = user.workspace.paths(name).folder
        row, info = read_row(folder)
        tasks[name] = {
            "status": row.status,
            "message": row.message,
            "figures": row.figures,
            "points": len(info["tracks"][0].get("acc", [])) if info.get("tracks") else 0,
            "log": user.workspace.paths(name).log(1).read_text(),
            "artifacts": [one["path"] for one in runs.artifacts(user.workspace, name, 1)["items"]],
        }
    left = processes.advance()
    print(json.dumps({"early": early, "waiting": waiting, "tasks": tasks, "left": left}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
