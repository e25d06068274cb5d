"""The server extension beside a handler that does nothing: requests, changes, logs, stalls of the event loop.

`python bench/server.py [--tasks 10000] [--log-gb 2]`, from a checkout. The server is a real one in a process
of its own; clients are in this one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.server.process import TOKEN, ServerProcess

WS = quote("_pyruns_/_shell_", safe="")
HEADERS = {"Authorization": f"token {TOKEN}"}


class Client:
    """Asks one server."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.process = psutil.Process(server.process.pid)
        self._http = AsyncHTTPClient(max_clients=100)

    async def get(self, path: str, **query: Any) -> bytes:
        """Return the body at a path below the base URL."""
        address = f"{self.server.base}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = await self._http.fetch(HTTPRequest(address, headers=HEADERS, request_timeout=1200))
        return answer.body

    async def api(self, path: str, **query: Any) -> bytes:
        """Return the body at a path of the API."""
        return await self.get(f"pyruns/api/{path}", **query)

    async def socket(self, path: str, **query: Any) -> WebSocketClientConnection:
        """Open a websocket of the API."""
        address = f"ws{self.server.base[4:]}pyruns/api/{path}?{urlencode(query)}"
        return await websocket_connect(HTTPRequest(address, headers=HEADERS), max_message_size=1 << 30)

    async def stalls(self, seconds: float) -> list[float]:
        """Return the longest stalls of the event loop (s) in the coming seconds."""
        found: list[float] = json.loads(await self.get("bench/stalls", seconds=seconds))["longest"]
        return found


