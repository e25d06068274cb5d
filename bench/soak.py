"""The server under a lively load for some minutes: does anything grow?

`python bench/soak.py [--minutes 5]`: 32 tasks that write, clients that come and go on every socket, pages of
tasks asked for all the time. Printed are memory, open files and threads of the server, and how long requests
take; what grows from the second half on would go on growing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tornado.websocket import WebSocketClosedError

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.server import WS, Client
from pyruns_jupyter.api import Workspace
from tests.server.process import ServerProcess

WRITERS, CLIENTS = 32, 20
SCRIPT = "while :; do echo line $RANDOM; sleep 0.05; done\n"


async def come_and_go(client: Client, names: list[str], until: float, chance: random.Random) -> None:
    """Be a client that opens something, listens for a while, and leaves."""
    while time.monotonic() < until:
        path, query = chance.choice(
            [
                (f"workspaces/{WS}/events", {}),
                (f"workspaces/{WS}/tasks/{chance.choice(names)}/logs/stream", {"tail": 10_000}),
                ("system/stream", {}),
            ]
        )
        socket = await client.socket(path, **query)
        leave_at = time.monotonic() + chance.random() * 3
        try:
            while time.monotonic() < leave_at:
                if await asyncio.wait_for(socket.read_message(), 5) is None:
                    break
        except (asyncio.TimeoutError, WebSocketClosedError):
            pass
        socket.close()
        if chance.random() < 0.1:
            await client.api(f"workspaces/{WS}/tasks/{chance.choice(names)}/logs/search", pattern="line 1")


async def measure(folder: Path, minutes: float) -> None:
    """Soak, and print a line now and then."""
    root = folder / "root"
    root.mkdir()
    workspace = Workspace.open(root)
    names = [workspace.create(SCRIPT, f"w{number}")[0].name for number in range(WRITERS)]
    for number in range(500):
        workspace.create("true\n", f"t{number}")
    workspace.run(names, jobs=WRITERS)
    server = ServerProcess(root, folder / "home", extensions=["stalls_extension"])
    client, chance = Client(server), random.Random(1)
    until = time.monotonic() + minutes * 60
    work = [asyncio.ensure_future(come_and_go(client, names, until, chance)) for _ in range(CLIENTS)]
    print("| minute | MB | open files | threads | page, median ms | p99 ms |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    began = time.monotonic()
    try:
        while time.monotonic() < until:
            took = []
            next_at = time.monotonic() + min(30.0, minutes * 10)
            while time.monotonic() < next_at:
                asked = time.perf_counter()
                await client.api(f"workspaces/{WS}/tasks", limit=50, query="is:running")
                took.append((time.perf_counter() - asked) * 1e3)
                await asyncio.sleep(0.02)
            process = client.process
            minute, size = (time.monotonic() - began) / 60, process.memory_info().rss / 1e6
            slow = statistics.quantiles(took, n=100)[98]
            print(
                f"| {minute:.1f} | {size:.0f} | {process.num_fds()} | {process.num_threads()} | "
                f"{statistics.median(took):.1f} | {slow:.0f} |",
                flush=True,
            )
        await asyncio.gather(*work)
        await asyncio.sleep(3)
        print(f"\nafterwards: {client.process.num_fds()} open files, {client.process.num_threads()} threads")
    finally:
        for task in workspace.tasks("is:active"):
            task.stop()
        workspace.wait(timeout=60)
        server.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), args.minutes))


if __name__ == "__main__":
    main()
