"""A real Dask cluster on this machine: a scheduler, and a worker on each of two nodes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests import nodes
from tests.support import wait_until

NODES = ("node1", "node2")


class DaskCluster:
    """A cluster whose files are below `folder`. Each worker has one GPU, and is restarted by its nanny."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = nodes.free_ports(1)[0]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        self.start_scheduler()
        for node in NODES:
            self.start_node(node)
        # Five interpreters that import Dask, which takes each of them more than a second.
        wait_until(lambda: len(self.workers()) == len(NODES), 120, self.log, interval=0.5)

    def stop(self) -> None:
        for node in list(self._nodes):
            self.stop_node(node)
        self.stop_scheduler()

    def start_scheduler(self) -> None:
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self._scheduler = self._daemon(sys.executable, "-m", "distributed.cli.dask_scheduler", *words)

    def stop_scheduler(self) -> None:
        """Kill the scheduler, which loses all that it knew."""
        if self._scheduler is not None:
            os.killpg(self._scheduler.pid, signal.SIGKILL)
            self._scheduler.wait()
            self._scheduler = None

    @contextmanager
    def silent_scheduler(self) -> Iterator[None]:
        """A `with` block in which the scheduler answers nobody; it forgets nothing."""
        assert self._scheduler is not None
        os.killpg(self._scheduler.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._scheduler.pid, signal.SIGCONT)

    def start_node(self, node: str) -> None:
        number = NODES.index(node)
        words = [self.address, "--name", node, "--nthreads", "4", "--resources", "GPU=1", "--no-dashboard"]
        words += ["--host", "127.0.0.1", "--local-directory", str(self.folder / node)]
        reaping = ["sh", "-c", '"$@" & wait', "sh"]  # as the init process of a machine does
        worker = [*reaping, sys.executable, "-m", "distributed.cli.dask_worker", *words]
        self._nodes[node] = self._daemon(
            *nodes.as_node(node, number, self.folder, *worker), CUDA_VISIBLE_DEVICES=str(number)
        )

    def stop_node(self, node: str) -> None:
        """Let a node die with all that runs on it."""
        nodes.kill_node(self._nodes.pop(node))

    def kill_worker(self, node: str) -> None:
        """Kill the process of a worker with -9; its node and what it started live on."""
        below = psutil.Process(self._nodes[node].pid).children(recursive=True)
        [worker] = [one for one in below if "spawn_main" in " ".join(_words(one))]
        worker.kill()

    def workers(self) -> list[str]:
        """The names of the connected workers."""
        with self.client() as client:
            return sorted(str(worker["name"]) for worker in client.scheduler_info()["workers"].values())

    def datasets(self) -> list[str]:
        with self.client() as client:
            return list(client.list_datasets())

    def client(self) -> Any:
        from distributed import Client  # not for everybody who collects tests

        return Client(self.address, set_as_default=False, timeout=30)

    def log(self) -> str:
        return (self.folder / "daemons.log").read_text("utf-8", "replace")

    def _daemon(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        with (self.folder / "daemons.log").open("ab") as log:
            return subprocess.Popen(
                words,
                cwd=self.folder,  # by which the end of the tests finds what is left
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has ended, or is a zombie
        return []
