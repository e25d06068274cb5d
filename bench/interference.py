"""What Pyruns takes from the training: processor time of its processes while tasks run.

`python bench/interference.py [--tasks 8] [--seconds 60]`, from a checkout. Each task prints 10 lines and
tracks 10 metrics a second, and a server watches the workspace as for an open page. The scheduler, the
supervisors and the server are compared to a bare `while :; do echo ...; sleep 0.1; done` for each task.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import psutil
from tornado.websocket import WebSocketClientConnection

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.server import Client
from pyruns_jupyter.api import Workspace
from tests.server.process import ServerProcess

WS = quote("_pyruns_/train", safe="")
SCRIPT = """\
import argparse, time
import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
for step in range(10**6):
    pyruns.track(step=step, **{f"metric{number}": step / (number + 1) for number in range(10)})
    for line in range(10):
        print(f"step {step} line {line} loss {1 / (step + 1):.6f}", flush=True)
        time.sleep(0.1)
"""
BARE = 'while :; do echo "step 1 line 1 loss 0.5"; sleep 0.1; done'


def used(processes: list[psutil.Process]) -> float:
    """Return the processor time of processes and of their children that ended (s)."""
    return sum(sum(process.cpu_times()[:4]) for process in processes)


async def share(processes: list[psutil.Process], seconds: float) -> float:
    """Return how much of a core processes take in the coming seconds."""
    before = used(processes)
    await asyncio.sleep(seconds)
    return (used(processes) - before) / seconds


def processes(word: str) -> list[psutil.Process]:
    """Return the processes with a word at the beginning of their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(word in part for part in words[:3]):
            found.append(process)
    return found


async def receive(socket: WebSocketClientConnection) -> None:
    """Read all messages, as a page does: a server closes a websocket whose client does not read."""
    while await socket.read_message() is not None:
        pass


async def measure(folder: Path, tasks: int, seconds: float) -> None:
    """Run tasks under a watching server, and print what each kind of process takes meanwhile."""
    project = folder / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace = Workspace.open(project / "train.py")
    server = ServerProcess(project, folder / "home")
    try:
        client = Client(server)
        sockets = [await client.socket(f"workspaces/{WS}/events"), await client.socket("system/stream")]
        reading = [asyncio.ensure_future(receive(socket)) for socket in sockets]
        print(f"server, nothing runs: {await share([client.process], 10):.2%} of a core", flush=True)
        names = workspace.create(f"seed: 0:{tasks}\n")
        workspace.run(names, jobs=tasks)
        await asyncio.sleep(30)  # all run; imports and first looks are over
        assert workspace.counts()["running"] == tasks
        scheduler, supervisors = processes("pyruns_jupyter.engine.scheduler"), processes("pyruns-run")
        found = await asyncio.gather(
            *(share(some, seconds) for some in (scheduler, supervisors, [client.process]))
        )
        print(f"{tasks} tasks: scheduler {found[0]:.2%}, {len(supervisors)} supervisors {found[1]:.2%},")
        print(f"server {found[2]:.2%}; together {sum(found):.2%} of a core", flush=True)
        assert not any(one.done() for one in reading)
        for socket in sockets:
            socket.close()
    finally:
        for task in workspace:
            await asyncio.to_thread(task.stop)
        server.stop()
        await asyncio.to_thread(workspace.wait, timeout=60)  # a task whose project is gone cannot be stopped


def bare(tasks: int, seconds: float) -> float:
    """Return how much of a core shells take that only print as much."""
    shells = [subprocess.Popen(["bash", "-c", BARE], stdout=subprocess.DEVNULL) for _ in range(tasks)]
    try:
        return asyncio.run(share([psutil.Process(one.pid) for one in shells], seconds))
    finally:
        for one in shells:
            one.kill()
            one.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), args.tasks, args.seconds))
    print(f"{args.tasks} shells that print as much: {bare(args.tasks, 20):.2%}")


if __name__ == "__main__":
    main()