async def rate(ask: Callable[[], Awaitable[object]], seconds: float, clients: int = 8) -> tuple[float, float]:
    """Return requests a second and the 99th percentile of what one takes (s)."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        while (began := time.perf_counter()) < until:
            await ask()
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(one() for _ in range(clients)))
    return len(took) / seconds, statistics.quantiles(took, n=100)[98]


async def requests(client: Client, seconds: float) -> None:
    """Pages of tasks, compared to an empty handler; the workspace is watched, as by each open page."""
    socket = await client.socket(f"workspaces/{WS}/events")
    await socket.read_message()
    await asyncio.sleep(3)
    empty, empty_p99 = await rate(lambda: client.get("bench/empty"), seconds)
    print(f"an empty handler: {empty:.0f}/s, p99 {empty_p99 * 1e3:.0f} ms")
    for name, query in (
        ("the first page (50 tasks)", {"limit": 50}),
        ("a page of 50 in the middle", {"limit": 50, "offset": 5000}),
        ("a page of 50, sorted and searched", {"limit": 50, "query": "is:pending", "sort": "name"}),
    ):
        found, p99 = await rate(partial(client.api, f"workspaces/{WS}/tasks", **query), seconds)
        print(f"{name}: {found:.0f}/s, {found / empty:.2f} of empty, p99 {p99 * 1e3:.0f} ms", flush=True)
    socket.close()


async def changes(client: Client, workspace: WorkspaceFolder, names: list[str]) -> None:
    """How long a change on disk takes to an open page; what watching costs."""
    socket = await client.socket(f"workspaces/{WS}/events")
    await socket.read_message()
    for pause in (0.0, 4.0):
        took = []
        for name in names[:8]:
            await asyncio.sleep(pause)
            began = time.perf_counter()
            await asyncio.to_thread(tasks.change, workspace, name, TaskPatch(pinned=pause == 0.0))
            while name not in str(await socket.read_message()):
                pass
            took.append(time.perf_counter() - began)
        after = "one after the other" if not pause else f"after {pause:g} s of rest"
        print(
            f"a change is seen ({after}): median {statistics.median(took):.2f} s, at most {max(took):.2f} s"
        )
    for count in (1, 50):
        others = [await client.socket(f"workspaces/{WS}/events") for _ in range(count - 1)]
        await asyncio.sleep(5)
        before = sum(client.process.cpu_times()[:2])
        await asyncio.sleep(10)
        spent = (sum(client.process.cpu_times()[:2]) - before) * 10
        print(f"watched by {count}, nothing changes: {spent:.2f} % of a core")
        for other in others:
            other.close()
    socket.close()


async def logs(client: Client, workspace: WorkspaceFolder, name: str, gigabytes: float) -> None:
    """The end of a large log, all of it, and a search in it."""
    folder = workspace.paths(name).run_logs
    folder.mkdir(exist_ok=True)
    line = b"epoch 17 step 4711 loss 0.123456 lr 0.001 acc 0.987654\n"
    with (folder / "run1.log").open("wb") as log:
        for _ in range(int(gigabytes * 1000)):
            log.write(line * (1_000_000 // len(line)))
    size = (folder / "run1.log").stat().st_size
    base = f"workspaces/{WS}/tasks/{name}/logs"
    await client.api(base, tail=1000)  # from disk into memory of the system, as after writing
    before = client.process.memory_info().rss
    began = time.perf_counter()
    socket = await client.socket(f"{base}/stream", tail=200_000)
    await socket.read_message()
    first = await socket.read_message()
    took = time.perf_counter() - began
    print(f"the end of {size / 1e9:.1f} GB, {len(first or b'') // 1000} KB: {took * 1e3:.0f} ms")
    socket.close()

    socket = await client.socket(f"{base}/stream", offset=max(0, size - 500_000_000))
    await socket.read_message()
    began, got, start = time.perf_counter(), 0, max(0, size - 500_000_000)
    while got < min(size, 500_000_000) - 1:
        frame = await socket.read_message()
        if not isinstance(frame, bytes):
            break
        got += len(frame)
        if got % (4 * 131072) < 131072:
            await socket.write_message(json.dumps({"ack": start + got}))
    print(f"streamed to a willing client: {got / 1e6 / (time.perf_counter() - began):.0f} MB/s")
    socket.close()
    grown = (client.process.memory_info().rss - before) / 1e6
    began = time.perf_counter()
    found = (await client.api(f"{base}/search", pattern=r"loss 0\.9\d+")).splitlines()
    took = time.perf_counter() - began
    assert json.loads(found[-1])["total"] == 0
    print(
        f"searched without a hit: {took:.2f} s ({size / 1e6 / took:.0f} MB/s); memory grew by {grown:.1f} MB"
    )


async def stalls(client: Client, name: str) -> None:
    """The event loop's longest stalls while much goes on."""
    sockets = [await client.socket(f"workspaces/{WS}/events") for _ in range(10)]
    sockets += [await client.socket("system/stream")]
    looking = asyncio.ensure_future(client.stalls(8))
    search = asyncio.ensure_future(
        client.api(f"workspaces/{WS}/tasks/{name}/logs/search", pattern=r"(\d+) .* 0\.9\d+")
    )
    found, p99 = await rate(lambda: client.api(f"workspaces/{WS}/tasks", limit=50), 8, clients=2)
    await search
    longest = ", ".join(f"{one * 1e3:.0f}" for one in (await looking)[:5])
    print(
        f"a search, the system's figures, {len(sockets)} sockets and {found:.0f} pages a second (p99 "
        f"{p99 * 1e3:.0f} ms): the longest stalls {longest} ms"
    )
    for socket in sockets:
        socket.close()
    print(f"the longest while nothing goes on: {(await client.stalls(3))[0] * 1e3:.0f} ms")


async def measure(folder: Path, args: argparse.Namespace) -> None:
    """Measure everything."""
    root = folder / "root"
    root.mkdir()
    workspace = open_workspace(root)[0]
    text = f"echo <product>\n# {'x' * 200}\n"
    names = [create_tasks(workspace, text, f"t{number:05}")[0] for number in range(args.tasks)]
    server = ServerProcess(root, folder / "home", extensions=["stalls_extension"])
    try:
        client = Client(server)
        began = time.perf_counter()
        await client.api(f"workspaces/{WS}/tasks", limit=50)
        print(f"{args.tasks:,} tasks; the first look {time.perf_counter() - began:.2f} s\n")
        await requests(client, args.seconds)
        await changes(client, workspace, names)
        await logs(client, workspace, names[0], args.log_gb)
        await stalls(client, names[0])
    finally:
        server.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--log-gb", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind of request")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), args))


if __name__ == "__main__":
    main()
