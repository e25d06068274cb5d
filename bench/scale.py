"""What grows with the number of tasks: time, memory, disk. The figures of `docs/scaling.md`.

`python bench/scale.py --tasks 10000 [--folder DIR]`, from a checkout. The workspace is that of `index.py`:
four of five tasks have a finished run. With `--folder` it is kept and used again. Server, scheduler and
clients are processes of their own; reads find the files in the system's cache. "Known" are the rows that an
earlier process left in the state folder.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])

from bench.index import make
from bench.server import Client
from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
from pyruns_jupyter.engine.queue.launch import pause, resume, scheduler_alive
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from tests.server.process import ServerProcess

WS = quote("_pyruns_/train", safe="")
REST_SECONDS = 10.0
SETTLED_SECONDS = 65.0  # rows of files that are younger are not kept for the next process


def tell(what: str, figure: str) -> None:
    """Print a line of the table."""
    print(f"| {what} | {figure} |", flush=True)


async def took(ask: Callable[[], Awaitable[bytes]], times: int = 1) -> float:
    """Return the least seconds that a question took."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        best = min(best, time.perf_counter() - began)
    return best


def rest(process: psutil.Process) -> float:
    """Return how much of a core (%) a process takes when nothing happens."""
    before = sum(process.cpu_times()[:2])
    time.sleep(REST_SECONDS)
    return (sum(process.cpu_times()[:2]) - before) / REST_SECONDS * 100


def disk(workspace: WorkspaceFolder) -> None:
    """What the tasks take on disk."""
    files = size = 0
    for folder, _, names in os.walk(workspace.tasks):
        files += 1 + len(names)
        for name in names:
            size += os.lstat(os.path.join(folder, name)).st_blocks * 512
    count = len(workspace.task_names())
    tell("files and folders of a task", f"{files / count:.1f}")
    tell("disk space of a task (without log and artifacts)", f"{size / count / 1024:.1f} KiB")


async def first_page(client: Client) -> float:
    """Return how long the first page takes (s) in a server that has just started."""
    await client.api("status")
    return await took(lambda: client.api(f"workspaces/{WS}/tasks", limit=50))


async def server(project: Path, workspace: WorkspaceFolder, home: Path) -> None:
    """A server and what it answers."""
    process = ServerProcess(project, home)
    try:
        tell("first page of tasks, server just started", f"{await first_page(Client(process)):.2f} s")
    finally:
        process.stop()
    process = ServerProcess(project, home)
    try:
        client = Client(process)
        await client.api("status")
        before = client.process.memory_info().rss
        tell("the same, rows known", f"{await first_page(client):.2f} s")
        socket = await client.socket(f"workspaces/{WS}/events")  # as each open page has
        await socket.read_message()
        await asyncio.sleep(5)
        sizes = count(50)  # each question is another one, as answers are kept

        def page(**query: int | str) -> Awaitable[bytes]:
            return client.api(f"workspaces/{WS}/tasks", limit=next(sizes), **query)

        questions: dict[str, dict[str, int | str]] = {
            "a page in the middle": {"offset": 5000},
            "a page sorted by a figure": {"sort": "acc"},
            "a page that a search finds": {"query": "lr<0.05 is:completed acc>0.5"},
        }
        for name, query in questions.items():
            seconds = await took(partial(page, **query))
            later = await took(partial(page, **query), 2)
            tell(name, f"{seconds * 1e3:.0f} ms, another one {later * 1e3:.0f} ms")
        seconds = await took(lambda: client.api(f"workspaces/{WS}/groups", by="opt", limit=next(sizes)), 3)
        tell("groups of a parameter", f"{seconds * 1e3:.0f} ms")
        tell(
            "memory that the server takes for it",
            f"{(client.process.memory_info().rss - before) / 1e6:.0f} MB",
        )
        tell(
            "server, watched, nothing changes",
            f"{await asyncio.to_thread(rest, client.process):.2f} % of a core",
        )
        names = workspace.task_names()[:5]
        waits = []
        for name in names:
            began = time.perf_counter()
            await asyncio.to_thread(tasks.change, workspace, name, TaskPatch(pinned=True))
            while name not in str(await socket.read_message()):
                pass
            waits.append(time.perf_counter() - began)
        tell("a change on disk is on the page after", f"{sorted(waits)[2]:.2f} s")
        socket.close()
    finally:
        process.stop()


def listing(project: Path, state: Path) -> None:
    """A program that lists all of it; its state folder is `state`."""
    environment = {**os.environ, STATE_VARIABLE: str(state)}
    for command, when in (("ls", ""), ("ls", ", rows known"), ("ls --json", ", rows known")):
        began = time.perf_counter()
        words = [sys.executable, "-m", "pyruns_jupyter.cli", *command.split()]
        subprocess.run(words, cwd=project, stdout=subprocess.DEVNULL, check=True, env=environment)
        tell(f"`jupyter pyruns {command}`{when}", f"{time.perf_counter() - began:.2f} s")


def queue(workspace: WorkspaceFolder) -> None:
    """Queue all tasks, with nothing started; then let them be cancelled by their scheduler."""
    paths = EnginePaths(workspace.root)
    pause(workspace.root) if paths.folder.is_dir() else paths.folder.mkdir(mode=0o700)
    pause(workspace.root)
    names = workspace.task_names()
    began = time.perf_counter()
    submission = submit(workspace, names, options=QueueOptions(jobs=1))
    tell("queueing all of them, durably", f"{time.perf_counter() - began:.1f} s")
    while not (queued := read_queue(workspace.root).batches) or "paused" not in queued[0].why:
        time.sleep(0.05)
    tell("until the scheduler knows them", f"{time.perf_counter() - began:.1f} s")
    tell(
        "size of the batch file",
        f"{(paths.batches / f'{submission.batch}.json').stat().st_size / 1e6:.1f} MB",
    )
    [process] = [one for one in psutil.process_iter() if _is_scheduler(one, workspace)]
    time.sleep(3)
    tell("scheduler, nothing changes", f"{rest(process):.2f} % of a core")
    tell("memory of the scheduler", f"{process.memory_info().rss / 1e6:.0f} MB")
    process.kill()
    while scheduler_alive(workspace.root):
        time.sleep(0.05)
    for file in paths.batches.iterdir():
        file.unlink()
    resume(workspace.root)


def _is_scheduler(process: psutil.Process, workspace: WorkspaceFolder) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "pyruns_jupyter.engine.scheduler" in words and str(workspace.root) in words


def main() -> None:
    """Make the workspace and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="keep the project here and use it again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        project = args.folder or Path(temporary, "project")
        if not project.is_dir():
            began = time.perf_counter()
            make(project, args.tasks, 20)
            tell("making them, with what runs write", f"{time.perf_counter() - began:.0f} s")
            time.sleep(SETTLED_SECONDS)
        workspace, _ = open_workspace(project / "train.py")
        print(f"| {len(workspace.task_names()):,} tasks | {os.cpu_count()} cores |\n| --- | ---: |")
        disk(workspace)
        listing(project, Path(temporary, "state"))
        asyncio.run(server(project, workspace, Path(temporary, "home")))
        queue(workspace)


if __name__ == "__main__":
    main()
